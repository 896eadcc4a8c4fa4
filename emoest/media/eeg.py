"""EEG in a cell becomes an array of channels in microvolt: read, cut, checked.

An EEG item is an array ``(n_channels, n_samples)`` in microvolt, a tuple ``(array, rate)`` or
``(array, rate, channels)`` with the names of its channels, or the path of an ``.npy`` or ``.mat``
file that holds such an array, or of a csv file with a row a sample and a column a channel:
``trial.npy``, ``subject.mat#cz_eeg1`` (a variable of the file), ``trial.npy#t=1.5,30`` (a part, in
seconds).
`cells_from_mne` and `cells_from_mat` make cells of recordings.
"""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from emoest.media.decoding.foreign_items import own_item
from emoest.media.eeg_channels import channel_label, folded, order_channels, split_channels
from emoest.media.eeg_files import file_shape, load_file, split_path
from emoest.media.eeg_tables import is_eeg_table, read_eeg_table
from emoest.media.notes import note
from emoest.media.sources import check_rate, cut_part, name_file, spelling
from emoest.tables.cells import is_path
from emoest.utils.messages import listed
from emoest.utils.optional import import_optional

Signal = npt.NDArray[np.float64]
Cell = tuple[npt.NDArray[np.float32], float, tuple[str, ...]]

_SEED = """
FP1 FPZ FP2 AF3 AF4 F7 F5 F3 F1 FZ F2 F4 F6 F8 FT7 FC5 FC3 FC1 FCZ FC2 FC4 FC6 FT8 T7 C5 C3 C1 CZ
C2 C4 C6 T8 TP7 CP5 CP3 CP1 CPZ CP2 CP4 CP6 TP8 P7 P5 P3 P1 PZ P2 P4 P6 P8 PO7 PO5 PO3 POZ PO4 PO6
PO8 CB1 O1 OZ O2 CB2
"""
SEED_CHANNELS = tuple(_SEED.split())
"""The 62 channels of SEED and SEED-IV, in the order of their files."""

_MICROVOLTS = 1e6

