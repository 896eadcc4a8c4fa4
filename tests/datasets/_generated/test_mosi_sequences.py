import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold, cross_val_predict

from emoest.datasets import load_mosi, make_mosi_sequences
from emoest.tables.cells import read_frames

MODALITIES = ["text", "audio", "face"]


def test_schema():
    bunch = make_mosi_sequences(n_videos=10, n_clips=4, random_state=0)
    X = bunch.data
    assert list(X.columns) == [*(f"{m}__frames" for m in MODALITIES), "speaker", "split"]
    shapes = [X[f"{m}__frames"].map(np.shape).tolist() for m in MODALITIES]
    for text, audio, face in zip(*shapes, strict=True):
        assert (text[1], audio[1], face[1]) == (300, 74, 35)
        assert text[0] == audio[0] == face[0]
        assert 4 <= text[0] <= 24
    assert len({shape[0] for shape in shapes[0]}) > 5
    assert bunch.target.between(-3, 3).all()
    np.testing.assert_allclose(bunch.target * 5, np.round(bunch.target * 5), atol=1e-9)
    assert X["text__frames"].iloc[0].dtype == np.float32


def test_no_video_is_in_two_partitions():
    bunch = make_mosi_sequences(n_videos=10, n_clips=3, random_state=1)
    speakers = {s: set(bunch.groups.iloc[rows]) for s, rows in bunch.splits.items()}
    assert {s: len(names) for s, names in speakers.items()} == {"train": 6, "valid": 1, "test": 3}
    assert len(set.union(*speakers.values())) == 10
    smallest = make_mosi_sequences(n_videos=3, n_clips=1, random_state=1)
    assert {s: len(rows) for s, rows in smallest.splits.items()} == {
        "train": 1,
        "valid": 1,
        "test": 1,
    }


def test_the_seed_decides():
    first, again, other = (
        make_mosi_sequences(n_videos=3, n_clips=2, random_state=seed).frame for seed in (0, 0, 1)
    )
    for column in ("text__frames", "face__frames"):
        np.testing.assert_array_equal(first[column].iloc[3], again[column].iloc[3])
    assert first["sentiment"].tolist() == again["sentiment"].tolist()
    assert first["sentiment"].tolist() != other["sentiment"].tolist()


def test_words_carry_the_score():
    """Means over the words predict the score of unseen videos, best from the text."""
    X, y = make_mosi_sequences(n_videos=40, n_clips=10, random_state=3, return_X_y=True)
    found = {}
    for name in MODALITIES:
        means = np.stack([cell.mean(axis=0) for cell in X[f"{name}__frames"]])
        predicted = cross_val_predict(Ridge(100.0), means, y, cv=GroupKFold(5), groups=X["speaker"])
        found[name] = np.corrcoef(predicted, y)[0, 1]
    assert found["text"] > 0.6
    assert found["text"] > max(found["audio"], found["face"])
    assert min(found.values()) > 0.3


def test_missing_cells():
    X, _ = make_mosi_sequences(
        n_videos=20, missing={"text": 0.5, "face": 0.2}, random_state=0, return_X_y=True
    )
    shares = X.filter(like="__frames").map(lambda cell: cell is None).mean()
    assert shares["audio__frames"] == 0
    assert 0.4 < shares["text__frames"] < 0.6
    assert 0.1 < shares["face__frames"] < 0.3
    X, _ = make_mosi_sequences(n_videos=20, missing=0.9, random_state=0, return_X_y=True)
    absent = X.filter(like="__frames").map(lambda cell: cell is None)
    assert not absent.all(axis=1).any()
    assert absent.all(axis=0).sum() == 0


@pytest.mark.parametrize("missing", [{"smell": 0.1}, {"text": 1.5}])
def test_bad_fractions(missing):
    with pytest.raises(ValueError, match=r"names 'smell'|missing.'text'. must be a fraction from"):
        make_mosi_sequences(missing=missing)


def test_what_is_written_can_be_loaded(tmp_path):
    options = {"n_videos": 4, "n_clips": 3, "missing": {"face": 0.4}, "random_state": 0}
    written = make_mosi_sequences(tmp_path, target=["sentiment", "polarity"], **options)
    kept = make_mosi_sequences(**options)
    loaded = load_mosi(tmp_path, target=["sentiment", "polarity"], strict=True)
    pd.testing.assert_frame_equal(loaded.target, written.target)
    assert loaded.data["split"].tolist() == written.data["split"].tolist()
    for name in MODALITIES:
        for path, frames in zip(
            written.data[f"{name}__frames"], kept.data[f"{name}__frames"], strict=True
        ):
            assert (path is None) == (frames is None)
            if path is not None:
                np.testing.assert_array_equal(read_frames(path), frames)
    positive = loaded.data["text"][loaded.target["polarity"] == "positive"]
    assert positive.str.contains("good|great|funny|lovely").mean() > 0.5
