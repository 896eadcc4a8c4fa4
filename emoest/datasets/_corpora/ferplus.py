"""FER+: the images of FER2013 with the votes of ten people each."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from emoest.datasets._corpora.fer2013 import (
    FER2013,
    SPLITS,
    TABLES,
    missing_partitions,
    read_pixels,
)
from emoest.datasets._reading.bunch import Target, check_target, make_bunch
from emoest.datasets._reading.files import CorpusFolder
from emoest.datasets._reading.record import CorpusRecord, register
from emoest.datasets._reading.rows import handle_unlabeled
from emoest.utils.constraints import DROP_UNLABELED, LOADER, validate_arguments

EMOTIONS = (
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
)
NO_EMOTION = ("unknown", "NF")
TABLE = "fer2013new.csv"

FERPLUS = register(
    CorpusRecord(
        name="ferplus",
        title="FER+, FER2013 with the votes of ten people per image",
        labels={"emotion": EMOTIONS},
        modalities=("face",),
        n_speakers=None,
        splits=SPLITS,
        license="Votes MIT; the images as FER2013.",
        access="Votes: free download. Images: fer2013.csv from Kaggle, with an account.",
        homepage="https://github.com/microsoft/FERPlus",
        citation=(
            "E. Barsoum, C. Zhang, C. Canton Ferrer and Z. Zhang, Training Deep Networks for "
            "Facial Expression Recognition with Crowd-Sourced Label Distribution, ICMI 2016, "
            "arXiv:1608.01041."
        ),
        notes=(
            "Votes are joined to images by the order of rows in the original table, so that "
            "copies of FER2013 as folders cannot be used. Images whose votes tie, or fall on "
            "unknown or no face, have no label."
        ),
        n_samples=FER2013.n_samples,
    )
)


@validate_arguments(LOADER, DROP_UNLABELED)
def load_ferplus(
    folder: str | os.PathLike[str],
    *,
    target: Target = "emotion",
    drop_unlabeled: bool = False,
    strict: bool = False,
    return_X_y: bool = False,
) -> Any:
    r"""Load FER+: the table of FER2013 and the table of votes next to it.

    Parameters
    ----------
    folder : str or path object
        Where ``fer2013.csv`` and ``fer2013new.csv`` lie; sub-folders are searched. Both must have
        the original rows in the original order.
    target : str or sequence of str, default="emotion"
        ``"emotion"`` (eight): the one with the most of the votes. Where several have most, or
        ``unknown`` or ``NF`` (no face) has, there is no label.
    drop_unlabeled : bool, default=False
        Whether rows without a label are left out; otherwise their label is NaN.
    strict : bool, default=False
        Whether missing rows are an error; otherwise one warning says what is missing.
    return_X_y : bool, default=False
        Whether to return (X, y) instead of a Bunch.

    Returns
    -------
    bunch : Bunch, or tuple (X, y)
        As that of `load_fer2013`; ``frame`` has the votes as well, one column each
        (``votes_neutral``).

    Raises
    ------
    FileNotFoundError
        If one of the tables is not there, or rows are missing and `strict`.
    ValueError
        If a table is damaged, or if the two do not have the same rows.

    Warns
    -----
    UnlabeledRowsWarning
        If rows have no label; it counts them.
    IncompleteCorpusWarning
        If something is missing.

    Notes
    -----
    The authors' own code also drops single votes and may keep several emotions per image; the
    rule here is plain majority.

    References
    ----------
    E. Barsoum et al., ICMI 2016, arXiv:1608.01041.

    Examples
    --------
    >>> import tempfile, warnings
    >>> from emoest.datasets import make_fer2013_like
    >>> folder = make_fer2013_like(tempfile.mkdtemp(), scale=0.0001)
    >>> usages = [line.rpartition(",")[2] for line in open(folder / "fer2013.csv")][1:]
    >>> rows = [f"{usage.strip()},9,0,0,1,0,0,0,0,0,0" for usage in usages]
    >>> header = ",".join(["Usage", *EMOTIONS, *NO_EMOTION])
    >>> _ = (folder / "fer2013new.csv").write_text("\n".join([header, *rows]))
    >>> with warnings.catch_warnings(action="ignore"):
    ...     X, y = load_ferplus(folder, return_X_y=True)
    >>> y.iloc[0]
    'neutral'
    """
    check_target(target, FERPLUS)
    files = CorpusFolder(folder, "FER+", strict)
    path = files.find_tables({"votes": TABLE})["votes"]
    pixels = files.first(*TABLES)
    if pixels is None:
        raise FileNotFoundError(
            f"{str(folder)!r} has the votes of FER+, but no fer2013.csv with the images. Put it "
            "there; folders of images cannot be joined to the votes."
        )
    frame = read_pixels(pixels).drop(columns="emotion")
    votes = _read_votes(path, frame["split"])
    frame["emotion"] = _majority(votes.to_numpy())
    frame = frame.join(votes.set_axis(frame.index).add_prefix("votes_"))
    missing = missing_partitions(frame)
    found = set(frame["split"])
    frame, _ = handle_unlabeled(frame, "emotion", drop=drop_unlabeled, corpus="FER+")
    return make_bunch(
        frame,
        FERPLUS,
        target=target,
        splits=[split for split in SPLITS if split in found],
        missing=files.report_missing(missing),
        return_X_y=return_X_y,
    )


def _read_votes(path: Path, splits: pd.Series) -> pd.DataFrame:
    """Read the votes, and check that they are of these images."""
    columns = [*EMOTIONS, *NO_EMOTION]
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, skipinitialspace=True)
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise ValueError(f"{str(path)!r} is no table ({error}). Copy it again.") from error
    table = table.rename(columns={"usage": "Usage"})
    lacking = [column for column in ("Usage", *columns) if column not in table.columns]
    if lacking:
        raise ValueError(
            f"{str(path)!r} has no column {lacking[0]!r}; it has {', '.join(table.columns)}."
        )
    if len(table) != len(splits):
        raise ValueError(
            f"{str(path)!r} has {len(table)} rows, fer2013.csv has {len(splits)}. They are joined "
            "by the order of rows: take both as they were published."
        )
    other = np.flatnonzero(table["Usage"].to_numpy() != splits.to_numpy())
    if len(other):
        raise ValueError(
            f"{str(path)!r}: row {other[0]} is of {table['Usage'].iloc[other[0]]!r}, in "
            f"fer2013.csv of {splits.iloc[other[0]]!r}. Take both tables in their original order."
        )
    counts = table[columns]
    wrong = ~counts.apply(lambda column: column.str.fullmatch("[0-9]+")).to_numpy()
    if wrong.any():
        row, place = np.argwhere(wrong)[0]
        raise ValueError(
            f"{str(path)!r}: row {row} has {counts.iloc[row, place]!r} votes for {columns[place]}, "
            "which is no number. Copy it again."
        )
    return counts.astype(int)


def _majority(votes: npt.NDArray[np.int64]) -> list[str | None]:
    """The emotion with the most votes; None where several have, or where it is no emotion."""
    most = votes.max(axis=1, keepdims=True)
    alone = (votes == most).sum(axis=1) == 1
    places = votes.argmax(axis=1)
    return [
        EMOTIONS[place] if is_alone and place < len(EMOTIONS) else None
        for place, is_alone in zip(places, alone, strict=True)
    ]
