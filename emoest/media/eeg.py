"""EEG in a cell becomes an array of channels in microvolt: read, cut, checked.

An EEG item is an array ``(n_channels, n_samples)`` in microvolt, a tuple ``(array, rate)``, or the
path of an ``.npy`` or ``.mat`` file that holds such an array: ``trial.npy``,
``subject.mat#cz_eeg1`` (a variable of the file), ``trial.npy#t=1.5,30`` (a part, in seconds).
`cells_from_mne` and `cells_from_mat` make cells of recordings.
"""

import math
import os
import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from emoest.media.audio import split_fragment
from emoest.tables.cells import HEADER_ERRORS, is_path, load_array
from emoest.utils.optional import import_optional

Signal = npt.NDArray[np.float64]
Cell = tuple[npt.NDArray[np.float32], float]

_SEED = """
FP1 FPZ FP2 AF3 AF4 F7 F5 F3 F1 FZ F2 F4 F6 F8 FT7 FC5 FC3 FC1 FCZ FC2 FC4 FC6 FT8 T7 C5 C3 C1 CZ
C2 C4 C6 T8 TP7 CP5 CP3 CP1 CPZ CP2 CP4 CP6 TP8 P7 P5 P3 P1 PZ P2 P4 P6 P8 PO7 PO5 PO3 POZ PO4 PO6
PO8 CB1 O1 OZ O2 CB2
"""
SEED_CHANNELS = tuple(_SEED.split())
"""The 62 channels of SEED and SEED-IV, in the order of their files."""

_MICROVOLTS = 1e6
_ROUNDING_SECONDS = 0.01

_MAT_ERRORS = (ValueError, TypeError, OSError, zlib.error, UnboundLocalError)
"""What scipy raises where a .mat file is damaged, beside its own; the last one is a slip of its."""


def read_eeg(
    item: Any,
    *,
    sampling_rate: float | None = None,
    channels: Sequence[str] | None = None,
    name: str = "EEG item",
) -> tuple[Signal, float]:
    """Read one EEG item.

    Parameters
    ----------
    item : ndarray of shape (n_channels, n_samples), tuple (array, rate), str or path object
        The item, in microvolt; integers are microvolt as well. See the module for paths.
    sampling_rate : float, default=None
        Rate in Hz of arrays and files, which bring none. A tuple brings its own.
    channels : sequence of str, default=None
        Names of the channels, for errors.
    name : str, default="EEG item"
        What to call the item in an error, for example ``"row 3, column 'eeg'"``.

    Returns
    -------
    signal : ndarray of shape (n_channels, n_samples), dtype float64
        The channels in microvolt; all finite.
    rate : float
        Sampling rate in Hz.

    Raises
    ------
    FileNotFoundError
        If the item is a path and the file is not there.
    ValueError
        If the item is not EEG, has no rate or a wrong one, lies with its channels along the second
        axis, or has channels that are missing (NaN) or infinite; if a file cannot be read.

    Examples
    --------
    >>> signal, rate = read_eeg((np.ones((4, 512), dtype="int16"), 256))
    >>> signal.shape, signal.dtype, rate
    ((4, 512), dtype('float64'), 256.0)
    """
    start, end = 0.0, None
    if isinstance(item, tuple):
        item, sampling_rate = _split_tuple(item, name)
    elif is_path(item):
        path, variable, start, end = split_path(os.fspath(item))
        item = _load(path, variable, name)
    array = _check_array(item, name)
    rate = _check_rate(sampling_rate, name)
    array = _cut(array, rate, start, end, name)
    signal = np.array(array, dtype=np.float64)
    _check_finite(signal, rate, channels, name)
    return signal, rate


def count_channels(item: Any, *, name: str = "EEG item") -> int:
    """Count the channels of an item; of a file only its header is read.

    Parameters
    ----------
    item : ndarray, tuple (array, rate), str or path object
        See `read_eeg`.
    name : str, default="EEG item"
        What to call the item in an error.

    Returns
    -------
    n_channels : int

    Raises
    ------
    FileNotFoundError, ValueError
        See `read_eeg`.

    Examples
    --------
    >>> count_channels((np.zeros((62, 800)), 200))
    62
    """
    if isinstance(item, tuple):
        item, _ = _split_tuple(item, name)
    elif is_path(item):
        path, variable, _, _ = split_path(os.fspath(item))
        return _header_channels(path, variable, name)
    return int(_check_array(item, name).shape[0])


