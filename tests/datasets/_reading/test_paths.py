import unicodedata

import pytest

from emoest.datasets._reading.paths import Folders, join_paths


def test_relative_paths_start_at_the_folder_and_missing_cells_stay_missing():
    assert join_paths("/r", ["a/b.wav", "/x/y.wav", "", None, float("nan")]) == [
        "/r/a/b.wav",
        "/x/y.wav",
        None,
        None,
        None,
    ]


def test_parts_and_variables_are_looked_for_as_files(tmp_path):
    for name in ("a.wav", "b.mat", "take #3.wav"):
        (tmp_path / name).touch()
    cells = ["a.wav#t=0.5,1", "b.mat#eeg1", "take #3.wav", "a.wav#x", "no/a.wav", None]
    paths = join_paths(str(tmp_path), cells)
    found = Folders().find(paths)
    assert found[:3] == paths[:3] and found[3:] == [None, None, None]


@pytest.mark.parametrize("composed", ["NFC", "NFD"])
def test_letters_may_be_composed_another_way(tmp_path, composed):
    on_disk = unicodedata.normalize(composed, "f\N{LATIN SMALL LETTER U WITH DIAERESIS}r")
    file = tmp_path / on_disk / f"{on_disk}.wav"
    file.parent.mkdir()
    file.touch()
    for form in ("NFC", "NFD"):
        name = unicodedata.normalize(form, f"{on_disk}/{on_disk}.wav#t=0,1")
        paths = join_paths(str(tmp_path), [name, name.replace("wav", "mp3")])
        assert Folders().find(paths) == [f"{file}#t=0,1", None]


def test_backslashes_are_those_of_windows(tmp_path):
    (tmp_path / "clips").mkdir()
    for name in ("clips/a.wav", "b\\c.wav"):
        (tmp_path / name).touch()
    paths = join_paths(str(tmp_path), ["clips\\a.wav", "b\\c.wav", "clips\\z.wav"])
    assert Folders().find(paths) == [str(tmp_path / "clips" / "a.wav"), paths[1], None]


def test_hints_where_files_may_be(tmp_path):
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "a.wav").touch()
    folders = Folders()
    assert f"media_folder={str(tmp_path / 'clips')!r}" in folders.hint(str(tmp_path), "a.wav")
    above = folders.hint(str(tmp_path / "clips"), "clips/a.wav")
    assert "in the folder above" in above and f"media_folder={str(tmp_path)!r}" in above
    assert "drive letter" in folders.hint(str(tmp_path), "C:\\data\\a.wav")
    assert folders.hint(str(tmp_path), "z.wav") == folders.hint(str(tmp_path), "/z.wav") == ""
