"""What holds of every display: sizes of a paper's column, colors, names with markup."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import colors
from matplotlib.text import Text
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression

from emoest.evaluation import (
    ConfusionDisplay,
    EmbeddingMapDisplay,
    IntervalDisplay,
    ModalityAblationDisplay,
    ReliabilityDisplay,
    SpeakerDisplay,
    TrainingHistoryDisplay,
    ValenceArousalDisplay,
    evaluate,
)
from emoest.utils.plots import COLUMN, GRAY, PALETTE, SMALL
from emoest.validity import CCAValidityFilter, ValidityDisplay

mpl.use("agg")
N = 80
RNG = np.random.default_rng(0)
NAMES = ["<b>$x$ of a very long name\x07", "glad"]
Y = np.tile(NAMES, N // 2)
X = pd.DataFrame(
    RNG.normal(size=(N, 4)) + (Y == "glad")[:, None],
    columns=["audio__a", "audio__b", "text__a", "text__b"],
)
SPEAKERS = np.repeat(np.arange(10), 8)
MODEL = LogisticRegression().fit(X, Y)
PLANE = X[["audio__a", "text__a"]].to_numpy()
HISTORY = [{"epoch": i, "train_loss": 1 / i, "valid_loss": abs(i - 3) + 1} for i in range(1, 6)]


class Net:
    history_ = HISTORY


def _validity():
    found = CCAValidityFilter(modalities={"a": slice(0, 2), "b": slice(2, 4)}, random_state=0)
    return found.fit(X.to_numpy(), groups=SPEAKERS)


def _result():
    return evaluate(DummyClassifier(), X, Y, groups=SPEAKERS, random_state=0, n_resamples=50)


def _ablation(ax=None):
    return ModalityAblationDisplay.from_estimator(
        LogisticRegression(),
        X,
        Y,
        groups=SPEAKERS,
        absent="drop",
        random_state=0,
        n_resamples=50,
        ax=ax,
    )


CASES = {
    "confusion": lambda ax=None: ConfusionDisplay.from_estimator(MODEL, X, Y, ax=ax),
    "confusion of a result": lambda ax=None: ConfusionDisplay.from_result(_result(), ax=ax),
    "speakers": lambda ax=None: SpeakerDisplay.from_estimator(MODEL, X, Y, groups=SPEAKERS, ax=ax),
    "speakers of a result": lambda ax=None: SpeakerDisplay.from_result(_result(), ax=ax),
    "intervals": lambda ax=None: IntervalDisplay.from_estimator(
        {NAMES[0]: MODEL}, X, Y, groups=SPEAKERS, ceiling=0.9, ax=ax
    ),
    "ablation": _ablation,
    "validity": lambda ax=None: ValidityDisplay.from_estimator(_validity(), X.to_numpy(), ax=ax),
    "history": lambda ax=None: TrainingHistoryDisplay.from_estimator(Net(), ax=ax),
    "plane": lambda ax=None: ValenceArousalDisplay.from_estimator(
        LinearRegression().fit(X, PLANE), X, PLANE, ax=ax
    ),
    "plane of classes": lambda ax=None: ValenceArousalDisplay.from_predictions(
        PLANE, PLANE / 2, labels=Y, ax=ax
    ),
    "map": lambda ax=None: EmbeddingMapDisplay.from_estimator(PCA(2).fit(X), X, Y, ax=ax),
    "t-SNE": lambda ax=None: EmbeddingMapDisplay.from_predictions(
        X, Y, method="tsne", random_state=0, ax=ax
    ),
    "reliability": lambda ax=None: ReliabilityDisplay.from_estimator(MODEL, X, Y, ax=ax),
}


@pytest.mark.parametrize("draw", CASES.values(), ids=CASES)
def test_a_picture_fits_a_column_and_can_be_read(draw):
    display = draw()
    figure = display.figure_
    figure.draw_without_rendering()
    assert figure.get_size_inches()[0] == pytest.approx(COLUMN)
    texts = [text for text in figure.findobj(Text) if text.get_text() and text.get_visible()]
    assert min(text.get_fontsize() for text in texts) >= SMALL
    assert not any("\x07" in text.get_text() for text in texts)
    known = {colors.to_hex(color) for color in (*PALETTE, GRAY, "black")}
    lines = [line for axes in figure.axes for line in axes.lines if line.get_visible()]
    drawn = {colors.to_hex(line.get_color()) for line in lines}
    # The rest are grid and cross of light gray.
    assert drawn <= known | {"#d1d5db"}
    mpl.pyplot.close(figure)


@pytest.mark.parametrize("draw", CASES.values(), ids=CASES)
def test_a_picture_is_drawn_where_told(draw):
    ax = mpl.figure.Figure().subplots()
    assert draw(ax=ax).ax_ is ax


def test_speakers_have_their_scores_and_the_worst_is_named():
    display = SpeakerDisplay.from_predictions(
        ["a", "b"] * 3, ["a", "b", "a", "a", "b", "a"], groups=["u", "u", "v", "v", "w", "w"]
    )
    assert display.scores.to_dict() == {"u": 1.0, "v": 0.5, "w": 0.0}
    np.testing.assert_allclose(display.ax_.lines[0].get_ydata(), [0, 0.5, 1])
    assert [text.get_text() for text in display.ax_.texts] == ["w: 0.00"]


def test_the_best_epoch_is_marked():
    display = TrainingHistoryDisplay(HISTORY).plot()
    marks = [line for line in display.ax_.lines if line.get_marker() == "D"]
    assert [(*line.get_xdata(), *line.get_ydata()) for line in marks] == [(3, 1)]
    legend = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert legend == ["train loss", "valid loss", "best"]
    plain = TrainingHistoryDisplay(HISTORY, ["train_loss"]).plot()
    assert [text.get_text() for text in plain.ax_.get_legend().get_texts()] == ["train loss"]


def test_the_legend_of_the_plane_hides_no_point():
    display = ValenceArousalDisplay.from_predictions(PLANE, PLANE)
    display.figure_.draw_without_rendering()
    legend = display.ax_.get_legend().get_window_extent()
    assert not legend.overlaps(display.ax_.get_window_extent())
    assert not legend.overlaps(display.ax_.xaxis.label.get_window_extent())
    mpl.pyplot.close(display.figure_)


def test_the_ceiling_is_a_line():
    display = IntervalDisplay.from_predictions(Y, {"model": Y}, groups=SPEAKERS, ceiling=0.8)
    assert {text.get_text() for text in display.ax_.texts} == {"chance", "one rater"}
    drawn = {line.get_linestyle(): line.get_xdata()[0] for line in display.ax_.lines[1:]}
    assert drawn == {"--": 0.5, ":": 0.8}


@pytest.mark.parametrize("ceiling", [0.34, 0.36, 0.32, 0.33, 0.9])
def test_names_of_lines_do_not_stand_on_each_other(ceiling):
    options = {"chance": 0.33, "ceiling": ceiling}
    display = IntervalDisplay(["a", "b"], [0.5, 0.6], [0.4, 0.5], [0.6, 0.7], **options).plot()
    display.figure_.draw_without_rendering()
    boxes = [text.get_window_extent() for text in display.ax_.texts]
    assert len(boxes) == 2
    assert not boxes[0].overlaps(boxes[1])
    mpl.pyplot.close(display.figure_)


def test_an_ablation_says_what_its_line_is():
    assert _ablation().ax_.get_title() == "dashed: all modalities"


def test_an_ablation_says_which_modalities_a_line_holds():
    members = _ablation().ax_.child_axes[0]
    assert [tick.get_text() for tick in members.get_xticklabels()] == ["audio", "text"]
    filled = sum(len(line.get_xdata()) for line in members.lines if line.get_color() == PALETTE[0])
    assert filled == 4


def test_ordered_classes_keep_their_order():
    order = ["low", "medium", "high"]
    y = pd.Series(pd.Categorical(["high", "low", "low"], categories=order, ordered=True))
    display = ConfusionDisplay.from_predictions(y, ["high", "low", "high"])
    assert list(display.counts) == order
    assert display.counts.to_numpy().tolist() == [[1, 0, 1], [0, 0, 0], [0, 0, 1]]
    assert display.title == "UAR 0.750, 3 samples"
    texts = ConfusionDisplay.from_predictions(["high", "low", "medium"], ["low"] * 3)
    assert list(texts.counts) == order


def test_a_map_draws_every_label_apart():
    labels = np.repeat([f"s{i:02d}" for i in range(16)], 5)
    display = EmbeddingMapDisplay.from_predictions(X, labels)
    looks = {
        (colors.to_hex(part.get_facecolor()[0]), part.get_paths()[0].vertices.tobytes())
        for part in display.ax_.collections
    }
    assert len(looks) == 16


BAD = {
    "labels that leave out a class": (
        lambda: ConfusionDisplay.from_predictions(["a", "b"], ["a", "b"], labels=["a"]),
        "leaves out 'b'",
    ),
    "one target": (
        lambda: ValenceArousalDisplay.from_predictions([1, 2], [1, 2]),
        "two columns are needed",
    ),
    "other lengths": (
        lambda: ValenceArousalDisplay.from_predictions([[1, 2]], [[1, 2]] * 2),
        "1 and 2 samples",
    ),
    "labels of another length": (
        lambda: EmbeddingMapDisplay.from_predictions(X, Y[:3]),
        "80 and 3 samples",
    ),
    "an unknown method": (
        lambda: EmbeddingMapDisplay.from_predictions(X, Y, method="umap"),
        "must be one of pca, tsne",
    ),
    "nothing complete": (
        lambda: EmbeddingMapDisplay.from_predictions(X * np.nan, Y),
        "0 samples have no missing number",
    ),
    "no net": (lambda: TrainingHistoryDisplay.from_estimator(MODEL), "has no history_"),
    "an entry that is not there": (
        lambda: TrainingHistoryDisplay(HISTORY, ["valid_uar"]).plot(),
        "no 'valid_uar'; it has train_loss, valid_loss",
    ),
    "fewer scores than names": (
        lambda: IntervalDisplay(["a", "b"], [0.5], [0.4], [0.6]).plot(),
        "2 names, and 1 of score, 1 of low, 1 of high",
    ),
    "nothing scored": (lambda: IntervalDisplay([], [], [], []).plot(), "0 names"),
    "no system": (lambda: IntervalDisplay.from_predictions(Y, {}), "no system to draw"),
    "a ceiling in percent": (
        lambda: IntervalDisplay(["a"], [0.5], [0.4], [0.6], ceiling=72).plot(),
        "ceiling=72 must lie between 0 and 1.*no percent",
    ),
    "an empty ablation": (
        lambda: ModalityAblationDisplay(pd.DataFrame()).plot(),
        "none of ablation_table",
    ),
    "an ablation without rows": (
        lambda: ModalityAblationDisplay(
            pd.DataFrame({"n_modalities": [], "uar": [], "low": [], "high": []})
        ).plot(),
        "it has no row",
    ),
    "an empty history": (lambda: TrainingHistoryDisplay([]).plot(), "it has nothing"),
    "a pair that is not checked": (
        lambda: ValidityDisplay.from_estimator(_validity(), pair=("a", "c")),
        "is not checked",
    ),
}


@pytest.mark.parametrize(("draw", "message"), BAD.values(), ids=BAD)
def test_what_cannot_be_drawn_is_refused(draw, message):
    with pytest.raises(ValueError, match=message):
        draw()


def test_a_result_without_speakers_has_none_to_show():
    with pytest.warns(UserWarning, match="speaker"):
        result = evaluate(DummyClassifier(), X, Y, random_state=0, n_resamples=50)
    with pytest.raises(ValueError, match="knew no groups"):
        SpeakerDisplay.from_result(result)
