import numpy as np
import pandas as pd
import pytest

from emoest.media.audio import read_audio
from emoest.media.items import as_table, content_of, items_of, pool, where


def test_items_of_an_object_array_are_those_of_a_list():
    cell = np.array(["a.wav", None, "b.wav"], dtype=object)
    assert items_of(cell) == [(0, "a.wav"), (2, "b.wav")]
    assert len(items_of(np.zeros(3))) == 1
    assert items_of(pd.NA) == items_of([None]) == []


def test_an_empty_path_is_said():
    with pytest.raises(ValueError, match=r"^the path is empty. Put None"):
        content_of("", "file", cache_dir=False)


def test_the_parts_of_a_file_differ(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(b"sound")
    contents = {
        content_of(f"{path}{part}", "file", cache_dir=False)
        for part in ("", "#t=0,1", "#t=0,2", "#t=0.0,1.0")
    }
    assert len(contents) == 3


def test_an_array_that_is_not_contiguous_is_known_by_its_values():
    wave = np.arange(10.0)
    assert content_of(wave[::2], "file") == content_of(wave[::2].copy(), "file")


def test_texts_that_differ_in_blanks_differ():
    assert content_of("a b", "text") != content_of("a  b", "text")
    assert content_of("\ud800", "text")


@pytest.mark.parametrize(
    ("weights", "expected"), [(None, 2.0), ([3, 1], 1.5), ([0, 0], 2.0), ([0, 1], 3.0)]
)
def test_pool_weighs(weights, expected):
    frames = np.array([[1.0], [3.0]], dtype=np.float32)
    weights = None if weights is None else np.array(weights)
    assert pool(frames, "mean", weights).tolist() == [expected]
    assert pool(frames, "max", weights).tolist() == [3.0]


def test_where_says_row_column_and_place():
    assert where(0, ("s1", 3), "audio", 2) == (
        "row ('s1', 3) (position 0), column 'audio', item 2 of the list"
    )
    assert where(4, 4, 0) == "row 4"


def test_as_table_keeps_arrays_of_one_length_as_cells():
    table = as_table([np.zeros(3), np.ones(3)])
    assert table.shape == (2, 1)
    assert table.iloc[1, 0].tolist() == [1.0, 1.0, 1.0]


class _Foreign:
    """A cell of a library that need not be installed."""


@pytest.mark.parametrize(
    ("package", "said"),
    [
        ("jax", r"Write numpy\.asarray\(item\)"),
        ("tensorflow", r"Write item\.numpy\(\)"),
        ("mne", r"Write emoest\.media\.cells_from_mne\(item\)"),
        ("scipy", r"\(array, rate\), in this order"),
    ],
)
def test_cells_of_other_libraries_are_refused_with_the_right_spelling(package, said):
    cell = (8000, np.zeros(8000, dtype=np.float32))
    if package != "scipy":
        cell = type("Cell", (_Foreign,), {"__module__": f"{package}.core"})()
    with pytest.raises(ValueError, match=said):
        content_of(cell, "file")
    with pytest.raises(ValueError, match=f"^row 3.*{said}"):
        read_audio(cell, name="row 3")


def test_arrays_of_more_axes_are_a_cell_each():
    table = as_table(np.arange(24.0).reshape(2, 3, 4))
    assert table.shape == (2, 1) and table.iloc[1, 0].shape == (3, 4)
    with pytest.raises(ValueError, match=r"found an array of float64 of shape \(3, 2\)"):
        as_table(np.zeros((3, 2)))


def test_epochs_of_mne_are_a_cell_each():
    mne = pytest.importorskip("mne")
    info = mne.create_info(["Fz", "Cz"], 128.0, "eeg")
    epochs = mne.EpochsArray(np.ones((3, 2, 128)) * 1e-6, info, verbose=False)
    table = as_table(epochs)
    array, rate, channels = table.iloc[2, 0]
    assert table.shape == (3, 1) and rate == 128.0 and channels == ("Fz", "Cz")
    np.testing.assert_allclose(array, 1.0, rtol=1e-6)
