import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression

from emoest.evaluation import evaluate
from emoest.evaluation._report.text import comparison_cells, table_cells


@pytest.fixture(scope="module")
def result():
    rng = np.random.default_rng(0)
    y = pd.Series(rng.choice(["<b>sad</b>", "happy & glad"], 60), name="emotion")
    X = rng.normal(size=(60, 2)) + y.eq("happy & glad").to_numpy()[:, None]
    models = {"<script>alert(1)</script>": LogisticRegression(), "chance": DummyClassifier()}
    return evaluate(models, X, y, groups=np.repeat(np.arange(10), 6), random_state=0)


class Reader(HTMLParser):
    """Texts of a page; fails on tags that are not closed in order."""

    def __init__(self):
        super().__init__()
        self.open, self.cells, self.tags = [], [], set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.cells.append(data)


def test_the_page_is_well_formed_self_contained_and_escaped(result, tmp_path):
    page = result.to_html(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == page
    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    assert not reader.tags & {"script", "b", "link", "img"}
    assert not re.search(r"(src|href)=|url\(", page)
    assert "<b>sad</b>" in reader.cells
    assert "happy & glad" in reader.cells
    assert any("<script>alert(1)</script>" in cell for cell in reader.cells)


def test_text_and_page_print_the_same_figures(result):
    reader = Reader()
    reader.feed(result.to_html())
    text = result.summary()
    for headers, rows in (table_cells(result), comparison_cells(result)):
        for cell in [*headers, *(cell for row in rows for cell in row)]:
            assert cell in text
            assert cell in reader.cells
    low, high = result.table.loc["chance", ["uar_low", "uar_high"]]
    assert f"[{low:.3f}, {high:.3f}]" in text


def test_the_confusion_matrix_shows_counts_and_shares(result):
    counts = result.confusion("<script>alert(1)</script>")
    shares = result.confusion("<script>alert(1)</script>", normalize=True)
    rows = result.predictions[result.predictions["model"] != "chance"]
    expected = pd.crosstab(rows["y"], rows["y_pred"])
    np.testing.assert_array_equal(counts, expected)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    page = result.to_html()
    for count, share in zip(counts.to_numpy().ravel(), shares.to_numpy().ravel(), strict=True):
        assert f"{count}<small>{share:.0%}</small>" in page


def test_the_notebook_shows_the_fragment(result):
    fragment = result._repr_html_()
    assert fragment.startswith('<div class="emoest">')
    assert fragment in result.to_html()
    assert repr(result) == result.summary()


def test_unknown_names_are_refused(result):
    with pytest.raises(ValueError, match="There are several models"):
        result.confusion()
    with pytest.raises(ValueError, match="model='nobody' was not evaluated"):
        result.confusion("nobody")
    with pytest.raises(ValueError, match="target='arousal' was not evaluated"):
        result.confusion("chance", "arousal")


def test_the_page_says_what_was_evaluated_and_what_it_is_not_for(result):
    page = result.to_html()
    assert "DummyClassifier(" in page
    assert "Decisions about single persons" in page
    assert "scikit-learn" in page
    assert "Generated &amp; small" in result.to_html(note="Generated & small")
    assert "Not for &lt;children&gt;" in result.to_html(not_for="Not for <children>")


def test_every_color_has_a_light_and_a_dark_value(result):
    style = re.search(r"<style>(.*?)</style>", result._repr_html_(), re.DOTALL).group(1)
    blocks = re.findall(r"([^{}]+)\{([^{}]*--ink:[^{}]*)\}", style)
    names = [re.findall(r"--[a-z-]+(?=:)", text) for _, text in blocks]
    # Light, dark by the system, dark and light by the notebook's theme, print.
    assert len(names) == 5
    assert all(each == names[0] for each in names)
    assert '[data-jp-theme-light="false"] .emoest' in blocks[2][0]
    values = [text.partition("color-scheme")[0].split() for _, text in blocks]
    assert values[0] == values[3]
    assert values[1] == values[2]
    assert set(re.findall(r"var\((--[a-z-]+)\)", style)) <= {*names[0], "--part"}


def test_one_rater_is_a_line_in_picture_and_table(result):
    page = result.to_html(ceiling=0.75)
    assert "one rater against the others" in page
    assert page.count('class="chance top" style="left:75.0%"') == 2
    assert "0.750" in page
    assert "one rater" not in result.to_html()
