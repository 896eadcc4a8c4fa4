"""FER2013: small gray faces from the web, as the original table or as folders of images."""

import os
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from emoest.datasets._reading.bunch import Target, check_target, make_bunch
from emoest.datasets._reading.csv_tables import missing_tables, unique_names
from emoest.datasets._reading.files import CorpusFolder, decode
from emoest.datasets._reading.record import CorpusRecord, count_partitions, register
from emoest.media.sources import IMAGE_SUFFIXES
from emoest.tables.cells import object_column
from emoest.utils.constraints import LOADER, validate_arguments

EMOTIONS = {
    "0": "angry",
    "1": "disgust",
    "2": "fear",
    "3": "happy",
    "4": "sad",
    "5": "surprise",
    "6": "neutral",
}
SPLITS = ("Training", "PublicTest", "PrivateTest")
TABLES = ("fer2013.csv", "icml_face_data.csv")
SIDE = 48

_COLUMNS = ("emotion", "pixels", "Usage")
_NAME = re.compile(r"(?P<split>Training|PublicTest|PrivateTest)_[0-9]+")
_FOLDERS = {label: label for label in EMOTIONS.values()}
# Rows that are read at a time: as text, pixels need five times the room.
_ROWS = 2000
_SIZES = {
    "Training": (3995, 436, 4097, 7215, 4830, 3171, 4965),
    "PublicTest": (467, 56, 496, 895, 653, 415, 607),
    "PrivateTest": (491, 55, 528, 879, 594, 416, 626),
}

FER2013 = register(
    CorpusRecord(
        name="fer2013",
        title="FER2013, the facial expression challenge of ICML 2013",
        labels={"emotion": tuple(EMOTIONS.values())},
        codes={"emotion": EMOTIONS},
        modalities=("face",),
        n_speakers=None,
        **count_partitions("emotion", tuple(EMOTIONS.values()), _SIZES),
        license=(
            "Database Contents License (DbCL) on mirrors of Kaggle; rights in the faces unclear."
        ),
        access="Download from Kaggle, with an account.",
        homepage=(
            "https://www.kaggle.com/c/"
            "challenges-in-representation-learning-facial-expression-recognition-challenge"
        ),
        citation=(
            "I. J. Goodfellow et al., Challenges in Representation Learning: A Report on Three "
            "Machine Learning Contests, ICONIP 2013."
        ),
        notes=(
            "Faces from the web, research use only. Nobody knows who is in which image, so that "
            "no split is known to keep persons apart. Disgust has 547 of 35,887 images."
        ),
    )
)


@validate_arguments(LOADER)
def load_fer2013(
    folder: str | os.PathLike[str],
    *,
    target: Target = "emotion",
    strict: bool = False,
    return_X_y: bool = False,
) -> Any:
    """Load FER2013, from the original table or from folders of images.

    Parameters
    ----------
    folder : str or path object
        Where ``fer2013.csv`` lies (or ``icml_face_data.csv``; columns ``emotion``, ``pixels``,
        ``Usage``), or else images in folders with the names of the emotions, such as
        ``test/angry/PublicTest_77777.jpg``; sub-folders are searched. Of images, the name tells
        the partition; they are not opened. Images of one name in the folders of two emotions are
        two images, the second of which is ``PublicTest_77777#2`` in the index.
    target : str or sequence of str, default="emotion"
        ``"emotion"`` (seven).
    strict : bool, default=False
        Whether missing rows or images are an error; otherwise one warning says what is missing.
    return_X_y : bool, default=False
        Whether to return (X, y) instead of a Bunch.

    Returns
    -------
    bunch : Bunch, or tuple (X, y)
        ``data`` (X) has the columns ``face`` (arrays of shape (48, 48), uint8, from the table;
        paths from folders) and the context ``split`` (``"Training"``, ``"PublicTest"``,
        ``"PrivateTest"``); nobody knows the persons, so there is no ``speaker``, and ``groups`` is
        None. ``target`` (y) is a Series; further ``frame``, ``splits`` (row positions),
        ``record``, ``missing`` and ``DESCR``. The index is the name of the image; those of the
        table are counted, ``fer0000000``, as FER+ names them.

    Raises
    ------
    FileNotFoundError
        If the folder holds neither, or lacks something and `strict`.
    ValueError
        If the table is damaged or holds an unknown label or partition; the message says in which
        row. If a image lies in a folder that is no emotion. If the target is unknown.

    Warns
    -----
    IncompleteCorpusWarning
        If something is missing.

    References
    ----------
    I. J. Goodfellow et al., Challenges in Representation Learning: A Report on Three Machine
    Learning Contests, ICONIP 2013.

    Examples
    --------
    >>> import tempfile, warnings
    >>> from emoest.datasets import make_fer2013_like
    >>> folder = make_fer2013_like(tempfile.mkdtemp(), scale=0.0001)
    >>> with warnings.catch_warnings(action="ignore"):
    ...     X, y = load_fer2013(folder, return_X_y=True)
    >>> X["face"].iloc[0].shape, y.iloc[0], X["split"].iloc[-1]
    ((48, 48), 'angry', 'PrivateTest')
    """
    check_target(target, FER2013)
    files = CorpusFolder(folder, "FER2013", strict)
    table = files.first(*TABLES)
    frame = _read_folders(files) if table is None else read_pixels(table)
    missing = missing_partitions(frame)
    return make_bunch(
        frame,
        FER2013,
        target=target,
        splits=[split for split in SPLITS if split in set(frame["split"])],
        missing=files.report_missing(missing),
        return_X_y=return_X_y,
    )


