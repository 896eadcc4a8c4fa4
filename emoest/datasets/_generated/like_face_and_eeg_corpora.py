"""Folders with the layout of FER2013 and SEED-IV, for tests and examples.

The images and signals are noise and follow no label: these folders show that a loader reads a
layout, and nothing else.
"""

import csv
import os
from numbers import Integral, Real
from pathlib import Path

import numpy as np

from emoest.datasets._corpora.fer2013 import EMOTIONS, FER2013, SIDE
from emoest.datasets._corpora.seed4 import (
    FEATURES,
    N_BANDS,
    N_SUBJECTS,
    N_TRIALS,
    SAMPLING_RATE,
    SESSIONS,
)
from emoest.media.eeg import SEED_CHANNELS
from emoest.utils._sklearn import Interval, StrOptions
from emoest.utils.constraints import FOLDER, validate_arguments

WINDOW_SECONDS = 4


@validate_arguments(
    FOLDER, layout=[StrOptions({"csv", "folders"})], scale=[Interval(Real, 0, 1, closed="right")]
)
def make_fer2013_like(
    folder: str | os.PathLike[str], *, layout: str = "csv", scale: float = 1.0
) -> Path:
    """Write the table of FER2013, or its folders, with its counts and with images of one gray.

    Parameters
    ----------
    folder : str or path object
        Where to write.
    layout : {"csv", "folders"}, default="csv"
        ``"csv"``: ``fer2013.csv``; ``"folders"``: empty files such as
        ``test/angry/PublicTest_1.jpg``.
    scale : float, default=1.0
        Fraction of the counts; of each partition and emotion at least one image is left.

    Returns
    -------
    folder : Path
        To be given to `load_fer2013`.

    Examples
    --------
    >>> import tempfile
    >>> folder = make_fer2013_like(tempfile.mkdtemp(), scale=0.0001)
    >>> len((folder / "fer2013.csv").read_text().splitlines())
    22
    """
    root = Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    codes = {label: code for code, label in EMOTIONS.items()}
    rows = [
        (split, label)
        for split, sizes in FER2013.split_sizes.items()
        for label, size in sizes.items()
        for _ in range(max(1, round(size * scale)))
    ]
    if layout == "csv":
        with open(root / "fer2013.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("emotion", "pixels", "Usage"))
            for number, (split, label) in enumerate(rows):
                writer.writerow((codes[label], " ".join([str(number % 256)] * SIDE**2), split))
        return root
    folders = {
        (split, label): root / ("train" if split == "Training" else "test") / label
        for split, label in rows
    }
    for path in folders.values():
        path.mkdir(parents=True, exist_ok=True)
    for number, row in enumerate(rows):
        (folders[row] / f"{row[0]}_{number}.jpg").touch()
    return root


@validate_arguments(
    FOLDER,
    n_subjects=[Interval(Integral, 1, N_SUBJECTS, closed="both")],
    seconds=[Interval(Integral, WINDOW_SECONDS, None, closed="left")],
)
def make_seed4_like(
    folder: str | os.PathLike[str], *, n_subjects: int = N_SUBJECTS, seconds: int = 4
) -> Path:
    """Write a folder with the layout of SEED-IV: raw files and files of features.

    Parameters
    ----------
    folder : str or path object
        Where to write.
    n_subjects : int, default=15
        Number of persons, at most 15.
    seconds : int, default=4
        Duration of the first trial of a session; each further trial is one sample longer, so that
        trials can be told apart. Full trials last minutes.

    Returns
    -------
    folder : Path
        To be given to `load_seed4`.

    Notes
    -----
    The value of each feature is ``trial + channel / 100 + band / 1000`` in all windows, plus 100
    for each of the families after the first.

    Examples
    --------
    >>> import tempfile
    >>> folder = make_seed4_like(tempfile.mkdtemp(), n_subjects=1)
    >>> sorted(path.name for path in folder.iterdir())
    ['eeg_feature_smooth', 'eeg_raw_data']
    """
    from scipy.io import savemat

    root = Path(folder)
    n_channels = len(SEED_CHANNELS)
    noise = np.random.default_rng(0).integers(
        -50, 50, size=(n_channels, seconds * SAMPLING_RATE + N_TRIALS), dtype=np.int16
    )
    grid = np.arange(n_channels)[:, None, None] / 100 + np.arange(N_BANDS) / 1000
    features = {
        f"{name}{trial}": np.repeat(grid + trial + 100 * place, seconds // WINDOW_SECONDS, axis=1)
        for trial in range(1, N_TRIALS + 1)
        for place, name in enumerate(FEATURES)
    }
    for session in SESSIONS:
        for subject in range(1, n_subjects + 1):
            name = f"{subject}_2016{session:02d}{subject:02d}.mat"
            raw = {
                f"p{subject}_eeg{trial}": noise[:, : seconds * SAMPLING_RATE + trial - 1]
                for trial in range(1, N_TRIALS + 1)
            }
            for kind, content in (("eeg_raw_data", raw), ("eeg_feature_smooth", features)):
                path = root / kind / str(session) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                savemat(path, content)
    return root
