import os
import warnings
from pathlib import Path

import numpy as np
import pytest

from emoest.datasets import (
    IncompleteCorpusWarning,
    OfficialSplit,
    corpus_record,
    load_fer2013,
    make_fer2013_like,
)
from emoest.datasets._corpora.fer2013 import EMOTIONS, SPLITS


@pytest.fixture
def table(tmp_path):
    """One picture of each partition and emotion."""
    return make_fer2013_like(tmp_path, scale=0.0001) / "fer2013.csv"


def test_the_record():
    record = corpus_record("fer2013")
    assert dict(record.n_samples) == {"Training": 28709, "PublicTest": 3589, "PrivateTest": 3589}
    assert sum(record.sizes["emotion"].values()) == 35887
    assert record.sizes["emotion"]["disgust"] == 547


@pytest.fixture
def touched(monkeypatch):
    """Count the files that are made, and make them as entries of `os.walk` alone.

    35,887 files take half a minute on disk, and the loader opens none of them.
    """
    files = {}
    monkeypatch.setattr(
        Path, "touch", lambda path: files.setdefault(path.parent, []).append(path.name)
    )
    walk = os.walk

    def walk_all(top):
        for base, folders, names in walk(top):
            yield base, folders, [*names, *files.get(Path(base), ())]

    monkeypatch.setattr(os, "walk", walk_all)
    return files


def test_complete_folders(tmp_path, touched):
    make_fer2013_like(tmp_path, layout="folders")
    assert sum(map(len, touched.values())) == 35887
    with warnings.catch_warnings(action="error"):
        bunch = load_fer2013(tmp_path, strict=True)
    record = bunch.record
    assert bunch.target.value_counts().to_dict() == dict(record.sizes["emotion"])
    for split, rows in bunch.splits.items():
        assert bunch.target.iloc[rows].value_counts().to_dict() == dict(record.split_sizes[split])
    assert list(bunch.data.columns) == ["face", "split"]
    assert bunch.data["face"].iloc[0].endswith("train/angry/Training_0.jpg")
    assert bunch.groups is None and bunch.missing == []
    train, test = next(OfficialSplit("Training", "PublicTest").split(bunch.data))
    assert (len(train), len(test)) == (28709, 3589)


def test_the_table(tmp_path):
    make_fer2013_like(tmp_path, scale=0.01)
    with pytest.warns(IncompleteCorpusWarning, match="partition Training: 287 of 28709 rows"):
        bunch = load_fer2013(tmp_path)
    X, y = bunch.data, bunch.target
    for split, sizes in corpus_record("fer2013").split_sizes.items():
        wanted = {label: max(1, round(size * 0.01)) for label, size in sizes.items()}
        assert y.iloc[bunch.splits[split]].value_counts().to_dict() == wanted
    assert list(X.index[:2]) == ["fer0000000", "fer0000001"]
    assert X.index.names == ["image"]
    for row, face in enumerate(X["face"]):
        assert face.shape == (48, 48) and face.dtype == np.uint8
        assert (face == row % 256).all()
    assert len(bunch.missing) == 3
    with pytest.raises(FileNotFoundError, match="strict=False"):
        load_fer2013(tmp_path, strict=True)


def test_pixels_are_row_major(table):
    lines = table.read_text().splitlines()
    pixels = " ".join(str(value % 256) for value in range(48 * 48))
    table.write_text("\n".join([lines[0], f"3,{pixels},Training"]))
    with pytest.warns(IncompleteCorpusWarning):
        X, y = load_fer2013(table.parent, return_X_y=True)
    expected = (np.arange(48 * 48) % 256).reshape(48, 48)
    np.testing.assert_array_equal(X["face"].item(), expected)
    assert y.item() == "happy"


