from functools import partial

import numpy as np
import pytest
from scipy.io import savemat

from emoest.media.eeg import count_channels, read_eeg
from emoest.media.eeg_files import cells_from_mat, split_path


def recording(n_channels=3, n_samples=1000):
    return np.random.RandomState(0).normal(scale=20, size=(n_channels, n_samples))


def test_an_npy_file_and_a_part_of_it(tmp_path):
    data = recording()
    np.save(tmp_path / "trial.npy", data)
    signal, _ = read_eeg(tmp_path / "trial.npy", sampling_rate=100)
    np.testing.assert_array_equal(signal, data)
    part, _ = read_eeg(f"{tmp_path}/trial.npy#t=1,2.5", sampling_rate=100)
    np.testing.assert_array_equal(part, data[:, 100:250])
    rest, _ = read_eeg(f"{tmp_path}/trial.npy#t=9", sampling_rate=100)
    np.testing.assert_array_equal(rest, data[:, 900:])
    assert count_channels(f"{tmp_path}/trial.npy#t=1,2.5") == 3


def test_a_mat_file_with_one_variable_and_with_several(tmp_path):
    data = recording()
    savemat(tmp_path / "one.mat", {"data": data})
    signal, _ = read_eeg(tmp_path / "one.mat", sampling_rate=100)
    np.testing.assert_array_equal(signal, data)
    savemat(tmp_path / "all.mat", {"cz_eeg1": data, "cz_eeg2": data[:2] + 1}, do_compression=True)
    signal, _ = read_eeg(f"{tmp_path}/all.mat#cz_eeg2#t=0,1", sampling_rate=100)
    np.testing.assert_array_equal(signal, data[:2, :100] + 1)
    assert count_channels(f"{tmp_path}/all.mat#cz_eeg2") == 2
    with pytest.raises(ValueError, match=r"all\.mat'\) names no variable; write '<file>.mat#<var"):
        read_eeg(tmp_path / "all.mat", sampling_rate=100, name="row 3")
    with pytest.raises(ValueError, match=r"has no variable 'eeg2'.*holds 'cz_eeg1', 'cz_eeg2'"):
        read_eeg(f"{tmp_path}/all.mat#eeg2", sampling_rate=100)


def test_trials_of_a_file_of_seed_iv(tmp_path):
    path = tmp_path / "1_20160518.mat"
    savemat(path, {f"cz_eeg{k}": np.zeros((62, 63)) + k for k in range(24, 0, -1)})
    cells = cells_from_mat(path)
    assert cells == [f"{path}#cz_eeg{k}" for k in range(1, 25)]
    assert read_eeg(cells[9], sampling_rate=200)[0][0, 0] == 10
    with pytest.raises(ValueError, match="no variable that fits"):
        cells_from_mat(path, r"_psd(\d+)$")
    with pytest.raises(FileNotFoundError, match="the file is not there"):
        cells_from_mat(tmp_path / "absent.mat")


def test_paths():
    assert split_path("a.mat#x#t=,3") == ("a.mat", "x", 0.0, 3.0)
    assert split_path("a.npy#t=2") == ("a.npy", None, 2.0, None)
    assert split_path("a#b.mat") == ("a#b.mat", None, 0.0, None)


def test_files_that_cannot_be_read_are_said(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"row 2 \(file '.*a\.npy'\): the file is not there"
    ):
        read_eeg(tmp_path / "a.npy", sampling_rate=100, name="row 2")
    (tmp_path / "a.edf").write_bytes(b"0")
    with pytest.raises(ValueError, match=r"read from .npy, .mat and .csv files.*cells_from_mne"):
        read_eeg(tmp_path / "a.edf", sampling_rate=100)
    for name in ("a.npy", "a.mat"):
        for content in (b"", b"not a file of numbers" * 20):
            (tmp_path / name).write_bytes(content)
            with pytest.raises(ValueError, match=rf"{name}' is not a readable \{name[1:]} file"):
                read_eeg(tmp_path / name, sampling_rate=100)
            with pytest.raises(ValueError, match=rf"is not a readable \{name[1:]} file"):
                count_channels(tmp_path / name)


