"""What one call of a cell transformer knows of its items."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from emoest.files.store import Store
from emoest.utils.messages import listed
from emoest.utils.warn import warn_user

CHANGED = "the file changed while it was read. Wait until it is written, and run this again"
"""What is wrong with an item whose file is another after it was read."""


@dataclass
class CellRun:
    """One call of transform: the items of each row, and what is known about them.

    Parameters
    ----------
    store : Store
        Where values are looked up and kept.
    rows : list of list of str
        Keys of the items of each row.
    are_lists : list of bool
        Whether the cell of a row is a list.
    items : dict of str to (object, str)
        Each item and what to call it in an error.
    values : dict of str to ndarray
        What is known of the values.
    failed : dict of str to str
        What is wrong with the items that cannot be read.

    Examples
    --------
    >>> CellRun(Store("toy", {}, False)).failed
    {}
    """

    store: Store
    rows: list[list[str]] = field(default_factory=list)
    are_lists: list[bool] = field(default_factory=list)
    items: dict[str, tuple[Any, str]] = field(default_factory=dict)
    values: dict[str, np.ndarray] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def warn_failed(self) -> None:
        """Warn of the rows whose items could not be read."""
        n_rows = sum(any(key in self.failed for key in keys) for keys in self.rows)
        warn_user(
            f"{n_rows} of {len(self.rows)} cells could not be read and count as missing: "
            f"{listed(self.failed.values(), most=3, separator='; ')}."
        )
