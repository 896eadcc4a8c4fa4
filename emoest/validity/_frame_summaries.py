"""What the validity filter reads of a table: rows, or frames, of each modality."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emoest.tables.frames import FrameTable
from emoest.tables.groups import Split
from emoest.tables.vectors import Blocks
from emoest.utils.typing import Floats


@dataclass(frozen=True)
class Readings:
    """The modalities of a table as stacked rows.

    What is judged is called a sample here: a row of the table, or, where steps are judged one by
    one, a step of a row.

    Parameters
    ----------
    values : dict of str to ndarray of shape (n_rows, n_features)
        One row a sample, or one a frame; NaN is a missing value.
    rows : dict of str to ndarray of int, shape (n_rows,)
        The sample that each stacked row belongs to, in increasing order.
    observed : ndarray of bool, shape (n_samples, n_modalities)
        Which sample has which modality.
    owners : ndarray of int, shape (n_samples,)
        The row of the table that each sample belongs to, in increasing order.
    """

    values: dict[str, Floats]
    rows: dict[str, npt.NDArray[np.intp]]
    observed: npt.NDArray[np.bool_]
    owners: npt.NDArray[np.intp]

    @property
    def names(self) -> list[str]:
        """Names of the modalities."""
        return list(self.values)

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return len(self.observed)

    def both(self, first: str, second: str) -> npt.NDArray[np.bool_]:
        """Which samples have both modalities."""
        positions = [self.names.index(first), self.names.index(second)]
        return self.observed[:, positions].all(axis=1)

    def select(self, name: str, samples: npt.NDArray[np.bool_]) -> Floats:
        """Return the stacked rows of the chosen samples in one modality."""
        return self.values[name][samples[self.rows[name]]]

    def samples_of(self, name: str, samples: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
        """Return the sample of each row that `select` gives."""
        return self.rows[name][samples[self.rows[name]]]


def read_vectors(blocks: Blocks, owners: npt.NDArray[np.intp] | None = None) -> Readings:
    """Read one row a sample from a table of numbers.

    Parameters
    ----------
    blocks : Blocks
        The numbers.
    owners : ndarray of int, shape (n_samples,), default=None
        Which row of the table each belongs to; None: each is one.
    """
    rows = np.arange(len(blocks.values))
    return Readings(
        {name: blocks.block(name) for name in blocks.modalities},
        dict.fromkeys(blocks.modalities, rows),
        ~blocks.missing,
        rows if owners is None else owners,
    )


def read_over_time(table: FrameTable) -> Readings:
    """Read all frames of each sample, to be judged together.

    Parameters
    ----------
    table : FrameTable
        The modalities of a sample must have the same number of frames.

    Raises
    ------
    ValueError
        If they have not.
    """
    table.clock("agreement='time'")
    values, rows = {}, {}
    for name in table.names:
        values[name], rows[name] = table.stacked(name)
    return Readings(values, rows, table.lengths > 0, np.arange(len(table.X)))


def spread(splits: list[Split], owners: npt.NDArray[np.intp]) -> list[Split]:
    """Turn splits of the rows of a table into splits of the samples that they own.

    Parameters
    ----------
    splits : list of (train, test) index arrays
        Positions of rows.
    owners : ndarray of int, shape (n_samples,)
        The row of each sample.

    Examples
    --------
    >>> spread([(np.array([0]), np.array([1]))], np.array([0, 0, 1]))[0][0].tolist()
    [0, 1]
    """
    return [tuple(np.flatnonzero(np.isin(owners, part)) for part in split) for split in splits]