def test_an_npy_file_of_another_kind_or_with_a_damaged_header_is_said(tmp_path):
    path = tmp_path / "a.npy"
    with open(path, "wb") as file:
        np.savez(file, recording())
    archive = path.read_bytes()
    np.save(path, recording())
    damaged = bytearray(path.read_bytes())
    damaged[10:13] = b"{('"
    for content in (archive, bytes(damaged)):
        path.write_bytes(content)
        for read in (partial(read_eeg, sampling_rate=100), count_channels):
            with pytest.raises(ValueError, match=r"a\.npy' is not a readable .npy file of numbers"):
                read(path)


def test_a_truncated_mat_file_is_said(tmp_path):
    savemat(tmp_path / "a.mat", {"x": recording()}, do_compression=True)
    whole = (tmp_path / "a.mat").read_bytes()
    (tmp_path / "a.mat").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"a\.mat' is (damaged|not a readable)"):
        read_eeg(tmp_path / "a.mat", sampling_rate=100)


def test_a_mat_file_of_an_unknown_kind_of_array_is_said(tmp_path):
    savemat(tmp_path / "a.mat", {"x": recording()})
    damaged = bytearray((tmp_path / "a.mat").read_bytes())
    damaged[144] = 99
    (tmp_path / "a.mat").write_bytes(damaged)
    with pytest.raises(ValueError, match=r"a\.mat' .*unknown class 99"):
        read_eeg(tmp_path / "a.mat", sampling_rate=100)


def test_a_pickle_in_an_npy_file_is_not_loaded(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{"x": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match=r"not a readable .npy file of numbers"):
        read_eeg(tmp_path / "a.npy", sampling_rate=100)


@pytest.mark.parametrize("do_compression", [False, True])
def test_damaged_mat_files_are_read_or_named(tmp_path, do_compression):
    """scipy reads memory that is not its own when some of these bytes are changed."""
    rng = np.random.default_rng(0)
    path = tmp_path / "a.mat"
    savemat(path, {"x": recording(2, 20), "who": {"a": 1}}, do_compression=do_compression)
    whole = path.read_bytes()
    for k in range(400):
        damaged = bytearray(whole[: rng.integers(1, len(whole))] if k % 4 == 0 else whole)
        for at in rng.integers(0, len(damaged), 2):
            damaged[at] = rng.integers(256)
        path.write_bytes(damaged)
        for read in (partial(read_eeg, sampling_rate=100), count_channels):
            try:
                read(f"{path}#x", name="row 3")
            except ValueError as error:
                assert str(error).startswith(f"row 3 (file {str(path)!r})")


@pytest.mark.parametrize("dtype", ["f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"])
@pytest.mark.parametrize("options", [{}, {"do_compression": True}, {"format": "4"}])
def test_arrays_of_every_type_in_mat_files(tmp_path, dtype, options):
    data = np.arange(60).reshape(3, 20).astype(dtype)
    if options.get("format") == "4" and dtype in {"i1", "u2", "u4", "i8", "u8"}:
        pytest.skip("the format has no such numbers")
    savemat(tmp_path / "a.mat", {"x": data}, **options)
    np.testing.assert_array_equal(read_eeg(tmp_path / "a.mat", sampling_rate=100)[0], data)


def test_arrays_larger_than_the_limit(tmp_path, monkeypatch):
    savemat(tmp_path / "a.mat", {"x": np.zeros((10, 10000))}, do_compression=True)
    np.save(tmp_path / "a.npy", np.zeros((10, 10000)))
    monkeypatch.setenv("EMOEST_MAX_BYTES", "799999")
    for suffix in ("mat", "npy"):
        with pytest.raises(ValueError, match=rf"a\.{suffix}'.* too large: 800000 bytes.*_BYTES"):
            read_eeg(tmp_path / f"a.{suffix}", sampling_rate=100)
        assert count_channels(tmp_path / f"a.{suffix}") == 10


def test_an_npy_file_that_declares_more_than_it_holds(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.zeros((10, 100)))
    path.write_bytes(path.read_bytes().replace(b"(10, 100)", b"(99, 999)"))
    with pytest.raises(ValueError, match=r"a\.npy' is not a readable .npy file"):
        read_eeg(path, sampling_rate=100)
