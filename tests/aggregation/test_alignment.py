import numpy as np
import pandas as pd
import pytest

from emoest.aggregation import FrameAligner, align_frames
from emoest.tables.cells import is_missing, object_column
from emoest.testing import check_cell_estimator


def make(rows=10, seed=0):
    """Words with pauses, 10 frames of sound a second, 4 of the face."""
    rng = np.random.default_rng(seed)
    cells = {
        name: [] for name in ("text__frames", "text__seconds", "audio__frames", "face__frames")
    }
    for i in range(rows):
        n_words = 2 + i % 3
        starts = np.cumsum(rng.uniform(0.1, 0.4, size=n_words))
        cells["text__frames"].append(rng.normal(size=(n_words, 3)).astype("float32"))
        cells["text__seconds"].append(np.column_stack([starts, starts + 0.1]))
        cells["audio__frames"].append(rng.normal(size=(14 + i, 2)).astype("float32"))
        cells["face__frames"].append(rng.normal(size=(6 + i % 2, 4)).astype("float32"))
    index = [f"r{i}" for i in range(rows)]
    return pd.concat([object_column(c, index, name) for name, c in cells.items()], axis=1)


RATES = {"audio": 10, "face": 4.0}


def test_all_modalities_are_aligned_with_the_words():
    X = make().assign(text__length=1.0, speaker="s1")
    aligner = FrameAligner("text", rates=RATES).fit(X)
    output = aligner.transform(X)
    names = ["text__frames", "audio__frames", "face__frames", "text__length", "speaker"]
    assert list(output) == names == list(aligner.get_feature_names_out())
    assert output["text__frames"].iloc[3] is X["text__frames"].iloc[3]
    for name, width, rate in (("audio", 2, 10), ("face", 4, 4.0)):
        for cell, frames, spans in zip(
            output[f"{name}__frames"], X[f"{name}__frames"], X["text__seconds"], strict=True
        ):
            assert cell.shape == (len(spans), width)
            times = (np.arange(len(frames)) + 0.5) / rate
            np.testing.assert_array_equal(cell, align_frames(frames, times, spans))


def test_durations_beside_the_frames_come_before_rates():
    X = make(3)[["text__frames", "audio__frames"]]
    words = [np.full(len(cell), 0.3) for cell in X["text__frames"]]
    X["text__seconds"] = object_column(words, X.index)
    X["audio__seconds"] = object_column([[0.1] * len(c) for c in X["audio__frames"]], X.index)
    output = FrameAligner("text", rates=999).fit_transform(X)
    expected = X["audio__frames"].iloc[0][:3].mean(axis=0)
    np.testing.assert_allclose(output["audio__frames"].iloc[0][0], expected, rtol=1e-6)


def test_steps_are_padded_or_cut():
    X = make()
    output = FrameAligner("text", rates=RATES, length=3).fit_transform(X)
    for cells in (output["text__frames"], output["audio__frames"], output["face__frames"]):
        assert {len(cell) for cell in cells} == {3}
    assert (output["audio__frames"].iloc[0][0] == 0).all()
    np.testing.assert_array_equal(output["text__frames"].iloc[2], X["text__frames"].iloc[2][-3:])


def test_a_row_without_the_reference_becomes_one_step():
    X = make(8)
    X["text__frames"] = object_column([None, *X["text__frames"][1:]], X.index)
    aligner = FrameAligner("text", rates=RATES).fit(X)
    with pytest.warns(UserWarning, match=r"rows 'r0' miss 'text', which is the reference"):
        output = aligner.transform(X)
    with pytest.warns(UserWarning, match=r"rows 13 miss 'text'"):
        aligner.transform(X.set_axis(pd.Index([13, *range(7)])))
    assert is_missing(output["text__frames"].iloc[0])
    expected = X["audio__frames"].iloc[0].mean(axis=0, keepdims=True)
    np.testing.assert_allclose(output["audio__frames"].iloc[0], expected, rtol=1e-5)


def test_missing_and_empty_cells_stay_missing():
    X = make(8)
    cells = [None, np.empty((0, 2)), *X["audio__frames"][2:]]
    output = FrameAligner(rates=RATES).fit_transform(
        X.assign(audio__frames=object_column(cells, X.index))
    )
    assert output["audio__frames"].map(is_missing).tolist() == [True, True] + [False] * 6


def test_no_rows_give_no_rows():
    X = make(4).assign(speaker="s1")
    aligner = FrameAligner(rates=RATES).fit(X)
    assert aligner.transform(X.iloc[:0]).shape == (0, 4)


def test_some_modalities_and_the_rest_as_it_was():
    X = make(4)
    output = FrameAligner(rates={"audio": 10}, modalities=["audio"]).fit_transform(X)
    assert list(output) == ["audio__frames", "text__frames", "face__frames"]
    assert output["face__frames"].iloc[1] is X["face__frames"].iloc[1]


