"""Channels of EEG by their names: which an item has, and the order in which they are wanted."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from emoest.media.sources import split_tuple
from emoest.utils.messages import listed


def split_channels(item: tuple[Any, ...], name: str) -> tuple[Any, float, tuple[str, ...] | None]:
    """Split an item ``(array, rate)`` or ``(array, rate, channels)``; None where it has no names.

    Examples
    --------
    >>> split_channels((np.zeros((1, 9)), 100, ["Cz"]), "row 3")[1:]
    (100.0, ('Cz',))
    """
    if len(item) != 3:
        return *split_tuple(item, name), None
    array, rate = split_tuple(item[:2], name)
    names = item[2]
    if isinstance(names, str) or not all(isinstance(channel, str) for channel in names):
        raise ValueError(f"{name}: the channels of a tuple must be a list of names.")
    found = tuple(names)
    if len({folded(channel) for channel in found}) < len(found) or len(found) != len(array):
        raise ValueError(
            f"{name} has {len(array)} channels and the names {listed(found, most=8)}. Each channel "
            "needs a name of its own."
        )
    return array, rate, found


def order_channels(
    item: tuple[Any, ...], channels: Sequence[str] | None, name: str
) -> tuple[Any, float]:
    """Put the channels of a tuple into the order that is wanted, by their names.

    Parameters
    ----------
    item : tuple (array, rate) or (array, rate, channels)
        The item; without names, its channels are left as they are.
    channels : sequence of str or None
        The names that are wanted; upper and lower case are the same.
    name : str
        What to call the item in an error.

    Returns
    -------
    array : ndarray of shape (n_channels, n_samples)
        The channels in the order that is wanted; the item's own array if that is its order.
    rate : float
        Sampling rate in Hz.

    Raises
    ------
    ValueError
        If the item has other channels than those.

    Examples
    --------
    >>> order_channels((np.array([[1, 1], [2, 2]]), 100, ["Cz", "Fz"]), ["Fz", "Cz"], "row 3")
    (array([[2, 2],
           [1, 1]]), 100.0)
    """
    array, rate, found = split_channels(item, name)
    if found is None or channels is None:
        return array, rate
    places = {folded(channel): place for place, channel in enumerate(found)}
    wanted = [folded(channel) for channel in channels]
    if set(places) != set(wanted):
        lacks = [channel for channel in channels if folded(channel) not in places]
        more = [channel for channel in found if folded(channel) not in set(wanted)]
        raise ValueError(
            f"{name} has other channels than the {len(channels)} that are expected: it lacks "
            f"{listed(lacks, most=8) or 'none'} and has {listed(more, most=8) or 'none'} in "
            "addition. Interpolate bad channels, and keep the same channels in all recordings "
            "(channels= of cells_from_mne)."
        )
    order = [places[channel] for channel in wanted]
    return array if order == sorted(order) else np.asarray(array)[order], rate


def folded(channel: str) -> str:
    """Return what two names of one channel have in common.

    Examples
    --------
    >>> folded("FPz") == folded("FPZ ")
    True
    """
    return channel.strip().casefold()


def channel_label(channel: int, channels: Sequence[str] | None = None) -> str:
    """Name a channel for an error: by its name, else by its number from zero.

    Examples
    --------
    >>> channel_label(2), channel_label(0, ["TP9"])
    ('channel 2', "channel 'TP9'")
    """
    return f"channel {channel}" if channels is None else f"channel {channels[channel]!r}"
