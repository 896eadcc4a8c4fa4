import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import optuna
import pytest
from optuna.distributions import FloatDistribution

from emoest.tuning import plot_search
from emoest.tuning._plots import KINDS
from tests.tuning.rows import SPACE, Threshold, fit, search

mpl.use("Agg")


class Two(Threshold):
    def __init__(self, threshold=0.0, scale=1.0):
        super().__init__(threshold)
        self.scale = scale

    def predict(self, X):
        return super().predict(np.asarray(X) * self.scale)


@pytest.fixture(scope="module")
def fitted():
    space = SPACE | {"scale": FloatDistribution(0.1, 2)}
    return fit(search(Two(), space, pruner=optuna.pruners.MedianPruner(), cv=2))


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"pareto"}))
def test_every_kind_is_drawn_and_no_style_stays(kind, fitted):
    before = dict(mpl.rcParams)
    axes = plot_search(fitted, kind)
    assert dict(mpl.rcParams) == before
    drawn = [ax for ax in np.ravel(axes) if ax.has_data()]
    assert drawn
    assert "scale" in "".join(
        text.get_text() for ax in drawn for text in ax.figure.findobj(mpl.text.Text)
    ) or kind in {"history", "folds", "timeline"}


def test_the_history_shows_each_score(fitted):
    (points, *_) = plot_search(fitted.study_).collections
    complete = fitted.trials_[fitted.trials_["state"] == "COMPLETE"]
    expected = complete[["number", "value"]].to_numpy()
    np.testing.assert_allclose(points.get_offsets(), expected)


def test_several_objectives_have_a_front():
    scoring = {"uar": "uar", "cut": lambda model, X, y: model.threshold}
    several = fit(search(scoring=scoring, objectives=["uar", "cut"], refit="uar"))
    ax = plot_search(several, "pareto", target_names=["UAR", "cut"])
    assert ax.get_xlabel() == "UAR"


def test_what_cannot_be_drawn_is_named(fitted):
    with pytest.raises(ValueError, match="kind='pie' is unknown; choose one of history"):
        plot_search(fitted, "pie")
    with pytest.raises(ValueError, match="call fit first"):
        plot_search(search())