_PLAUSIBLE_MICROVOLTS = (0.05, 1e5)
"""Standard deviations of a channel; EEG has some ten, EEG in volt a hundred-thousandth."""


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
    item : ndarray of shape (n_channels, n_samples), tuple, str or path object
        The item, in microvolt; integers are microvolt as well. A tuple is ``(array, rate)`` or
        ``(array, rate, channels)``. See the module for paths.
    sampling_rate : float, default=None
        Rate in Hz of arrays and files, which bring none. A tuple brings its own.
    channels : sequence of str, default=None
        Names of the channels that are wanted. The channels of an item that brings names are put
        into this order; those of any other item are taken to be in it.
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
        axis, or has channels that are missing (NaN) or infinite; if a file cannot be read; if its
        channels have other names than `channels`.

    Warns
    -----
    ImplausibleMediaWarning
        If the numbers are hardly microvolt.

    Examples
    --------
    >>> signal, rate = read_eeg((np.ones((4, 512), dtype="int16"), 256))
    >>> signal.shape, signal.dtype, rate
    ((4, 512), dtype('float64'), 256.0)
    """
    start, end = 0.0, None
    item = own_item(item)
    if isinstance(item, tuple):
        item, sampling_rate = order_channels(item, channels, name)
    elif is_path(item):
        path, variable, start, end = split_path(os.fspath(item))
        item = _load(path, variable, sampling_rate, channels, name)
        name = name_file(path, name)
    array = _check_array(item, name)
    rate = check_rate(sampling_rate, name)
    first, stop = cut_part(array.shape[1], rate, start, end, name)
    signal = np.array(array[:, first:stop], dtype=np.float64)
    _check_finite(signal, rate, channels, name)
    _note_unit(signal, name)
    return signal, rate


def _load(
    path: str,
    variable: str | None,
    sampling_rate: float | None,
    channels: Sequence[str] | None,
    name: str,
) -> Any:
    """Read the array in a file; a table may bring names of channels, by which it is ordered."""
    if not is_eeg_table(path):
        return load_file(path, variable, name)
    signal, own = read_eeg_table(path, name)
    if own is None:
        return signal
    rate = check_rate(sampling_rate, name)
    return order_channels((signal, rate, own), channels, name_file(path, name))[0]


def _note_unit(signal: Signal, name: str) -> None:
    typical = float(np.median(signal.std(axis=1)))
    if 0 < typical < _PLAUSIBLE_MICROVOLTS[0]:
        note(
            f"varies by less than {_PLAUSIBLE_MICROVOLTS[0]} microvolt, as EEG in volt does; EEG "
            "is expected in microvolt. Multiply it by 1e6",
            name,
        )
    elif typical > _PLAUSIBLE_MICROVOLTS[1]:
        note(
            f"varies by more than {_PLAUSIBLE_MICROVOLTS[1]:.0f} microvolt, as the bare numbers of "
            "an amplifier do; EEG is expected in microvolt. Scale it as its header says",
            name,
        )


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
        item, *_ = split_channels(item, name)
    elif is_path(item):
        path, variable, _, _ = split_path(os.fspath(item))
        if is_eeg_table(path):
            shape: tuple[int, ...] = read_eeg_table(path, name)[0].shape
        else:
            shape = file_shape(path, variable, name)
        _check_shape(shape, name_file(path, name))
        return shape[0]
    return int(_check_array(item, name).shape[0])


def channel_names(item: Any, name: str = "EEG item") -> list[str] | None:
    """Return the names of channels that an item brings: a tuple of three, or a table with a head.

    Examples
    --------
    >>> channel_names((np.zeros((2, 800)), 200, ["Cz", "Fz"]))
    ['Cz', 'Fz']
    """
    if isinstance(item, tuple):
        found = split_channels(item, name)[2]
        return None if found is None else list(found)
    path = split_path(os.fspath(item))[0] if is_path(item) else ""
    return read_eeg_table(path, name)[1] if is_eeg_table(path) else None


def cells_from_mne(
    obj: Any, *, picks: Any = "eeg", channels: Sequence[str] | None = None
) -> list[Cell]:
    """Make cells of an MNE recording: one of a `mne.io.Raw`, one an epoch of `mne.Epochs`.

    Filter, re-reference, resample and drop bad segments in MNE first; what comes out is what the
    object holds. The names of the channels travel with each cell, by which features of EEG put
    them into one order and name their columns.

    Parameters
    ----------
    obj : mne.io.BaseRaw or mne.BaseEpochs
        The recording, in volt as always in MNE.
    picks : str or list, default="eeg"
        Channels, as in `mne.io.Raw.pick`. By kind, channels marked as bad are left out, of Raw and
        of Epochs, so that recordings may differ in their channels; interpolate them first.
    channels : sequence of str, default=None
        Which of the picked channels are wanted, in this order; None takes all, in the order of the
        recording.

    Returns
    -------
    cells : list of (ndarray of shape (n_channels, n_samples), float, tuple of str)
        Arrays in microvolt, float32, each with its rate in Hz and the names of its channels.

    Raises
    ------
    ImportError
        If MNE is not installed.
    TypeError
        If `obj` is neither Raw nor Epochs.
    ValueError
        If it has no such channels, or lacks one of `channels`.

    Examples
    --------
    >>> import mne
    >>> info = mne.create_info(["Fz", "Cz"], sfreq=100.0, ch_types="eeg")
    >>> raw = mne.io.RawArray(np.full((2, 300), 1e-5), info, verbose="error")
    >>> ((array, rate, channels),) = cells_from_mne(raw, channels=["Cz", "Fz"])
    >>> array.shape, float(array[0, 0].round(4)), rate, channels
    ((2, 300), 10.0, 100.0, ('Cz', 'Fz'))
    """
    mne = import_optional("mne", extra="eeg", purpose="cells_from_mne")
    if not isinstance(obj, mne.io.BaseRaw | mne.BaseEpochs):
        raise TypeError(
            f"cells_from_mne takes mne.io.Raw or mne.Epochs, found {type(obj).__name__}."
        )
    try:
        chosen = _chosen_channels(mne, obj, picks)
    except ValueError as error:
        raise ValueError(
            f"The {type(obj).__name__} has no channels picks={picks!r}; it has "
            f"{len(obj.ch_names)} channels: {listed(obj.ch_names, most=8)}. Set their types "
            "with set_channel_types, or name them in picks."
        ) from error
    if channels is not None:
        chosen = _wanted_channels(obj, chosen, channels)
    data = obj.get_data(picks=chosen, verbose="error")
    trials = data[None] if data.ndim == 2 else data
    rate, names = float(obj.info["sfreq"]), tuple(obj.ch_names[i] for i in chosen)
    return [((trial * _MICROVOLTS).astype(np.float32), rate, names) for trial in trials]


def _wanted_channels(obj: Any, chosen: list[int], channels: Sequence[str]) -> list[int]:
    """Positions of the channels that are wanted, in their order."""
    places = {folded(obj.ch_names[i]): i for i in chosen}
    lacks = [channel for channel in channels if folded(channel) not in places]
    if lacks:
        bad = [channel for channel in obj.info["bads"] if channel in lacks]
        marked = f" ({listed(bad, most=8)} marked as bad: interpolate first)" if bad else ""
        raise ValueError(
            f"The {type(obj).__name__} lacks of channels: {listed(lacks, most=8)}{marked}; picked "
            f"are {listed([obj.ch_names[i] for i in chosen], most=8)}."
        )
    return [places[folded(channel)] for channel in channels]


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
            f"(array, rate) or the path of an .npy or .mat file, found {kind}.{spelling(item)}"
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