def test_bad_input_is_named():
    X = make(4)
    with pytest.raises(ValueError, match="to='words' is no modality of X"):
        FrameAligner("words", rates=RATES).fit(X)
    with pytest.raises(ValueError, match=r"when the frames of 'face' are.*rates=\{'face'"):
        FrameAligner(rates={"audio": 10}).fit(X)
    with pytest.raises(ValueError, match="rates names 'eeg'"):
        FrameAligner(rates={"eeg": 10}).fit(X)
    with pytest.raises(ValueError, match=r"frames per second, above zero; found \{'audio': 0\}"):
        FrameAligner(rates={"audio": 0, "face": 1}).fit(X)
    aligner = FrameAligner(rates=RATES).fit(X)
    for wrong, message in (
        (np.zeros((7, 2)), r"row 'r1', column 'text__seconds': seconds of shape \(7, 2\) for 3"),
        (np.array([[0, 1], [2, 1], [0, 1]]), "no frame may end before it begins"),
        (["a", "b", "c"], "the seconds are not numbers"),
        (None, "'text__seconds' is missing, so nothing says when the 3 frames"),
    ):
        cells = list(X["text__seconds"])
        cells[1] = wrong
        with pytest.raises(ValueError, match=message):
            aligner.transform(X.assign(text__seconds=object_column(cells, X.index)))
    wide = [np.zeros((3, 9)), *X["audio__frames"][1:]]
    X = X.assign(audio__frames=object_column(wide, X.index))
    for index, name in ((X.index, "'r0'"), (pd.Index([13, 5, 2, 0]), "13")):
        with pytest.raises(ValueError, match=rf"row {name}, column 'audio__frames': .* 9 dim"):
            aligner.transform(X.set_axis(index))


@pytest.mark.filterwarnings("ignore:FrameAligner. rows")
def test_cell_checks():
    X = make()[["text__frames", "audio__frames"]]
    check_cell_estimator(FrameAligner(rates={"text": 4, "audio": 10}), X)


def make_finer(step=0.1, n_steps=20, rate=4.0):
    """Steps of `to` that are finer than the frames of sound, which rise by one each."""
    spans = np.column_stack([np.arange(n_steps), np.arange(1, n_steps + 1)]) * step
    columns = {
        "face__frames": np.zeros((n_steps, 1), "float32"),
        "face__seconds": spans,
        "audio__frames": np.arange(n_steps * step * rate, dtype="float32")[:, None],
    }
    return pd.DataFrame({name: object_column([cell], [0]) for name, cell in columns.items()})


def test_a_reference_that_is_finer_is_warned_about():
    X = make_finer()
    aligner = FrameAligner("face", rates=4).fit(X)
    with pytest.warns(UserWarning, match=r"10 of 20 frames of 'face' fall .*empty='interpolate'"):
        output = aligner.transform(X)
    assert (output["audio__frames"].iloc[0] == 0).sum() == 20 - 8 + 1


def test_a_reference_that_is_finer_is_interpolated(recwarn):
    X = make_finer()
    output = FrameAligner("face", rates=4, empty="interpolate").fit_transform(X)
    assert not recwarn.list
    found = output["audio__frames"].iloc[0].ravel()
    # Frame k lies at (k + 0.5) / 4 s; a step that one falls into has that frame, not its middle.
    expected = (np.arange(20) + 0.5) * 0.1 * 4 - 0.5
    assert np.abs(found - expected)[1:19].max() <= 0.21
    assert (np.diff(found)[1:18] > 0).all()


@pytest.mark.parametrize(
    ("step", "rate"), [(0.2, 5.0), (0.3, 5.0), (0.1, 10.0), (1 / 29.97, 50.0)], ids=str
)
def test_a_reference_that_is_no_finer_is_not_warned_about(step, rate, recwarn):
    FrameAligner("face", rates=rate).fit_transform(make_finer(step, 20, rate))
    assert not recwarn.list


def test_interpolation_leaves_out_what_is_not_finite_and_ends_with_the_frames():
    frames = [[0.0, np.nan], [np.nan, 5.0], [4.0, 7.0]]
    spans = [[-1.0, -0.5], [0.1, 0.9], [1.2, 1.4], [3.0, 4.0]]
    found = align_frames(frames, [0.0, 1.0, 2.0], spans, empty="interpolate")
    np.testing.assert_allclose(found, [[0, 0], [1, 5], [2.6, 5.6], [0, 0]], atol=1e-6)
    with pytest.raises(ValueError, match="empty='mean' is unknown; choose one of zeros"):
        align_frames(frames, [0, 1, 2], spans, empty="mean")