def test_the_other_table_of_the_same_data(tmp_path):
    pixels = " ".join(["7"] * 48 * 48)
    table = tmp_path / "icml_face_data.csv"
    table.write_text(f"emotion, Usage, pixels\n1, PrivateTest,{pixels}\n")
    with pytest.warns(IncompleteCorpusWarning):
        X, y = load_fer2013(tmp_path, return_X_y=True)
    assert (X["split"].item(), y.item()) == ("PrivateTest", "disgust")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\n0,", "\n9,", r"row 0 has the unknown emotion '9'; known are 0 \(angry\)"),
        (",Training", ",Trening", "row 0 has the unknown Usage 'Trening'"),
        ("0 0 0 0", "0 0 0", "row 0 has 2303 pixels, where 2304 of 0 to 255"),
        ("\n0,0 ", "\n0,256 ", "row 0 has 2304 pixels, where 2304 of 0 to 255"),
        ("\n0,0 ", "\n0,-1 ", "of 0 to 255"),
        ("\n0,0 ", "\n0,x ", "the pixels of row 0 are no whole numbers"),
        ("pixels", "picture", "has no column 'pixels'; it has emotion, picture, Usage"),
    ],
)
def test_damaged_tables(table, old, new, message):
    table.write_text(table.read_text().replace(old, new, 1))
    with pytest.raises(ValueError, match=message):
        load_fer2013(table.parent)


def test_an_empty_table(table):
    table.write_text("")
    with pytest.raises(ValueError, match="is no table"):
        load_fer2013(table.parent)


def test_wrong_folders(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(FileNotFoundError, match=r"or the table fer2013\.csv.*1 \.txt"):
        load_fer2013(tmp_path)
    with pytest.raises(ValueError, match="target='mood' is not a target of fer2013"):
        load_fer2013(tmp_path, target="mood")
    path = tmp_path / "train" / "bored" / "Training_1.jpg"
    path.parent.mkdir(parents=True)
    path.touch()
    with pytest.raises(ValueError, match="unknown folder code 'bored'"):
        load_fer2013(tmp_path)


def test_images_of_one_name_in_two_folders_are_two_images(tmp_path):
    for emotion in ("happy", "angry", "sad"):
        (tmp_path / "test" / emotion).mkdir(parents=True)
    for path in ("happy/PublicTest_2.jpg", "angry/PublicTest_2.jpg", "sad/PublicTest_1.jpg"):
        (tmp_path / "test" / path).touch()
    with pytest.warns(IncompleteCorpusWarning) as caught:
        X, y = load_fer2013(tmp_path, return_X_y=True)
    assert not [w for w in caught if "same name" in str(w.message)]
    assert X.index.tolist() == ["PublicTest_1", "PublicTest_2", "PublicTest_2#2"]
    assert y.tolist() == ["sad", "angry", "happy"]
    assert X["face"].iloc[2].endswith("happy/PublicTest_2.jpg")
    # A second copy of the whole is still a copy.
    (tmp_path / "copy" / "sad").mkdir(parents=True)
    (tmp_path / "copy" / "sad" / "PublicTest_1.jpg").touch()
    with (
        pytest.warns(UserWarning, match="1 files of FER2013 are left out"),
        pytest.warns(IncompleteCorpusWarning),
    ):
        assert len(load_fer2013(tmp_path, return_X_y=True)[0]) == 3


@pytest.mark.real_data
def test_the_names_of_real_pictures(tmp_path, real_data):
    with np.load(real_data / "fer2013" / "fer2013_dev.npz") as archive:
        names, labels = archive["val_name"].tolist(), archive["val_y"].tolist()
    for name, label in zip(names, labels, strict=True):
        path = tmp_path / "test" / EMOTIONS[str(label)] / f"{name.removesuffix('.jpg')}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    with pytest.warns(IncompleteCorpusWarning, match="Training"):
        bunch = load_fer2013(tmp_path)
    sizes = corpus_record("fer2013").split_sizes[SPLITS[1]]
    assert bunch.target.value_counts().to_dict() == dict(sizes)
    assert set(bunch.data["split"]) == {"PublicTest"}
