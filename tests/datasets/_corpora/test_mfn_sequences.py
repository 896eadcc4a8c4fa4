import numpy as np
import pytest

from emoest.datasets import IncompleteCorpusWarning, corpus_record, load_mfn_sequences
from emoest.datasets._corpora.mfn_sequences import N_DIMS, SPLITS


def write(folder, corpus="mmmo", *, without=()):
    rng = np.random.RandomState(0)
    record = corpus_record(f"mfn_{corpus}")
    arrays = {}
    for split, n in record.n_samples.items():
        for modality, name in (
            ("text", "text_{}_emb"),
            ("audio", "audio_{}"),
            ("face", "video_{}"),
        ):
            values = rng.normal(size=(n, 20, N_DIMS[modality])).astype(np.float32)
            values[0, :15] = 0
            arrays[name.format(split)] = values
        arrays["y_" + split] = (
            np.eye(3, dtype=np.float32)[np.arange(n) % 3]
            if corpus == "youtube"
            else (1 + np.arange(n) % 9 / 2).astype(np.float32)
        )
    kept = {name: values for name, values in arrays.items() if name not in without}
    np.savez(folder / f"{corpus}.npz", **kept)
    return arrays


@pytest.mark.parametrize("corpus", ["youtube", "mmmo"])
def test_the_complete_archive(tmp_path, corpus):
    arrays = write(tmp_path, corpus)
    bunch = load_mfn_sequences(tmp_path, corpus, strict=True)
    X = bunch.data
    assert list(X.columns) == ["text__frames", "audio__frames", "face__frames", "split"]
    assert {s: len(rows) for s, rows in bunch.splits.items()} == dict(bunch.record.n_samples)
    assert bunch.groups is None
    cell = X["audio__frames"].iloc[1]
    assert cell.dtype == np.float32
    np.testing.assert_array_equal(cell, arrays["audio_train"][1])
    expected = ["0", "1", "2"] if corpus == "youtube" else [1.0, 1.5, 2.0]
    assert bunch.target.tolist()[:3] == expected


def test_padding_in_front_is_cut_off(tmp_path):
    write(tmp_path)
    X, _ = load_mfn_sequences(tmp_path, return_X_y=True)
    assert [X[f"{m}__frames"].iloc[0].shape for m in N_DIMS] == [(5, 300), (5, 74), (5, 36)]
    X, _ = load_mfn_sequences(tmp_path, trim=False, return_X_y=True)
    assert X["text__frames"].iloc[0].shape == (20, 300)


def test_a_part_without_text(tmp_path):
    write(tmp_path, without=["text_train_emb"])
    with pytest.warns(IncompleteCorpusWarning, match=r"\(text of train\)"):
        bunch = load_mfn_sequences(tmp_path)
    absent = bunch.data["text__frames"].map(lambda cell: cell is None)
    assert np.flatnonzero(absent).tolist() == bunch.splits["train"].tolist()
    assert bunch.missing == ["text of train"]
    with pytest.raises(FileNotFoundError, match="strict=False"):
        load_mfn_sequences(tmp_path, strict=True)


def test_bad_archives(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"for mmmo\.npz; found no files at all"):
        load_mfn_sequences(tmp_path)
    np.savez(tmp_path / "mmmo.npz", a=np.zeros(1))
    with pytest.raises(ValueError, match="has none of the arrays y_train, y_valid and y_test"):
        load_mfn_sequences(tmp_path)
    np.savez(tmp_path / "mmmo.npz", y_train=np.zeros(2), audio_train=np.zeros((2, 20, 70)))
    with pytest.raises(ValueError, match=r"'audio_train' has the shape \(2, 20, 70\); expected"):
        load_mfn_sequences(tmp_path)


@pytest.mark.real_data
@pytest.mark.parametrize("corpus", ["youtube", "mmmo"])
def test_real_archives(real_data, corpus):
    with pytest.warns(IncompleteCorpusWarning, match=r"\(text of train\)"):
        bunch = load_mfn_sequences(real_data / "mfn_sequences", corpus)
    assert {s: len(bunch.splits[s]) for s in SPLITS} == dict(bunch.record.n_samples)
    absent = bunch.data.filter(like="__frames").map(lambda cell: cell is None)
    train = bunch.splits["train"]
    assert absent["text__frames"].iloc[train].all()
    counts = absent[["audio__frames", "face__frames"]].sum().tolist()
    assert counts == ([191, 199] if corpus == "youtube" else [0, 0])
    nothing = absent.all(axis=1).iloc[train].sum()
    assert nothing == (125 if corpus == "youtube" else 0)
