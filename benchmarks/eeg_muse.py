"""Muse EEG, three mental states: mixed windows against new recordings and new subjects.

    python benchmarks/eeg_muse.py FOLDER

FOLDER holds eeg_muse.npz: recordings (n_samples, 4) in microvolt under keys such as
"subjecta-relaxed-1", their times in seconds under "subjecta-relaxed-1__t". Three subjects relaxed,
concentrated or did neither, twice each (J. Bird et al., "A study on mental state classification
using EEG-based brain-machine interface", IEEE Intelligent Systems, 2018, who report 87.2 % accuracy
for a random forest on mixed windows). The states are attention and relaxation, not emotions.

Each second gives 20 values, 4 channels in 5 bands, and a random forest tells the states apart. The
same windows and the same forest are scored with windows of all recordings mixed, with whole
recordings left out and with whole subjects left out.

Then the EEG branch of `make_tan2021`, by recording: its four families, windows of 2 s, each subject
predicted by a model of the other two (a linear SVM, calibrated on recordings left out of training).
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score
from sklearn.model_selection import LeaveOneGroupOut, StratifiedKFold, cross_val_predict

from emoest.evaluation import binomial_interval, uar_score
from emoest.features import BandPower, DifferentialEntropy
from emoest.systems import make_tan2021_eeg
from emoest.systems.tan2021 import FAMILIES
from emoest.tables.cells import object_column

RATE = 256.0
GAP_SECONDS = 1.0
SPLITS = ("windows", "recording", "subject")


def read_recordings(path: Path) -> pd.DataFrame:
    """Read a row a recording: its parts without gaps, its state, its subject."""
    archive = np.load(path)
    keys = [key for key in archive.files if not key.endswith("__t")]
    cells = []
    for key in keys:
        gaps = np.flatnonzero(np.diff(archive[f"{key}__t"]) > GAP_SECONDS) + 1
        cells.append([(part.T, RATE) for part in np.split(archive[key], gaps)])
    recordings = object_column(cells, pd.Index(keys, name="recording"), "eeg").to_frame()
    recordings["subject"] = [key.split("-")[0] for key in keys]
    recordings["state"] = [key.split("-")[1] for key in keys]
    return recordings


def windows_of(recordings: pd.DataFrame, features: BandPower | DifferentialEntropy) -> pd.DataFrame:
    """Make a row a window, on the index of its recording, subject and state."""
    frames = features.fit_transform(recordings[["eeg"]]).iloc[:, 0]
    index = recordings.set_index(["subject", "state"], append=True).index
    lengths = [len(cell) for cell in frames]
    return pd.DataFrame(np.concatenate(list(frames)), index=index.repeat(lengths))


def score(windows: pd.DataFrame, split: str, seed: int = 0, trees: int = 300) -> dict[str, float]:
    """Score a random forest by accuracy and UAR over all windows."""
    state = windows.index.get_level_values("state").to_numpy(str)
    if split == "windows":
        groups, cv = None, StratifiedKFold(10, shuffle=True, random_state=seed)
    else:
        groups, cv = windows.index.get_level_values(split).to_numpy(str), LeaveOneGroupOut()
    forest = RandomForestClassifier(trees, random_state=seed)
    predicted = cross_val_predict(forest, windows.to_numpy(), state, groups=groups, cv=cv)
    return {"accuracy": accuracy_score(state, predicted), "UAR": uar_score(state, predicted)}


def run(folder: str, seed: int = 0) -> pd.DataFrame:
    """Score three kinds of features, each split in three ways."""
    recordings = read_recordings(Path(folder) / "eeg_muse.npz")
    shared = {"window": 1.0, "chunks": "concat", "cache_dir": False}
    rows = []
    for features in (
        BandPower(**shared),
        DifferentialEntropy(**shared),
        DifferentialEntropy(method="fft", base=2, **shared),
    ):
        windows = windows_of(recordings, features)
        name = f"{type(features).__name__} ({getattr(features, 'method', 'log')})"
        for split in SPLITS:
            scores = score(windows, split, seed)
            rows.append({"features": name, "left out": split, "windows": len(windows), **scores})
    return pd.DataFrame(rows)


def run_system(folder: str, seed: int = 0) -> pd.DataFrame:
    """Score the EEG branch on subjects that were never trained on, a recording being a trial."""
    recordings = read_recordings(Path(folder) / "eeg_muse.npz")
    X = recordings[["eeg"]].assign(speaker=recordings["subject"])
    y, subjects = recordings["state"].to_numpy(str), recordings["subject"].to_numpy(str)
    rows = []
    for family in FAMILIES:
        model = make_tan2021_eeg(family, window=2.0, trial_cv=2, cache_dir=False, random_state=seed)
        predicted = cross_val_predict(model, X, y, groups=subjects, cv=LeaveOneGroupOut())
        right = int((predicted == y).sum())
        low, high = binomial_interval(right, len(y))
        found = {"right": right, "recordings": len(y), "accuracy": right / len(y)}
        rows.append({"family": family, **found, "low": low, "high": high})
    return pd.DataFrame(rows)


def main() -> None:
    """Print the tables."""
    for table in (run(*sys.argv[1:]), run_system(*sys.argv[1:])):
        print(table.round(3).to_string(index=False))


if __name__ == "__main__":
    main()
