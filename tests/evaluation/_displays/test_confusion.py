import sys

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier

from emoest.evaluation import evaluate, plot_confusion


@pytest.fixture(scope="module")
def result():
    y = ["sad", "happy", "sad"] * 4
    groups = np.repeat([1, 2, 3, 4], 3)
    return evaluate(DummyClassifier(), np.zeros((12, 1)), y, groups=groups, cv=2, random_state=0)


def test_the_picture_has_each_count_and_share(result):
    pytest.importorskip("matplotlib")
    axes = plot_confusion(result)
    assert [text.get_text() for text in axes.texts] == ["0\n0%", "4\n100%", "0\n0%", "8\n100%"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["happy", "sad"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "true")


def test_it_draws_where_told(result):
    figure = pytest.importorskip("matplotlib.figure").Figure()
    axes = figure.subplots()
    assert plot_confusion(result, model="DummyClassifier", ax=axes) is axes


def test_without_matplotlib_the_extra_is_named(result, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"plot_confusion needs .*emoest\[plot\]"):
        plot_confusion(result)


def test_pyplot_holds_the_figure_and_it_has_a_title(result):
    plt = pytest.importorskip("matplotlib.pyplot")
    axes = plot_confusion(result)
    assert axes.figure.number in plt.get_fignums()
    assert axes.get_title() == "DummyClassifier\nUAR 0.500"
    plt.close(axes.figure)
