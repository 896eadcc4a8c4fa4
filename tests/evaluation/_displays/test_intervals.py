import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from emoest.evaluation import IntervalDisplay, ReliabilityDisplay, reliability_table

mpl.use("agg")
RNG = np.random.default_rng(0)
Y = RNG.choice(["glad", "sad"], 80)
X = RNG.normal(size=(80, 2)) + (Y == "sad")[:, None]
TABLE = pd.DataFrame(
    {
        "uar": [0.7, 0.5],
        "uar_low": [0.6, np.nan],
        "uar_high": [0.8, np.nan],
        "chance": [0.5, 0.5],
    },
    index=["SVM", "<b>$x$\n"],
)


def test_the_diagram_holds_the_table():
    model = LogisticRegression().fit(X, Y)
    display = ReliabilityDisplay.from_estimator(model, X, Y, n_bins=5)
    table = reliability_table(Y, model.predict_proba(X), n_bins=5)
    points = display.ax_.collections[0].get_offsets()
    np.testing.assert_allclose(points, table[["confidence", "accuracy"]])
    ax = mpl.figure.Figure().subplots()
    again = ReliabilityDisplay.from_predictions(Y, model.predict_proba(X), n_bins=5, ax=ax)
    assert again.ax_ is ax
    assert "80 samples" in ax.get_title()


def test_intervals_stand_where_the_table_says():
    ax = mpl.figure.Figure().subplots()
    display = IntervalDisplay.from_table(TABLE, ax=ax)
    lines = ax.collections[0].get_segments()
    np.testing.assert_allclose(lines[0], [[0.6, 0], [0.8, 0]])
    np.testing.assert_allclose(ax.lines[0].get_xdata(), [0.7, 0.5])
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["SVM", r"<b>\$x\$\n"]
    assert display.label == "UAR"
    assert ax.yaxis_inverted()


def test_a_table_without_intervals_is_refused():
    with pytest.raises(ValueError, match="neither uar_low nor ccc_low"):
        IntervalDisplay.from_table(TABLE[["uar"]])
