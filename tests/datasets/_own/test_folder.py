import ast
import warnings

import pytest

from emoest.datasets import load_folder
from emoest.datasets._own import folder as module


def fill(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def test_sub_folders_are_labels_by_default(tmp_path):
    fill(tmp_path, "sad/1.wav", "sad/deep/2.FLAC", "glad/3.mp3", "notes.txt", ".cache/x/4.wav")
    with warnings.catch_warnings(action="error"):
        bunch = load_folder(tmp_path)
    assert bunch.data.index.tolist() == ["glad/3.mp3", "sad/1.wav", "sad/deep/2.FLAC"]
    assert bunch.target.tolist() == ["glad", "sad", "sad"]
    assert bunch.data.columns.tolist() == ["audio"]
    assert bunch.data["audio"].iloc[0] == str(tmp_path / "glad" / "3.mp3")
    assert bunch.groups is None
    assert bunch.record.sizes == {"emotion": {"glad": 1, "sad": 2}}


def test_names_carry_speakers_splits_and_several_targets(tmp_path):
    fill(tmp_path, "train/ann-sad-hi.wav", "test/bob-glad-lo.wav")
    bunch = load_folder(
        tmp_path, "{split}/{speaker}-{emotion}-{level}", target=["emotion", "level"]
    )
    assert bunch.data.columns.tolist() == ["audio", "split", "speaker"]
    assert bunch.groups.tolist() == ["bob", "ann"]
    assert bunch.target.to_numpy().tolist() == [["glad", "lo"], ["sad", "hi"]]
    assert {part: rows.tolist() for part, rows in bunch.splits.items()} == {
        "test": [0],
        "train": [1],
    }


def test_pictures_and_eeg(tmp_path):
    fill(tmp_path, "sad/1.png", "sad/2.MP4", "sad/3.npy", "sad/4.wav")
    assert load_folder(tmp_path, modality="face").data["face"].str[-3:].tolist() == ["png", "MP4"]
    assert load_folder(tmp_path, modality="eeg").data.columns.tolist() == ["eeg"]


def test_codes_are_translated_or_name_the_file(tmp_path):
    fill(tmp_path, "a_W_1.wav", "a_F_2.wav")
    y = load_folder(tmp_path, "{speaker}_{emotion}_*", labels={"W": "anger", "F": "joy"}).target
    assert y.tolist() == ["joy", "anger"]
    with pytest.raises(ValueError, match=r"'a_F_2\.wav' has the unknown emotion code 'F'"):
        load_folder(tmp_path, "{speaker}_{emotion}_*", labels={"W": "anger"})


def test_files_that_do_not_fit_are_counted(tmp_path):
    fill(tmp_path, "ann_sad_1.wav", "oops.wav")
    pattern = "{speaker}_{emotion}_*"
    with pytest.warns(UserWarning, match=r"1 of 2 files .* do not fit .*: oops\.wav"):
        bunch = load_folder(tmp_path, pattern)
    assert bunch.missing == ["oops.wav"]
    assert len(bunch.data) == 1
    with pytest.raises(ValueError, match=r"oops\.wav"):
        load_folder(tmp_path, pattern, strict=True)
    with pytest.raises(ValueError, match=r"2 of 2 files .* do not fit"):
        load_folder(tmp_path)


def test_sound_that_nobody_reads_is_counted(tmp_path):
    for name in ("sad/a.wav", "sad/b.M4A", "sad/c.wma", "sad/notes.txt", "sad/c.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    match = r"2 audio files .* does not read \(1 \.m4a, 1 \.wma, such as 'sad/b\.M4A'\).*\.wav"
    with pytest.warns(UserWarning, match=match) as caught:
        bunch = load_folder(tmp_path)
    assert len(caught) == 1
    assert bunch.data.index.tolist() == ["sad/a.wav"]
    assert bunch.missing == ["sad/b.M4A", "sad/c.wma"]
    with pytest.raises(ValueError, match="2 audio files"):
        load_folder(tmp_path, strict=True)


def test_wrong_folders(tmp_path):
    fill(tmp_path, "a.txt", "b.txt")
    with pytest.raises(FileNotFoundError, match=r"No audio file .*\.wav.*found 2 \.txt"):
        load_folder(tmp_path)
    with pytest.raises(FileNotFoundError, match="is not there"):
        load_folder(tmp_path / "no")
    with pytest.raises(NotADirectoryError, match="load_table"):
        load_folder(tmp_path / "a.txt")


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("{speaker}/*", r"has no field \{emotion\}.*it has speaker"),
        ("{emotion}/{emotion}", "cannot be read"),
        ("{}/{emotion}", r"has a field '\{\}' without a name"),
    ],
)
def test_bad_patterns(tmp_path, pattern, message):
    with pytest.raises(ValueError, match=message):
        load_folder(tmp_path, pattern)