def split_path(item: str) -> tuple[str, str | None, float, float | None]:
    """Split ``subject.mat#cz_eeg1#t=1,30`` into the file, the variable and the part in seconds.

    Parameters
    ----------
    item : str
        The path of a cell.

    Returns
    -------
    path : str
        The file alone.
    variable : str or None
        The variable of a ``.mat`` file.
    start, end : float, float or None
        The part in seconds; 0 and None are the whole.

    Examples
    --------
    >>> split_path("subject.mat#cz_eeg1#t=1,30"), split_path("take #3.npy")
    (('subject.mat', 'cz_eeg1', 1.0, 30.0), ('take #3.npy', None, 0.0, None))
    """
    path, start, end = split_fragment(item)
    file, mark, variable = path.rpartition("#")
    if mark and file.lower().endswith(".mat"):
        return file, variable, start, end
    return path, None, start, end


def channel_label(channel: int, channels: Sequence[str] | None = None) -> str:
    """Name a channel for an error: by its name, else by its number from zero.

    Examples
    --------
    >>> channel_label(2), channel_label(0, ["TP9"])
    ('channel 2', "channel 'TP9'")
    """
    return f"channel {channel}" if channels is None else f"channel {channels[channel]!r}"


def cells_from_mne(obj: Any, *, picks: Any = "eeg") -> list[Cell]:
    """Make cells of an MNE recording: one of a `mne.io.Raw`, one an epoch of `mne.Epochs`.

    Filter, re-reference, resample and drop bad segments in MNE first; what comes out is what the
    object holds.

    Parameters
    ----------
    obj : mne.io.BaseRaw or mne.BaseEpochs
        The recording, in volt as always in MNE.
    picks : str or list, default="eeg"
        Channels, as in `mne.io.Raw.pick`. By kind, channels marked as bad are left out, of Raw and
        of Epochs, so that recordings may differ in their channels; interpolate them first, or list
        names.

    Returns
    -------
    cells : list of (ndarray of shape (n_channels, n_samples), float)
        Arrays in microvolt, float32, each with its rate in Hz.

    Raises
    ------
    ImportError
        If MNE is not installed.
    TypeError
        If `obj` is neither Raw nor Epochs.
    ValueError
        If it has no such channels.

    Examples
    --------
    >>> import mne
    >>> info = mne.create_info(["Fz", "Cz"], sfreq=100.0, ch_types="eeg")
    >>> raw = mne.io.RawArray(np.full((2, 300), 1e-5), info, verbose="error")
    >>> cells = cells_from_mne(raw)
    >>> len(cells), cells[0][0].shape, float(cells[0][0][0, 0].round(4)), cells[0][1]
    (1, (2, 300), 10.0, 100.0)
    """
    mne = import_optional("mne", extra="eeg", purpose="cells_from_mne")
    if not isinstance(obj, mne.io.BaseRaw | mne.BaseEpochs):
        raise TypeError(
            f"cells_from_mne takes mne.io.Raw or mne.Epochs, found {type(obj).__name__}."
        )
    try:
        data = obj.get_data(picks=_chosen_channels(mne, obj, picks), verbose="error")
    except ValueError as error:
        raise ValueError(
            f"The {type(obj).__name__} has no channels picks={picks!r}; it has "
            f"{len(obj.ch_names)} channels: {obj.ch_names[:8]}. Set their types with "
            "set_channel_types, or name them in picks."
        ) from error
    trials = data[None] if data.ndim == 2 else data
    rate = float(obj.info["sfreq"])
    return [((trial * _MICROVOLTS).astype(np.float32), rate) for trial in trials]


def _chosen_channels(mne: Any, obj: Any, picks: Any) -> list[int]:
    """Positions of the channels; `get_data` itself keeps those of Raw that are marked as bad."""
    empty = mne.io.RawArray(np.zeros((len(obj.ch_names), 1)), obj.info, verbose="error")
    chosen = empty.pick(picks, exclude="bads", verbose="error").ch_names
    return [obj.ch_names.index(name) for name in chosen]


