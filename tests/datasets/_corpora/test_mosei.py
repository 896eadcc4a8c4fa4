import warnings

import numpy as np
import pytest

from emoest.datasets import IncompleteCorpusWarning, corpus_record, load_mosei
from emoest.datasets._corpora.mosei import LABEL_FILE, WORD_FILE

h5py = pytest.importorskip("h5py")

LABELS = {
    "vidA": (
        [[1.5, 0, 0.67, 0, 0, 0, 0], [-3, 0, 0, 0, 0, 0, 0], [0, 1, 0, 2, 0, 0, 3]],
        [[2.0, 4.0], [-0.1, 2.0], [4.0, 6.5]],
    ),
    "vidB": ([[0.5, 0, 0, 0, 0.33, 0, 0]], [[1.0, 3.25]]),
}
WORDS = {
    "vidA": (
        [b"sp", b"it", b"was", b"sp", b"bad", b"really"],
        [[0, 0.5], [0.5, 1], [1, 1.9], [1.9, 2.2], [2.2, 3], [4.5, 5]],
    )
}


def write(path, root, data):
    with h5py.File(path, "w") as file:
        for video, (features, intervals) in data.items():
            group = file.create_group(f"{root}/data/{video}")
            group["features"] = np.array(features)
            group["intervals"] = np.array(intervals, dtype=float)


@pytest.fixture
def kit(tmp_path):
    """The authors' files: labels, words with their times, sound of whole videos, a table."""
    write(tmp_path / LABEL_FILE, "All Labels", LABELS)
    words = {video: (np.array(w)[:, None], times) for video, (w, times) in WORDS.items()}
    words["vidB"] = (np.array([[b"fine"]]), [[1.5, 2.0]])
    write(tmp_path / WORD_FILE, "words", words)
    sound = tmp_path / "Audio" / "Full" / "WAV_16000"
    sound.mkdir(parents=True)
    for video in LABELS:
        (sound / f"{video}.wav").touch()
    (tmp_path / "label.csv").write_text(
        "video_id,clip_id,text,label,annotation,mode\n"
        "vidA,1,It was,-3,Negative,train\n"
        "vidB,4,Fine,0.5,Positive,test\n"
    )
    return tmp_path


def test_emotions_and_scores_of_the_authors_files(kit):
    bunch = load_mosei(kit, target="emotions", annotations="csd", strict=True)
    assert list(bunch.target.columns) == list(corpus_record("mosei").labels["emotions"])
    assert bunch.target.to_numpy().tolist() == [
        [0, 1, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0],
        [1, 0, 1, 0, 0, 1],
        [0, 0, 0, 1, 0, 0],
    ]
    frame = bunch.frame
    assert frame["sentiment"].tolist() == [1.5, -3.0, 0.0, 0.5]
    assert frame["polarity"].tolist() == ["positive", "negative", "neutral", "positive"]
    assert frame["anger_intensity"].tolist() == [0.0, 0.0, 2.0, 0.0]
    assert frame.index.get_level_values("clip").tolist() == [
        "vidA[0]",
        "vidA[1]",
        "vidA[2]",
        "vidB[0]",
    ]


def test_words_sound_and_partitions_are_joined(kit):
    X = load_mosei(kit, annotations="csd", strict=True).data
    assert list(X.columns) == ["text", "audio", "speaker", "split"]
    assert X["text"].tolist() == ["bad", "it was", "really", "fine"]
    sound = str(kit / "Audio" / "Full" / "WAV_16000" / "vidA.wav")
    assert X["audio"].tolist()[:2] == [f"{sound}#t=2.00,4.00", f"{sound}#t=0.00,2.00"]
    assert X["split"].tolist() == ["train", "train", "train", "test"]
    assert X["speaker"].tolist() == ["vidA", "vidA", "vidA", "vidB"]


def test_several_targets_at_once(kit):
    _, y = load_mosei(kit, target=["sentiment", "emotions"], annotations="csd", return_X_y=True)
    assert list(y.columns) == ["sentiment", "happy", "sad", "anger", "surprise", "disgust", "fear"]