def test_special_characters_of_a_pattern_mean_themselves():
    expression = module.compile_pattern("**/{emotion}.(take+)*")
    assert expression.fullmatch("x/y/sad.(take+)7")["emotion"] == "sad"
    assert expression.fullmatch("sad.(take+)")["emotion"] == "sad"
    assert expression.fullmatch("sad.take") is None
    assert expression.fullmatch("sad.(take+)/7") is None


def flat_folder(monkeypatch, n_clips):
    names = [f"s{i % 100:02d}_{'sad' if i % 2 else 'glad'}_{i:06d}.wav" for i in range(n_clips)]
    monkeypatch.setattr(module.os, "walk", lambda root: iter([(str(root), [], names)]))


def test_100_000_clips_of_a_flat_folder(tmp_path, monkeypatch):
    flat_folder(monkeypatch, 100_000)
    X, y = load_folder(tmp_path, "{speaker}_{emotion}_*", return_X_y=True)
    assert X.shape == (100_000, 2)
    assert y.value_counts().to_dict() == {"glad": 50_000, "sad": 50_000}


def test_twice_the_clips_are_twice_the_work(tmp_path, monkeypatch, count_calls):
    calls = {}
    for n_clips in (100, 2_000, 4_000):
        flat_folder(monkeypatch, n_clips)
        calls[n_clips] = count_calls(lambda: load_folder(tmp_path, "{speaker}_{emotion}_*"))
    assert calls[4_000] < 2.1 * calls[2_000]
    assert calls[4_000] < 30 * 4_000


TESS = {
    "OAF": ["Fear", "Pleasant_surprise", "Sad", "angry", "disgust", "happy", "neutral"],
    "YAF": ["angry", "disgust", "fear", "happy", "neutral", "pleasant_surprised", "sad"],
}


def test_folders_that_spell_one_label_twice_say_what_joins_them(tmp_path):
    fill(
        tmp_path,
        *(f"{who}_{name}/{who}_{i}.wav" for who in TESS for name in TESS[who] for i in "12"),
    )
    with pytest.warns(
        UserWarning, match="10 labels of 'emotion', some of which may be one"
    ) as caught:
        bunch = load_folder(tmp_path, "{speaker}_{emotion}/*")
    assert bunch.target.nunique() == 10
    advice = str(caught[0].message).partition("labels=")[2].rstrip(".")
    with warnings.catch_warnings(action="error"):
        bunch = load_folder(tmp_path, "{speaker}_{emotion}/*", labels=ast.literal_eval(advice))
    assert bunch.record.sizes["emotion"] == dict.fromkeys(
        ["angry", "disgust", "fear", "happy", "neutral", "pleasant_surprised", "sad"], 4
    )


def test_names_on_disk_stay_and_labels_are_composed(tmp_path):
    decomposed = "u\N{COMBINING DIAERESIS}"
    fill(tmp_path, f"{decomposed}/a.wav", "x /b.wav")
    bunch = load_folder(tmp_path)
    assert set(bunch.target) == {"\N{LATIN SMALL LETTER U WITH DIAERESIS}", "x"}
    assert str(tmp_path / decomposed / "a.wav") in bunch.data["audio"].tolist()


def test_codes_of_paths_are_found_as_numbers(tmp_path):
    fill(tmp_path, "01/a.wav", "2/b.wav")
    assert load_folder(tmp_path, labels={1: "sad", 2: "glad"}).target.tolist() == ["sad", "glad"]


def test_a_folder_one_level_too_high_is_said(tmp_path):
    fill(tmp_path, "corpus/sad/1.wav", "corpus/glad/2.wav")
    with pytest.warns(UserWarning, match=rf"folders glad, sad: pass '{tmp_path}/corpus'"):
        load_folder(tmp_path)
    fill(tmp_path, "other/3.wav")
    with warnings.catch_warnings(action="error"):
        load_folder(tmp_path)