def cells_from_mat(path: str | os.PathLike[str], pattern: str = r"_eeg(\d+)$") -> list[str]:
    r"""Make cells of the trials in one ``.mat`` file, such as those of SEED-IV.

    Only the names of the variables are read; a cell is a path with a variable.

    Parameters
    ----------
    path : str or path object
        The file.
    pattern : str, default="_eeg(\d+)$"
        Regular expression that finds the variables of trials; its first group is the number by
        which they are ordered. The default is the naming of SEED-IV's ``eeg_raw_data``.

    Returns
    -------
    cells : list of str
        ``"<path>#<variable>"``, by trial number.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file cannot be read or no variable fits.

    Examples
    --------
    >>> import tempfile
    >>> from scipy.io import savemat
    >>> path = tempfile.mkdtemp() + "/1_20160518.mat"
    >>> savemat(path, {f"cz_eeg{k}": np.zeros((62, 800)) for k in (10, 2)})
    >>> [cell.rpartition("#")[2] for cell in cells_from_mat(path)]
    ['cz_eeg2', 'cz_eeg10']
    """
    file = os.fspath(path)
    names = list(_mat_shapes(file, f"EEG file {file!r}"))
    found = [(int(match[1]), name) for name in names if (match := re.search(pattern, name))]
    if not found:
        raise ValueError(
            f"EEG file {file!r} holds no variable that fits {pattern!r}; it holds {names[:8]}."
        )
    return [f"{file}#{name}" for _, name in sorted(found)]


def _split_tuple(item: tuple[Any, ...], name: str) -> tuple[Any, Any]:
    if len(item) != 2 or np.ndim(item[1]) != 0 or np.ndim(item[0]) == 0:
        raise ValueError(f"{name}: a tuple must be (array, rate), in this order.")
    return item[0], item[1]


def _check_rate(rate: Any, name: str) -> float:
    if rate is None:
        raise ValueError(
            f"{name} has no sampling rate. Pass sampling_rate=<Hz>, or make the item a tuple "
            "(array, rate)."
        )
    if not isinstance(rate, int | float | np.number) or not math.isfinite(rate) or rate <= 0:
        raise ValueError(f"{name}: the rate must be a positive number of Hz, found {rate!r}.")
    return float(rate)


def _check_array(item: Any, name: str) -> npt.NDArray[Any]:
    if type(item).__module__.partition(".")[0] == "mne":
        raise ValueError(
            f"{name} is a {type(item).__name__} of MNE. Make cells of it with "
            "emoest.media.cells_from_mne."
        )
    if not isinstance(item, np.ndarray) or item.dtype.kind not in "iuf":
        kind = f"an array of {item.dtype}" if isinstance(item, np.ndarray) else type(item).__name__
        raise ValueError(
            f"{name} is not EEG: expected an array of numbers (n_channels, n_samples), a tuple "
            f"(array, rate) or the path of an .npy or .mat file, found {kind}."
        )
    if item.ndim != 2 or item.size == 0:
        raise ValueError(
            f"{name} is not EEG: expected the shape (n_channels, n_samples), found {item.shape}."
        )
    _check_orientation(item.shape, name)
    return item


def _check_orientation(shape: tuple[int, ...], name: str) -> None:
    if shape[0] > shape[1]:
        raise ValueError(
            f"{name} has the shape {shape}, which is {shape[0]} channels of {shape[1]} samples. "
            "Arrays are (n_channels, n_samples): transpose it."
        )


def _cut(
    array: npt.NDArray[Any], rate: float, start: float, end: float | None, name: str
) -> npt.NDArray[Any]:
    seconds = array.shape[1] / rate
    stop = seconds if end is None else end
    if not start < stop <= seconds + _ROUNDING_SECONDS or start >= seconds:
        raise ValueError(
            f"{name}: the part #t={start:g},{stop:g} lies outside the recording, which lasts "
            f"{seconds:.3f} s at {rate:g} Hz."
        )
    part = array[:, round(start * rate) : round(stop * rate)]
    if part.shape[1] == 0:
        raise ValueError(f"{name}: the part #t={start:g},{stop:g} holds no sample.")
    return part


