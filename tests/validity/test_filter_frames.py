"""The filter on tables of frames: what is read of a sample, and what becomes of it."""

import numpy as np
import pandas as pd
import pytest

from emoest.tables.cells import is_missing, object_column
from emoest.testing import check_cell_estimator
from emoest.validity import CCAValidityFilter, ModalityImputer, ProxyFeatureGenerator

READINGS = ["mean", "flatten", "frames"]


def with_cells(X, name, cells):
    column = f"{name}__frames"
    return X.assign(**{column: object_column(list(cells), X.index)})


def rolled(X, name):
    """Each sample gets the frames of another of the same length."""
    cells = list(X[f"{name}__frames"])
    lengths = np.array([len(cell) for cell in cells])
    for n in np.unique(lengths):
        rows = np.flatnonzero(lengths == n)
        for row, other in zip(rows, np.roll([cells[i] for i in rows], 1, axis=0), strict=True):
            cells[row] = other
    return with_cells(X, name, cells)


def fitted(reading, X, **options):
    options = {"group_column": "speaker", "fallback": "none", "random_state": 0, **options}
    return CCAValidityFilter(reading=reading, **options).fit(X)


@pytest.mark.parametrize("reading", READINGS)
def test_another_samples_frames_are_rejected(sequences, reading):
    rng = np.random.default_rng(0)
    span = {"low": 4, "high": 4} if reading == "flatten" else {}
    X, loadings = sequences(300, rng, **span)
    test, _ = sequences(200, rng, loadings=loadings, **span)
    check = fitted(reading, X)
    assert (check.predict_validity(test).mean() > 0.9).all()
    broken = rolled(test, "text")
    valid = check.predict_validity(broken).mean()
    assert (valid[["audio", "face"]] > 0.85).all()
    output = check.transform(broken)
    kept = ~output["text__frames"].map(is_missing)
    assert kept.tolist() == check.predict_validity(broken)["text"].tolist()
    if reading != "frames":
        assert kept.mean() < 0.2
        return
    frames = np.concatenate([cell for cell in output["text__frames"] if not is_missing(cell)])
    gone = sum(len(cell) for cell in broken["text__frames"])
    assert np.isfinite(frames).all(axis=1).sum() < 0.45 * gone


def test_frames_are_rejected_one_by_one(sequences):
    rng = np.random.default_rng(1)
    X, loadings = sequences(300, rng, noise=0.1)
    test, _ = sequences(60, rng, loadings=loadings, noise=0.1)
    check = fitted("frames", X)
    cells = [cell.copy() for cell in test["audio__frames"]]
    for cell in cells:
        cell[0] *= -1
    output = check.transform(with_cells(test, "audio", cells))
    first = np.array([np.isnan(cell[0]).all() for cell in output["audio__frames"]])
    others = np.concatenate([np.isnan(cell[1:]).all(axis=1) for cell in output["audio__frames"]])
    assert first.mean() > 0.9
    assert others.mean() < 0.1
    scores = check.score_samples(test)
    assert scores.shape == (60, 3)
    assert scores.median().min() > 0.5


def test_held_out_steps_are_of_other_rows(sequences):
    X, _ = sequences(120, np.random.default_rng(2))
    check = fitted("frames", X)
    n_steps = sum(len(cell) for cell in X["audio__frames"])
    assert check.grouped_
    for pair in check.pairs_:
        assert len(check.checks_[" ~ ".join(pair)].scores) == n_steps


def test_steps_of_a_row_count_as_one_against_noise():
    """Frames that hardly change look like many samples; unrelated ones must not pass for a pair."""
    rng = np.random.default_rng(0)
    cells = {
        name: [np.repeat(rng.normal(size=(1, 4)), 30, axis=0).astype("float32") for _ in range(40)]
        for name in ("audio", "text")
    }
    X = pd.DataFrame({f"{n}__frames": object_column(c, range(40)) for n, c in cells.items()})
    with pytest.warns(UserWarning, match="cannot check 'audio' with 'text'"):
        check = CCAValidityFilter(reading="frames", random_state=0).fit(X, groups=range(40))
    assert check.pairs_ == []


def test_unequal_lengths_are_named(sequences):
    X, _ = sequences(40, np.random.default_rng(3))
    cells = list(X["text__frames"])
    cells[7] = cells[7][:-1]
    X = with_cells(X, "text", cells)
    with pytest.raises(ValueError, match=r"row 'r7': the modalities have different numbers"):
        fitted("frames", X)
    with pytest.raises(ValueError, match=r"row 'r\d+', column 'audio__frames' has \d frames where"):
        fitted("flatten", X)
    assert fitted("mean", X).predict_validity(X).mean().min() > 0.8


def test_missing_cells_stay_missing_and_nan_frames_count_as_missing_values(sequences):
    X, _ = sequences(120, np.random.default_rng(4))
    cells = list(X["text__frames"])
    cells[3], cells[5] = None, np.full_like(cells[5], np.nan)
    cells[8] = cells[8].copy()
    cells[8][1, 2] = np.nan
    X = with_cells(X, "text", cells)
    for reading in ("mean", "frames"):
        check = fitted(reading, X)
        valid = check.predict_validity(X)
        assert not valid["text"].iloc[[3, 5]].any()
        assert valid[["audio", "face"]].iloc[[3, 5]].all(axis=None)
        assert is_missing(check.transform(X)["text__frames"].iloc[3])
        assert check.score_samples(X).iloc[3].isna().tolist() == [True, False, True]