def missing_partitions(frame: pd.DataFrame) -> dict[str, list[str]]:
    """Name the partitions that are missing or have too few images.

    Examples
    --------
    >>> missing_partitions(pd.DataFrame({"split": []}))["tables"][0]
    'the partition Training'
    """
    names = {split: f"the partition {split}" for split in SPLITS}
    return missing_tables(names, frame["split"].value_counts().to_dict(), FER2013.n_samples)


def read_pixels(path: Path) -> pd.DataFrame:
    """Read the table, a part at a time: pixels as text need five times the room of pixels.

    Errors name the row, counted from 0 without the header.

    Examples
    --------
    >>> import tempfile
    >>> from emoest.datasets import make_fer2013_like
    >>> folder = make_fer2013_like(tempfile.mkdtemp(), scale=0.0001)
    >>> list(read_pixels(folder / "fer2013.csv").columns)
    ['face', 'split', 'emotion']
    """
    faces: list[npt.NDArray[np.uint8]] = []
    splits: list[str] = []
    emotions: list[str] = []
    try:
        with pd.read_csv(
            # icml_face_data.csv has a space after each comma.
            path,
            dtype=str,
            keep_default_na=False,
            skipinitialspace=True,
            chunksize=_ROWS,
        ) as parts:
            for part in parts:
                lacking = [column for column in _COLUMNS if column not in part.columns]
                if lacking:
                    raise ValueError(
                        f"{str(path)!r} has no column {lacking[0]!r}; it has "
                        f"{', '.join(part.columns)}."
                    )
                for row, emotion, pixels, split in zip(
                    part.index, *(part[column] for column in _COLUMNS), strict=True
                ):
                    faces.append(_face(pixels, path, row))
                    splits.append(_check_split(split, path, row))
                    emotions.append(_emotion(emotion, path, row))
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise ValueError(
            f"{str(path)!r} is no table ({error}). Copy the original file again."
        ) from error
    index = pd.Index([f"fer{row:07d}" for row in range(len(faces))], name="image")
    return pd.DataFrame(
        {"face": object_column(faces, index), "split": splits, "emotion": emotions}, index=index
    )


def _face(pixels: str, path: Path, row: int) -> npt.NDArray[np.uint8]:
    try:
        # Of text that is no number numpy only warns, and drops what follows it.
        with warnings.catch_warnings(action="error", category=DeprecationWarning):
            values = np.fromstring(pixels, dtype=np.int64, sep=" ")
    except (ValueError, DeprecationWarning) as error:
        raise ValueError(
            f"{str(path)!r}: the pixels of row {row} are no whole numbers ({error}). Copy the "
            "original file again."
        ) from error
    if len(values) != SIDE * SIDE or values.min() < 0 or values.max() > 255:
        raise ValueError(
            f"{str(path)!r}: row {row} has {len(values)} pixels, where {SIDE * SIDE} of 0 to 255 "
            "are expected. Copy the original file again."
        )
    return values.astype(np.uint8).reshape(SIDE, SIDE)


def _check_split(split: str, path: Path, row: int) -> str:
    if split not in SPLITS:
        raise ValueError(
            f"{str(path)!r}: row {row} has the unknown Usage {split!r}; known are "
            f"{', '.join(SPLITS)}."
        )
    return split


def _emotion(code: str, path: Path, row: int) -> str:
    if code not in EMOTIONS:
        known = ", ".join(f"{key} ({value})" for key, value in EMOTIONS.items())
        raise ValueError(
            f"{str(path)!r}: row {row} has the unknown emotion {code!r}; known are {known}."
        )
    return EMOTIONS[code]


def _read_folders(files: CorpusFolder) -> pd.DataFrame:
    example = "PublicTest_77777.jpg (or the table fer2013.csv)"
    # Of one name there are different images in the folders of two emotions.
    found = files.find_named(
        _NAME,
        example=example,
        suffixes=IMAGE_SUFFIXES,
        key=lambda path: (path.stem, path.parent.name),
    )
    images = sorted(found.values(), key=_place)
    index = pd.Index(unique_names([path.stem for path in images]), name="image")
    return pd.DataFrame(
        {
            "face": object_column([str(path) for path in images], index),
            "split": [path.stem.partition("_")[0] for path in images],
            "emotion": [
                decode(_FOLDERS, path.parent.name, field="folder", path=path) for path in images
            ],
        },
        index=index,
    )


def _place(path: Path) -> tuple[int, str, str]:
    return SPLITS.index(path.stem.partition("_")[0]), path.stem, path.parent.name