def _check_finite(signal: Signal, rate: float, channels: Sequence[str] | None, name: str) -> None:
    finite = np.isfinite(signal)
    bad = np.flatnonzero(~finite.all(axis=1))
    if bad.size == 0:
        return
    if channels is not None and len(channels) != len(signal):
        channels = None
    first = int(bad[0])
    label = channel_label(first, channels)
    more = f" ({bad.size} such channels)" if bad.size > 1 else ""
    if not finite[first].any():
        found = f"{label} is missing: all its samples are NaN or infinite{more}"
    else:
        at = int(np.flatnonzero(~finite[first])[0]) / rate
        found = f"{label} holds a NaN or infinite sample at {at:.3f} s{more}"
    raise ValueError(
        f"{name}: {found}. Interpolate the channel, or leave it out of all recordings."
    )


def _load(path: str, variable: str | None, name: str) -> npt.NDArray[Any]:
    name = _file_name(path, name)
    if _suffix(path, name) == ".npy":
        return _read_npy(path, name)
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    variable = _choose(_mat_shapes(path, name), variable, name)
    try:
        array: npt.NDArray[Any] = loadmat(path, variable_names=[variable])[variable]
    except (*_MAT_ERRORS, MatReadError) as error:
        raise ValueError(f"{name} is damaged ({error}). Get the file again.") from error
    return array


def _header_channels(path: str, variable: str | None, name: str) -> int:
    name = _file_name(path, name)
    if _suffix(path, name) == ".npy":
        shape = _read_npy(path, name, header_only=True).shape
    else:
        shapes = _mat_shapes(path, name)
        shape = shapes[_choose(shapes, variable, name)]
    if len(shape) != 2:
        raise ValueError(
            f"{name} is not EEG: expected the shape (n_channels, n_samples), found {shape}."
        )
    _check_orientation(shape, name)
    return int(shape[0])


def _file_name(path: str, name: str) -> str:
    if path in name:
        return name
    return f"EEG file {path!r}" if name == "EEG item" else f"{name} (file {path!r})"


def _suffix(path: str, name: str) -> str:
    if not Path(path).exists():
        raise FileNotFoundError(
            f"{name}: the file is not there. Check the path; a relative one starts at the working "
            f"folder ({str(Path.cwd())!r})."
        )
    suffix = Path(path).suffix.lower()
    if suffix not in {".npy", ".mat"}:
        raise ValueError(
            f"{name}: EEG is read from .npy and .mat files. Open other formats with MNE and make "
            "cells with emoest.media.cells_from_mne."
        )
    return suffix


def _read_npy(path: str, name: str, header_only: bool = False) -> npt.NDArray[Any]:
    try:
        if header_only:
            return np.lib.format.open_memmap(path, mode="r")
        return load_array(path)
    except (ValueError, OSError, *HEADER_ERRORS) as error:
        raise ValueError(f"{name} is not a readable .npy file of numbers ({error}).") from error


def _mat_shapes(path: str, name: str) -> dict[str, tuple[int, ...]]:
    """Shapes of the variables of a .mat file, by name."""
    from scipy.io import whosmat
    from scipy.io.matlab import MatReadError

    if not Path(path).exists():
        raise FileNotFoundError(f"{name}: the file is not there.")
    try:
        return {variable: tuple(shape) for variable, shape, _ in whosmat(path)}
    except NotImplementedError as error:
        raise ValueError(
            f"{name} is saved as MATLAB 7.3 (HDF5). Save it with '-v7', or convert it to .npy."
        ) from error
    except (*_MAT_ERRORS, MatReadError) as error:
        raise ValueError(f"{name} is not a readable .mat file ({error}).") from error


def _choose(shapes: dict[str, tuple[int, ...]], variable: str | None, name: str) -> str:
    """Take the variable that is named, or the only one."""
    if variable is None and len(shapes) == 1:
        return next(iter(shapes))
    if variable in shapes:
        return variable
    asked = "names no variable" if variable is None else f"has no variable {variable!r}"
    raise ValueError(
        f"{name} {asked}; write '<file>.mat#<variable>'. The file holds {list(shapes)[:8]}."
    )
