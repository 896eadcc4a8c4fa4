"""What the first trial of a column tells of all: how many channels, their names, the rate."""

from typing import Any, NamedTuple

import pandas as pd

from emoest.media.eeg import channel_names, count_channels
from emoest.media.eeg_channels import split_channels
from emoest.media.items import CELL_ERRORS, failure_of_cell, items_of, where


class Montage(NamedTuple):
    """Channels of EEG, and the rate in Hz where the item brings one."""

    n_channels: int
    names: tuple[str, ...] | None
    rate: float | None


def first_montage(column: "pd.Series[Any]", *, reader: str, errors: str) -> Montage:
    """Look at the first item of a column that can be read; of a file only its header is.

    Parameters
    ----------
    column : Series
        The cells.
    reader : str
        Whose ``fit`` asks, for the error.
    errors : {"raise", "missing"}
        Whether an item that cannot be read is an error or passed over.

    Returns
    -------
    montage : Montage

    Raises
    ------
    ValueError, FileNotFoundError
        If there is no item, or one cannot be read and ``errors="raise"``.

    Examples
    --------
    >>> import numpy as np
    >>> column = pd.Series([None, (np.zeros((2, 9)), 100, ["Fz", "Cz"])])
    >>> first_montage(column, reader="EEGFilter", errors="raise")
    Montage(n_channels=2, names=('Fz', 'Cz'), rate=100.0)
    """
    for position, (label, cell) in enumerate(zip(column.index, column, strict=True)):
        name = where(position, label, column.name)
        try:
            for _, item in items_of(cell):
                rate = split_channels(item, name)[1] if isinstance(item, tuple) else None
                names = channel_names(item, name)
                found = None if names is None else tuple(names)
                return Montage(count_channels(item, name=name), found, rate)
        except CELL_ERRORS as error:
            failure_of_cell(name, error, errors)
    raise ValueError(
        f"{reader} found no EEG in any of the {len(column)} rows of fit, so the number of channels "
        "is unknown. Pass channels=<number, or their names>."
    )
