"""Long measurements in parts: each is written when it is done, and a run that stopped goes on."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd


class Parts:
    """Rows of a table in a CSV file, made part by part.

    Parameters
    ----------
    path : Path or None
        The file; what it holds is not made again. None keeps the rows in memory.
    minutes : float, default=inf
        No part begins after so many minutes.
    """

    def __init__(self, path: Path | None, minutes: float = float("inf")) -> None:
        self.path = path
        self.end = time.monotonic() + 60 * minutes
        self.held: list[pd.DataFrame] = []
        if path is not None and path.exists():
            self.held.append(pd.read_csv(path, dtype={"group": str, "part": str}))
        self.done = {part for each in self.held for part in each["part"]}
        self.left_out: list[str] = []

    def add(self, part: str, make: Callable[[], pd.DataFrame], **columns: Any) -> None:
        """Make a part, unless it is there already or time is over, and write it."""
        if part in self.done:
            return
        if time.monotonic() > self.end:
            self.left_out.append(part)
            return
        start = time.monotonic()
        made = make().assign(**columns, part=part)
        if self.path is not None:
            made.to_csv(self.path, mode="a", header=not self.path.exists(), index=False)
        self.held.append(made)
        self.done.add(part)
        print(f"{part}: {(time.monotonic() - start) / 60:.1f} min", flush=True)

    def table(self) -> pd.DataFrame:
        """Return all rows that there are, and say what is left to do."""
        if self.left_out:
            print(f"{len(self.left_out)} part(s) are left: run the command again.", flush=True)
        return pd.concat(self.held, ignore_index=True) if self.held else pd.DataFrame()
