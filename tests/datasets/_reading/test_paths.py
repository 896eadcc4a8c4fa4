from emoest.datasets._reading.paths import join_paths, missing_files


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
    assert missing_files(join_paths(str(tmp_path), cells)) == [3, 4]
