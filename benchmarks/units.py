"""Predictions of nets by model, seed and fold: a file each, and the table of all of them."""

import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from emoest.evaluation import uar_interval, uar_score


class Units:
    """Units of work that are done once.

    Parameters
    ----------
    folder : Path
        Where predictions are written, one csv a unit.
    minutes : float
        After which no further unit begins.
    share : tuple of int
        This process and how many there are: each does its seeds and folds.
    """

    def __init__(self, folder: Path, minutes: float, share: tuple[int, int]) -> None:
        self.folder, self.until, self.share = folder, time.time() + 60 * minutes, share
        folder.mkdir(parents=True, exist_ok=True)

    def missing(self, name: str) -> bool:
        """Check whether a unit has to be done here, and whether there is time."""
        _, seed, fold = name.rsplit("-", 2)
        number = int(seed) + (int(fold) if fold.isdigit() else 0)
        if number % self.share[1] != self.share[0]:
            return False
        return not (self.folder / f"{name}.csv").exists() and time.time() < self.until

    def weights(self, name: str, seed: int, fold: int) -> Path:
        """File of the weights of one pre-training."""
        return self.folder / f"{name.replace(' ', '_')}-{seed}-{fold}.safetensors"

    def write(self, name: str, truth: Any, predicted: Any, groups: Any, seconds: float) -> None:
        """Keep the predictions of a unit."""
        table = pd.DataFrame({"truth": truth, "predicted": predicted, "group": groups})
        table.assign(seconds=seconds).to_csv(self.folder / f"{name}.csv", index=False)
        print(f"{name}: UAR {100 * uar_score(truth, predicted):.1f}, {seconds:.0f} s", flush=True)

    def read(self) -> pd.DataFrame:
        """Read all predictions; the name of a unit is model, seed and fold."""
        parts = []
        for path in sorted(self.folder.glob("*.csv")):
            model, seed, fold = path.stem.rsplit("-", 2)
            table = pd.read_csv(path, dtype={"group": str})
            parts.append(table.assign(model=model, seed=int(seed), fold=fold))
        return pd.concat(parts, ignore_index=True)


def print_table(predictions: pd.DataFrame) -> None:
    """Print UAR by model: mean over seeds, their spread, and an interval over speakers."""
    print("| model | UAR | 95 % over groups | over seeds | seeds | folds | seconds a fit |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for model, rows in predictions.groupby("model", sort=False):
        by_seed = [100 * uar_score(g["truth"], g["predicted"]) for _, g in rows.groupby("seed")]
        low, high = _interval(rows)
        spread = f"{np.std(by_seed, ddof=1):.1f}" if len(by_seed) > 1 else "-"
        seconds = rows.groupby(["seed", "fold"])["seconds"].first().median()
        print(
            f"| {model} | {np.mean(by_seed):.1f} | {100 * low:.1f} to {100 * high:.1f} | {spread} "
            f"| {len(by_seed)} | {rows['fold'].nunique()} | {seconds:.0f} |"
        )


def _interval(rows: pd.DataFrame) -> tuple[float, float]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = uar_interval(rows["truth"], rows["predicted"], groups=rows["group"], random_state=0)
    return float(found[-2]), float(found[-1])