def test_every_modality_invalid(sequences):
    rng = np.random.default_rng(5)
    X, loadings = sequences(300, rng, noise=0.1)
    test, _ = sequences(40, rng, loadings=loadings, noise=0.1)
    broken = rolled(rolled(rolled(test, "text"), "text"), "audio")
    for fallback, kept in (("none", 0), ("best", 1), ("all", 3)):
        check = fitted("mean", X, fallback=fallback)
        counts = check.predict_validity(broken).sum(axis=1)
        assert (counts == kept).any()
        assert counts.min() == kept or fallback == "all"


def test_a_modality_that_training_lacks_is_left_out(sequences):
    rng = np.random.default_rng(6)
    X, loadings = sequences(80, rng)
    test, _ = sequences(20, rng, loadings=loadings)
    train = with_cells(X, "text", [None] * len(X))
    with pytest.warns(UserWarning, match="No training row has the modality 'text'"):
        check = fitted("mean", train, priority=["text", "face"])
    assert check.pairs_ == [("audio", "face")]
    assert list(check.predict_validity(test)) == ["audio", "face"]
    assert list(check.transform(test)) == ["audio__frames", "face__frames", "speaker"]


def test_one_modality_passes_through(sequences):
    X, _ = sequences(20, np.random.default_rng(7), dims=(4,))
    with pytest.warns(UserWarning, match="found one modality"):
        output = CCAValidityFilter(group_column="speaker").fit(X).transform(X)
    pd.testing.assert_frame_equal(output, X)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    "estimator",
    [
        CCAValidityFilter(random_state=0),
        CCAValidityFilter(reading="frames", random_state=0),
        ProxyFeatureGenerator(random_state=0),
        ProxyFeatureGenerator(reading="mean", random_state=0),
        ModalityImputer(),
    ],
    ids=str,
)
def test_cell_checks(estimator, sequences):
    X, _ = sequences(30, np.random.default_rng(8))
    check_cell_estimator(estimator, X.drop(columns="speaker"))


def moving_together(rng, n_samples, n_frames, drift):
    """Frames of two modalities that move together, around offsets of their own."""
    audio, text = [], []
    mix = rng.normal(size=(2, 3, 6))
    for _ in range(n_samples):
        motion = np.cumsum(rng.normal(size=(n_frames, 3)), axis=0)
        for cells, loading in zip((audio, text), mix, strict=True):
            noise = rng.normal(size=(n_frames, 6))
            cells.append((motion @ loading + noise + drift * rng.normal(size=6)).astype("float32"))
    return audio, text


def to_frame(audio, text):
    columns = [
        f"{n}__{i}" for n, b in (("audio", audio), ("text", text)) for i in range(b.shape[1])
    ]
    return pd.DataFrame(np.hstack([audio, text]), columns=columns)


def frame_table(audio, text):
    index = [f"r{i}" for i in range(len(audio))]
    columns = {
        "audio__x_frames": audio,
        "audio__seconds": [np.ones(len(a)) for a in audio],
        "text__frames": text,
    }
    series = [object_column(cells, index, name) for name, cells in columns.items()]
    X = pd.concat(series, axis=1)
    X.insert(0, "speaker", [f"s{i % 8}" for i in range(len(audio))])
    return X


def test_frames_that_do_not_move_together_are_rejected(rng):
    audio, text = moving_together(rng, 80, 30, drift=3.0)
    X = frame_table(audio, text)
    check = CCAValidityFilter(
        agreement="time", group_column="speaker", fallback="none", random_state=0
    ).fit(X)
    assert check.predict_validity(X).mean().min() > 0.9
    wrong = frame_table(audio, text[1:] + text[:1])
    valid = check.predict_validity(wrong)
    assert valid.mean().max() < 0.3
    output = check.transform(wrong)
    assert list(output) == ["audio__x_frames", "audio__seconds", "text__frames", "speaker"]
    assert list(output) == list(check.get_feature_names_out())
    for column, name in zip(output, ["audio", "audio", "text"], strict=False):
        assert output[column].map(is_missing).tolist() == (~valid[name]).tolist()
    valid = check.predict_validity(X)
    output = check.transform(X)
    kept = valid.index[valid["text"]][0]
    np.testing.assert_array_equal(output.loc[kept, "text__frames"], X.loc[kept, "text__frames"])
    few = frame_table([a[:5] for a in audio], [t[:5] for t in text])
    assert check.score_samples(few).isna().all(axis=None)
    assert check.predict_validity(few).all(axis=None)


def test_frames_are_checked_on_their_mean_by_default(generate, rng):
    (audio, text), _ = generate(200, (8, 6), rng, shared=5, private=2)
    X = frame_table(
        [np.stack([a - 1, a + 1]) for a in audio],
        [np.stack([t - 2, t, t + 2]) for t in text],
    )
    check = CCAValidityFilter(group_column="speaker", random_state=0).fit(X)
    vectors = CCAValidityFilter(random_state=0).fit(
        to_frame(audio, text), groups=X["speaker"].to_numpy()
    )
    np.testing.assert_allclose(
        check.score_samples(X), vectors.score_samples(to_frame(audio, text)), atol=1e-4
    )