def test_the_labels_alone(tmp_path):
    write(tmp_path / LABEL_FILE, "All Labels", LABELS)
    bunch = load_mosei(tmp_path, annotations="csd", strict=True)
    assert list(bunch.data.columns) == ["speaker"]
    assert bunch.splits == {}


def test_what_is_missing_is_said(kit):
    (kit / "Audio" / "Full" / "WAV_16000" / "vidB.wav").unlink()
    write(kit / WORD_FILE, "words", {v: (np.array(w)[:, None], t) for v, (w, t) in WORDS.items()})
    with pytest.warns(IncompleteCorpusWarning, match=r"1 text \(vidB\[0\]\); 1 audio") as caught:
        bunch = load_mosei(kit, annotations="csd")
    assert len(caught) == 1
    assert bunch.data["text"].tolist()[3] is None
    assert bunch.data["audio"].tolist()[3] is None
    with pytest.raises(FileNotFoundError, match="CMU-MOSEI in .* is incomplete"):  # noqa: RUF043
        load_mosei(kit, annotations="csd", strict=True)


def test_the_table(kit):
    bunch = load_mosei(kit, target="polarity", strict=True)
    assert bunch.data["text"].tolist() == ["It was", "Fine"]
    assert bunch.target.tolist() == ["negative", "positive"]
    assert bunch.splits["test"].tolist() == [1]
    with pytest.raises(ValueError, match=r"label\.csv holds no emotions. Pass annotations='csd'"):
        load_mosei(kit, target=["sentiment", "emotions"])


def test_the_authors_files_alone_are_pointed_to(tmp_path):
    write(tmp_path / LABEL_FILE, "All Labels", LABELS)
    with pytest.raises(FileNotFoundError, match=r"no label\.csv. Pass annotations='csd'"):
        load_mosei(tmp_path)


def test_bad_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=rf"for {LABEL_FILE}; found no files"):
        load_mosei(tmp_path, annotations="csd")
    (tmp_path / LABEL_FILE).write_text("no HDF5")
    with pytest.raises(ValueError, match=r"or no file of the authors' kit with .* 'All Labels'"):
        load_mosei(tmp_path, annotations="csd")
    write(tmp_path / LABEL_FILE, "Other", LABELS)
    with pytest.raises(ValueError, match="or no file of the authors' kit"):
        load_mosei(tmp_path, annotations="csd")
    write(tmp_path / LABEL_FILE, "All Labels", {"vidA": ([[1.0, 0.0]], [[0, 1]])})
    with pytest.raises(ValueError, match=r"'vidA' has labels of shape \(1, 2\), not \(n, 7\)"):
        load_mosei(tmp_path, annotations="csd")


def test_without_h5py_the_message_names_the_extra(kit, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(ImportError, match=r"CMU_MOSEI_Labels\.csd needs .*h5py.*emoest\[keras\]"):
        load_mosei(kit, annotations="csd")


@pytest.mark.parametrize("name", [LABEL_FILE, WORD_FILE])
def test_damaged_files_of_the_kit_are_named(kit, name):
    sound, generator, n_refused = (kit / name).read_bytes(), np.random.default_rng(0), 0
    for _ in range(60):
        content = bytearray(sound)
        for place in generator.integers(len(sound), size=40):
            content[place] = generator.integers(256)
        (kit / name).write_bytes(content)
        try:
            with warnings.catch_warnings(action="ignore"):
                load_mosei(kit, annotations="csd")
        except ValueError as error:
            n_refused += name in str(error)
    assert n_refused > 10


def test_a_file_of_the_kit_that_declares_too_much_is_refused(kit):
    with h5py.File(kit / LABEL_FILE, "a") as file:
        group = file["All Labels/data/vidA"]
        del group["features"]
        group.create_dataset("features", (10**9, 7), "f4")
    with pytest.raises(
        ValueError, match=rf"{LABEL_FILE}'.*'vidA' is too large: .*EMOEST_MAX_BYTES"
    ):
        load_mosei(kit, annotations="csd")
