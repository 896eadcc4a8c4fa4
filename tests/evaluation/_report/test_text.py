from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression

from emoest.evaluation import evaluate
from emoest.evaluation._report.html import html_page
from emoest.evaluation._report.text import (
    _p_value,
    comparison_cells,
    lead_lines,
    number,
    protocol_lines,
    summary_text,
)


@pytest.fixture(scope="module")
def result():
    rng = np.random.default_rng(0)
    y = np.tile(["sad", "happy"], 20)
    X = rng.normal(size=(40, 2)) + (y == "sad")[:, None]
    models = {"logistic": LogisticRegression(), "chance": DummyClassifier()}
    return evaluate(models, X, y, groups=np.repeat(np.arange(8), 5), cv=4, random_state=0)


def test_the_summary_holds_protocol_scores_and_differences(result):
    lines = result.summary().splitlines()
    assert lines[0] == "UAR, speaker-independent"
    assert "samples tested       40 of 40" in lines
    assert "folds                4" in lines
    assert "intervals            95%, 2000 resamples of groups, widened for their number" in lines
    for model in ("logistic", "chance"):
        uar = number(result.table.loc[model, "uar"])
        assert any(line.startswith(model) and uar in line for line in lines)
    assert "Differences (p: predictions exchanged group by group):" in lines


def test_anything_with_the_tables_can_be_reported(result):
    names = ("protocol", "table", "folds", "comparison", "n_tested", "confusion")
    tables = SimpleNamespace(**{name: getattr(result, name) for name in names})
    assert summary_text(tables) == result.summary()
    assert "By speaker" not in html_page(tables)
    tables.subgroups, tables.models = result.subgroups, result.models
    assert html_page(tables) == result.to_html()
    assert dict(protocol_lines(tables))["speaker-independent"] == "yes"


@pytest.mark.parametrize(
    ("value", "p", "n_groups", "n_resamples", "shown"),
    [
        (1 / 50, 1 / 50, 20, 49, "<= 0.02"),
        (1 / 2001, 1 / 2001, 87, 2000, "<= 0.0005"),
        # All exchanges of twelve speakers are counted: the smallest is what it is.
        (1 / 4096, 1 / 4096, 12, 49, "0.00024"),
        (0.04, 0.04, 20, 49, "0.040"),
        # Of three comparisons, by Holm's method.
        (3 / 50, 1 / 50, 20, 49, "<= 0.06"),
        (float("nan"), float("nan"), 1, 49, ""),
    ],
)
def test_a_p_value_below_what_the_draws_can_show(value, p, n_groups, n_resamples, shown):
    assert _p_value(value, p, n_groups, n_resamples) == (shown or number(float("nan")))


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_groups_are_those_tested():
    y, groups = np.tile(["sad", "happy"], 20), np.repeat(np.arange(20), 2)
    splits = [(np.arange(6, 40), np.arange(6))]
    models = {"a": DummyClassifier(), "b": DummyClassifier()}
    result = evaluate(models, np.zeros((40, 1)), y, groups=groups, cv=splits, random_state=0)
    assert dict(protocol_lines(result))["groups (speakers)"] == "3 tested of 20"
    assert lead_lines(result)[0] == "6 samples of 3 speakers, 1 folds."
    # All exchanges of three speakers are counted.
    assert comparison_cells(result)[1][0][-2] == "1.000"
