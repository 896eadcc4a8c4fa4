import sys

import numpy as np
import pytest

from emoest.validity import CCAValidityFilter, plot_validity

MODALITIES = {"audio": slice(0, 20), "text": slice(20, 40), "face": slice(40, 60)}


@pytest.fixture(scope="module")
def fitted(generate):
    rng = np.random.default_rng(0)
    train, loadings = generate(300, (20, 20, 20), rng)
    test, _ = generate(100, (20, 20, 20), rng, loadings=loadings)
    check = CCAValidityFilter(modalities=MODALITIES, random_state=0)
    return check.fit(np.hstack(train), groups=np.arange(300) % 10), np.hstack(test)


@pytest.fixture
def plt():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    yield plt
    plt.close("all")


def test_one_panel_a_pair_with_its_threshold(fitted, plt):
    check, X = fitted
    axes = plot_validity(check, X)
    assert [ax.get_title().partition(":")[0] for ax in axes] == [
        "audio ~ text",
        "audio ~ face",
        "text ~ face",
    ]
    for ax, pair in zip(axes, check.pairs_, strict=True):
        assert ax.lines[0].get_xdata()[0] == check.thresholds_[" ~ ".join(pair)]
        assert ax.get_xlabel() == "score (pmi)"
    labels = [text.get_text() for text in axes[0].get_legend().get_texts()]
    assert sorted(labels) == ["X", "another sample's", "threshold", "training, held out"]


def test_axes_can_be_given(fitted, plt):
    check, _ = fitted
    _, axes = plt.subplots(3)
    assert plot_validity(check, axes=axes) == list(axes)
    with pytest.raises(ValueError, match="2 axes were given for 3 pairs"):
        plot_validity(check, axes=axes[:2])


def drawn(axes):
    """Label and outline of each histogram of each panel."""
    return [[(patch.get_label(), patch.get_xy().tolist()) for patch in ax.patches] for ax in axes]


def test_samples_that_cannot_be_scored_are_left_out(fitted, plt):
    check, X = fitted
    unscored = plot_validity(check, np.full_like(X, np.nan))
    assert drawn(unscored) == drawn(plot_validity(check))
    assert [label for label, _ in drawn(unscored)[0]] == ["another sample's", "training, held out"]
    half = np.where(np.arange(len(X))[:, None] < 50, np.nan, X)
    assert drawn(plot_validity(check, half)) == drawn(plot_validity(check, X[50:]))
    assert drawn(plot_validity(check, half)) != drawn(plot_validity(check, X))


def test_nothing_to_show(plt):
    with pytest.warns(UserWarning, match="one modality"):
        check = CCAValidityFilter().fit(np.eye(5))
    with pytest.raises(ValueError, match="checks no pair"):
        plot_validity(check)


def test_missing_matplotlib_names_the_extra(fitted, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"plot_validity needs .*emoest\[plot\]"):
        plot_validity(fitted[0])
