import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_score

from emoest.datasets import make_emotions
from emoest.datasets._generated.emotions import EMOTIONS, N_DIMS, N_FRAMES
from emoest.tables.frame_columns import find_frames
from emoest.tables.names import find_modalities


def vectors(n_samples=2000, **parameters):
    parameters = {"missing": 0, "kind": "vectors", "random_state": 0, **parameters}
    return make_emotions(n_samples, return_X_y=True, **parameters)


def test_frames():
    bunch = make_emotions(random_state=0)
    X, y = bunch.data, bunch.target
    assert list(find_frames(X)) == ["audio", "text", "face"]
    for modality, n_dims in N_DIMS.items():
        cells = X[f"{modality}__frames"].dropna()
        assert 150 < len(cells) < 200
        shortest, longest = N_FRAMES[modality]
        assert {len(cell) for cell in cells} <= set(range(shortest, longest + 1))
        assert len({len(cell) for cell in cells}) > 5
        assert {cell.shape[1] for cell in cells} == {n_dims}
        assert {cell.dtype for cell in cells} == {np.dtype("float32")}
    assert X.index.names == ["utterance", "group"]
    assert bunch.groups.value_counts().to_dict() == {f"{s:02d}": 20 for s in range(1, 11)}
    assert pd.crosstab(bunch.groups, y).to_numpy().tolist() == [[5] * 4] * 10
    assert list(bunch.record.labels["emotion"]) == list(EMOTIONS)


def test_vectors_are_means_of_the_same_frames():
    frames, y = make_emotions(50, return_X_y=True, random_state=3)
    means, labels = make_emotions(50, kind="vectors", return_X_y=True, random_state=3)
    pd.testing.assert_series_equal(y, labels)
    for modality, positions in find_modalities(means).items():
        block = means.iloc[:, positions].to_numpy()
        assert block.shape[1] == N_DIMS[modality]
        for row, cell in enumerate(frames[f"{modality}__frames"]):
            if cell is None:
                assert np.isnan(block[row]).all()
            else:
                np.testing.assert_allclose(block[row], cell.mean(axis=0), atol=1e-5)


def test_random_state():
    first, y = vectors(30)
    second, _ = vectors(30)
    other, _ = vectors(30, random_state=1)
    pd.testing.assert_frame_equal(first, second)
    assert not np.allclose(first["audio__toy_0000"], other["audio__toy_0000"])
    drawn, _ = vectors(30, random_state=np.random.RandomState(0))
    pd.testing.assert_frame_equal(first, drawn)
    unseeded, _ = vectors(30, random_state=None)
    assert not np.allclose(first["audio__toy_0000"], unseeded["audio__toy_0000"])
    assert y.nunique() == 4


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9, 1.0])
def test_correlation_between_modalities(correlation):
    X, _ = vectors(
        4000, correlation=correlation, separation=0, speaker_effect=0, noise=0, n_speakers=1
    )
    blocks = [X.filter(like=f"{name}__").to_numpy() for name in ("audio", "text", "face")]
    for a, b in ((0, 1), (0, 2), (1, 2)):
        left, right = (
            np.linalg.svd(blocks[place] - blocks[place].mean(axis=0), full_matrices=False)[0][:, :4]
            for place in (a, b)
        )
        canonical = np.linalg.svd(left.T @ right, compute_uv=False)
        np.testing.assert_allclose(canonical, correlation, atol=0.08)


def test_separation():
    def score(**parameters):
        X, y = vectors(400, **parameters)
        model = LogisticRegression(max_iter=500)
        groups = X.pop("speaker")
        return cross_val_score(model, X, y, groups=groups, cv=GroupKFold(5)).mean()

    none, some, much = (score(separation=value) for value in (0, 2, 5))
    assert abs(none - 0.25) < 0.08
    assert 0.5 < some < 0.99
    assert much > 0.97


def test_speaker_effect():
    def spread(effect):
        X, _ = vectors(2000, speaker_effect=effect, separation=0)
        numbers = X.drop(columns="speaker")
        return float(numbers.groupby(X["speaker"].to_numpy()).mean().var().sum())

    assert spread(2.0) > 20 * spread(0.0)


@pytest.mark.parametrize("missing", [0.0, 0.3, 0.9])
def test_missing(missing):
    X, _ = make_emotions(2000, missing=missing, return_X_y=True, random_state=0)
    absent = X.drop(columns="speaker").isna().to_numpy()
    assert not absent.all(axis=1).any()
    expected = missing - missing**3 / 3
    np.testing.assert_allclose(absent.mean(axis=0), expected, atol=0.04)


@pytest.mark.parametrize(
    "parameters", [{"n_samples": 0}, {"correlation": 1.1}, {"missing": 1.0}, {"kind": "other"}]
)
def test_bad_parameters(parameters):
    with pytest.raises(ValueError, match=next(iter(parameters))):
        make_emotions(**parameters)


def test_unknown_target():
    with pytest.raises(ValueError, match="target='mood' is not a target of emotions"):
        make_emotions(10, target="mood")
