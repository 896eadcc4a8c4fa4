import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, KFold, cross_val_predict
from sklearn.pipeline import make_pipeline

from emoest.files.store import entry_bytes
from emoest.testing import assert_same_cells
from tests.media.transformer.word_frames import BATCHES, COMPUTED, FileSizes, WordFrames, table


def test_what_comes_before_an_unreadable_row_is_kept():
    X = table(10)
    X.iloc[6, 0] = "unreadable"
    with pytest.raises(ValueError, match="clip_6"):
        WordFrames(batch_size=4).fit_transform(X)
    assert len(COMPUTED) == 6
    COMPUTED.clear()
    WordFrames().fit_transform(X.drop("clip_6"))
    assert len(COMPUTED) == 3


def test_what_was_computed_before_an_interrupt_is_kept():
    X = table(10)
    X.iloc[9, 0] = "interrupt"
    with pytest.raises(KeyboardInterrupt):
        WordFrames(batch_size=4).fit_transform(X)
    assert len(COMPUTED) == 8
    COMPUTED.clear()
    WordFrames().fit_transform(X.iloc[:9])
    assert len(COMPUTED) == 1


def test_a_subclass_must_compute_every_item():
    class Forgetful(WordFrames):
        def _compute(self, batch):
            return super()._compute(batch)[:-1]

    with pytest.raises(RuntimeError, match=r"Forgetful\._compute gave \d+ arrays for a batch of"):
        Forgetful().fit_transform(table())


def test_one_bad_item_in_a_batch_costs_only_itself():
    X = table(8)
    X.iloc[5, 0] = "uncomputable"
    with pytest.warns(UserWarning, match="'clip_5'"):
        output = WordFrames("mean", errors="missing", batch_size=8).fit_transform(X)
    assert output.isna().any(axis=1).sum() == 1
    assert len(COMPUTED) == 7


def test_equal_items_are_computed_once():
    X = pd.DataFrame({"text": ["a b", "c", "a b", ["c", "a b"], "a b"]})
    for cache_dir in (False, None):
        COMPUTED.clear()
        WordFrames(cache_dir=cache_dir).fit_transform(X)
        assert sorted(COMPUTED) == ["a b", "c"]


def test_pooling_and_chunks_share_the_store_and_the_recipe_does_not():
    for embedder in [WordFrames(), WordFrames("mean"), WordFrames(chunks="concat")]:
        embedder.fit_transform(table())
    assert len(COMPUTED) == 10
    WordFrames(scale=2).fit_transform(table())
    assert len(COMPUTED) == 20


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_batches(batch_size):
    whole = WordFrames(batch_size=4, cache_dir=False).fit_transform(table())
    BATCHES.clear()
    got = WordFrames(batch_size=batch_size, cache_dir=False).fit_transform(table())
    assert max(BATCHES) == min(batch_size, 10)
    assert sum(BATCHES) == 10
    assert_same_cells(got, whole)


def test_large_decoded_items_make_small_batches(monkeypatch):
    monkeypatch.setattr("emoest.media.transformer.MAX_BATCH_BYTES", 1000)
    embedder = WordFrames(batch_size=100, cache_dir=False)
    monkeypatch.setattr(WordFrames, "_read_item", lambda self, item, name: np.zeros(125))
    monkeypatch.setattr(WordFrames, "_frames", lambda self, item: np.zeros((1, 4), np.float32))
    monkeypatch.setattr(
        WordFrames,
        "_compute",
        lambda self, batch: BATCHES.append(len(batch)) or [self._frames(item) for item in batch],
    )
    embedder.fit_transform(table(3))
    assert BATCHES == [1, 1, 1]


def test_a_corrupt_entry_is_computed_again_with_a_warning(tmp_path):
    embedder = WordFrames(cache_dir=tmp_path)
    whole = embedder.fit_transform(table())
    entries = sorted(tmp_path.rglob("*.npy"))
    assert len(entries) == 10
    entries[0].write_bytes(entries[0].read_bytes()[:-3])
    entries[1].write_bytes(entry_bytes(np.zeros((2, 7), dtype=np.float32)))
    entries[2].write_bytes(entry_bytes(np.load(entries[2]).astype(np.int32)))
    COMPUTED.clear()
    with pytest.warns(UserWarning, match="truncated or corrupt") as caught:
        assert_same_cells(embedder.transform(table()), whole)
    assert len(caught) == 3
    assert len(COMPUTED) == 3
    COMPUTED.clear()
    embedder.transform(table())
    assert COMPUTED == []


def labelled(n=100):
    X = pd.DataFrame({"text": [f"{'ab' if i % 2 else 'abcdef'} word {i:03d}" for i in range(n)]})
    return X, np.arange(n) % 2


def test_five_folds_of_a_hundred_items_compute_a_hundred():
    X, y = labelled()
    model = make_pipeline(WordFrames("mean"), LogisticRegression())
    cross_val_predict(model, X, y, cv=KFold(5), n_jobs=1)
    assert len(COMPUTED) == 100
    cross_val_predict(model, X, y, cv=KFold(4), n_jobs=1)
    assert len(COMPUTED) == 100


def test_two_processes_give_what_one_gives(tmp_path):
    X, y = labelled()
    groups = np.arange(100) // 10
    kwargs = {"cv": GroupKFold(5), "groups": groups, "method": "predict_proba"}
    expected = cross_val_predict(
        make_pipeline(WordFrames("mean", cache_dir=tmp_path / "one"), LogisticRegression()),
        X,
        y,
        **kwargs,
    )
    model = make_pipeline(WordFrames("mean", cache_dir=tmp_path / "two"), LogisticRegression())
    got = cross_val_predict(model, X, y, n_jobs=2, **kwargs)
    np.testing.assert_array_equal(got, expected)
    entries = list((tmp_path / "two").rglob("*.npy"))
    assert len(entries) == 100
    for entry in entries:
        assert np.load(entry).shape[1] == 4
    assert list(tmp_path.rglob("*.tmp")) == []


def test_a_file_is_known_by_its_bytes(tmp_path):
    for name, data in [("a.wav", b"one"), ("b.wav", b"one"), ("c.wav", b"two")]:
        (tmp_path / name).write_bytes(data)
    cells = [str(tmp_path / "a.wav"), tmp_path / "b.wav", f"{tmp_path / 'a.wav'}#t=0,1"]
    FileSizes().fit_transform([*cells, str(tmp_path / "c.wav")])
    assert len(COMPUTED) == 3
    (tmp_path / "moved.wav").write_bytes(b"two")
    FileSizes().fit_transform([tmp_path / "moved.wav"])
    assert len(COMPUTED) == 3


def test_an_array_is_known_by_its_bytes_type_shape_and_rate():
    wave = np.arange(6, dtype=np.int16)
    cells = [wave, wave.copy(), wave.reshape(3, 2), wave.astype(np.int32), (wave, 8000)]
    FileSizes().fit_transform([*cells, (wave, 16000)])
    assert len(COMPUTED) == 5
    FileSizes(sampling_rate=8000).fit_transform([wave])
    assert len(COMPUTED) == 5
