"""EEG in tables: csv files with a row a sample and a column a channel."""

import re
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from emoest.media.sources import check_exists, name_file

_TABLE_SUFFIXES = (".csv", ".tsv")

# Columns that headsets and pandas write beside the channels.
_NO_CHANNEL = re.compile(r"|unnamed.*|time.*|seconds|sample.*|index|counter|marker.*")


def read_eeg_table(
    path: str, name: str = "EEG item"
) -> tuple[npt.NDArray[np.float64], list[str] | None]:
    r"""Read a csv file of EEG.

    Columns of times and of counts of samples, by their names, are no channels.

    Parameters
    ----------
    path : str
        The file; its first line may name the channels.
    name : str, default="EEG item"
        What to call the item in an error.

    Returns
    -------
    signal : ndarray of shape (n_channels, n_samples)
        As it stands in the file; empty cells are NaN.
    channels : list of str or None
        Their names, if the first line tells them.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is not there, or is no table of numbers.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> path = Path(tempfile.mkdtemp()) / "a.csv"
    >>> _ = path.write_text("timestamps,TP9,AF7\n0.0,1.5,2\n0.1,2.5,3\n")
    >>> signal, channels = read_eeg_table(str(path))
    >>> signal.tolist(), channels
    ([[1.5, 2.5], [2.0, 3.0]], ['TP9', 'AF7'])
    """
    check_exists(path, f"{name}: the file")
    shown = name_file(path, name)
    try:
        with open(path, encoding="utf-8-sig") as file:
            head = file.readline()
        separator = max(",;\t", key=head.count)
        named = not all(_is_number(cell) for cell in head.split(separator))
        table = pd.read_csv(
            path, sep=separator, header=0 if named else None, encoding="utf-8-sig", index_col=False
        )
        if named:
            channel = [not _NO_CHANNEL.fullmatch(_plain(column)) for column in table.columns]
            table = table.loc[:, channel]
        signal = table.to_numpy(dtype=np.float64).T
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"{shown} is no table of EEG: a row a sample and a column a channel, all numbers "
            f"({error})."
        ) from error
    return signal, [str(column).strip() for column in table.columns] if named else None


def is_eeg_table(path: str) -> bool:
    """Check the suffix of a path.

    Examples
    --------
    >>> is_eeg_table("a.CSV"), is_eeg_table("a.npy")
    (True, False)
    """
    return path.lower().endswith(_TABLE_SUFFIXES)


def _plain(column: Any) -> str:
    return str(column).strip().lower()


def _is_number(cell: str) -> bool:
    try:
        float(cell.strip().strip('"') or "nan")
    except ValueError:
        return False
    return True
