import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.naive_bayes import GaussianNB

from emoest.evaluation import evaluate
from emoest.evaluation._report.text import table_cells

N = 40


@pytest.fixture(scope="module")
def result():
    y = np.tile(["a_b & 50 %", "<i>|x|</i>"], N // 2)
    X = np.random.default_rng(0).normal(size=(N, 2))
    models = {"net_1 {new}": GaussianNB(), "chance | guess": DummyClassifier()}
    return evaluate(models, X, y, groups=np.repeat(np.arange(10), 4), random_state=0)


def test_the_latex_table_holds_every_figure_and_no_command(result, tmp_path):
    text = result.to_latex(tmp_path / "table.tex")
    assert (tmp_path / "table.tex").read_text(encoding="utf-8") == text
    assert r"net\_1 \{new\}" in text
    assert r"a\_b \& 50 \%" in text
    headers, rows = table_cells(result)
    lines = [line for line in text.splitlines() if line.endswith(r"\\")]
    # Cells are parted by ampersands that are not escaped.
    assert [line.replace(r"\&", "").count("&") for line in lines] == [len(headers) - 1] * 3
    for row in rows:
        assert row[1] in text


def test_the_card_holds_scores_protocol_leaks_and_limits(result, tmp_path):
    text = result.to_model_card(tmp_path / "card.md")
    assert (tmp_path / "card.md").read_text(encoding="utf-8") == text
    assert text.startswith("# UAR, speaker-independent")
    for heading in ("Scores", "Differences", "Protocol", "Leaks", "Not to be used for"):
        assert f"\n## {heading}\n" in text
    assert "<i>" not in text
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert r"chance \| guess" in text
    counts = {line.replace(r"\|", "").count("|") for line in tables[:4]}
    assert len(counts) == 1
    assert "| same sample in both parts | ok | 0 |" in text
    assert "only for <b>demos" not in result.to_model_card(not_for="only for <b>demos")
