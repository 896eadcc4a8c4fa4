"""EEG in a cell becomes an array of channels in microvolt: read, cut, checked.

An EEG item is an array ``(n_channels, n_samples)`` in microvolt, a tuple ``(array, rate)``, or the
path of an ``.npy`` or ``.mat`` file that holds such an array: ``trial.npy``,
``subject.mat#cz_eeg1`` (a variable of the file), ``trial.npy#t=1.5,30`` (a part, in seconds).
`cells_from_mne` and `cells_from_mat` make cells of recordings.
"""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from emoest.media.eeg_files import file_shape, load_file, split_path
from emoest.media.sources import check_rate, cut_part, name_file, split_tuple
from emoest.tables.cells import is_path
from emoest.utils.messages import listed
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
        item, sampling_rate = split_tuple(item, name)
    elif is_path(item):
        path, variable, start, end = split_path(os.fspath(item))
        item = load_file(path, variable, name)
        name = name_file(path, name)
    array = _check_array(item, name)
    rate = check_rate(sampling_rate, name)
    first, stop = cut_part(array.shape[1], rate, start, end, name)
    signal = np.array(array[:, first:stop], dtype=np.float64)
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
        item, _ = split_tuple(item, name)
    elif is_path(item):
        path, variable, _, _ = split_path(os.fspath(item))
        shape = file_shape(path, variable, name)
        _check_shape(shape, name_file(path, name))
        return shape[0]
    return int(_check_array(item, name).shape[0])


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
            f"{len(obj.ch_names)} channels: {listed(obj.ch_names, most=8)}. Set their types "
            "with set_channel_types, or name them in picks."
        ) from error
    trials = data[None] if data.ndim == 2 else data
    rate = float(obj.info["sfreq"])
    return [((trial * _MICROVOLTS).astype(np.float32), rate) for trial in trials]


def _chosen_channels(mne: Any, obj: Any, picks: Any) -> list[int]:
    """Positions of the channels; `get_data` itself keeps those of Raw that are marked as bad."""
    empty = mne.io.RawArray(np.zeros((len(obj.ch_names), 1)), obj.info, verbose="error")
    chosen = empty.pick(picks, exclude="bads", verbose="error").ch_names
    return [obj.ch_names.index(name) for name in chosen]


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
    _check_shape(item.shape, name)
    return item


def _check_shape(shape: tuple[int, ...], name: str) -> None:
    if len(shape) != 2 or 0 in shape:
        raise ValueError(
            f"{name} is not EEG: expected the shape (n_channels, n_samples), found {shape}."
        )
    # No recording has fewer samples than electrodes, so this is an array on its side.
    if shape[0] > shape[1]:
        raise ValueError(
            f"{name} has the shape {shape}, which is {shape[0]} channels of {shape[1]} samples. "
            "Arrays are (n_channels, n_samples): transpose it."
        )


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
