"""GoEmotions: comments of a web forum, any of 27 emotions or none."""

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from emoest.datasets._reading.bunch import Target, check_target, make_bunch
from emoest.datasets._reading.csv_tables import missing_tables, read_label_table, unique_names
from emoest.datasets._reading.files import CorpusFolder
from emoest.datasets._reading.record import CorpusRecord, register
from emoest.tables.cells import object_column
from emoest.utils.constraints import LOADER, validate_arguments

EMOTIONS = (
    "admiration",
    "amusement",
    "anger",
    "annoyance",
    "approval",
    "caring",
    "confusion",
    "curiosity",
    "desire",
    "disappointment",
    "disapproval",
    "disgust",
    "embarrassment",
    "excitement",
    "fear",
    "gratitude",
    "grief",
    "joy",
    "love",
    "nervousness",
    "optimism",
    "pride",
    "realization",
    "relief",
    "remorse",
    "sadness",
    "surprise",
    "neutral",
)
TABLES = {"train": "train.tsv", "dev": "dev.tsv", "test": "test.tsv"}
LABEL_FILES = ("labels.txt", "emotions.txt")
N_EMOTIONS = {
    "train": (
        *(4130, 2328, 1567, 2470, 2939, 1087, 1368, 2191, 641, 1269, 2022, 793, 303, 853),
        *(596, 2662, 77, 1452, 2086, 164, 1581, 111, 1110, 153, 545, 1326, 1060, 14219),
    ),
    "dev": (
        *(488, 303, 195, 303, 397, 153, 152, 248, 77, 163, 292, 97, 35, 96),
        *(90, 358, 13, 172, 252, 21, 209, 15, 127, 18, 68, 143, 129, 1766),
    ),
}

_LONGEST_LINE = 1 << 16
_FIRST_LINE = re.compile(rb"[^\t]*\t[0-9]+(?:,[0-9]+)*\t[a-z0-9]+\r?\n?")
_CODES = {str(code): emotion for code, emotion in enumerate(EMOTIONS)}

GOEMOTIONS = register(
    CorpusRecord(
        name="goemotions",
        title="GoEmotions",
        labels={"emotions": EMOTIONS},
        codes={"emotions": _CODES},
        modalities=("text",),
        n_speakers=None,
        splits=tuple(TABLES),
        split_sizes={
            split: dict(zip(EMOTIONS, counts, strict=True)) for split, counts in N_EMOTIONS.items()
        },
        n_samples={"train": 43410, "dev": 5426, "test": 5427},
        license="Data CC BY 4.0; the repository of the authors Apache-2.0.",
        access="Free download.",
        homepage="https://github.com/google-research/google-research/tree/master/goemotions",
        citation=(
            "D. Demszky, D. Movshovitz-Attias, J. Ko, A. Cowen, G. Nemade and S. Ravi, GoEmotions: "
            "A Dataset of Fine-Grained Emotions, ACL 2020, arXiv:2005.00547."
        ),
        notes=(
            "Several emotions may hold together. The tables do not say who wrote a comment, so "
            "that no split can keep writers apart. A few comments come more than once."
        ),
        multilabel=("emotions",),
    )
)


@validate_arguments(LOADER)
def load_goemotions(
    folder: str | os.PathLike[str],
    *,
    target: Target = "emotions",
    strict: bool = False,
    return_X_y: bool = False,
) -> Any:
    r"""Load GoEmotions, the version that raters agree on.

    Parameters
    ----------
    folder : str or path object
        Where ``train.tsv``, ``dev.tsv`` and ``test.tsv`` lie (text, numbers of the labels, comment
        id; no header); sub-folders are searched, so that the root of a clone of the authors'
        repository will do. A list of labels next to them (``labels.txt`` or
        ``emotions.txt``) is compared with the known order.
    target : str or sequence of str, default="emotions"
        ``"emotions"``: a table of 0 and 1 with 28 columns, 27 emotions and neutral.
    strict : bool, default=False
        Whether a missing table or row is an error; otherwise one warning says what is missing.
    return_X_y : bool, default=False
        Whether to return (X, y) instead of a Bunch.

    Returns
    -------
    bunch : Bunch, or tuple (X, y)
        ``data`` (X) has the columns ``text`` and the context ``split``; nobody knows the writers,
        so there is no ``speaker``, and ``groups`` is None. ``target`` (y) is a DataFrame of 0 and
        1; further ``frame``, ``splits`` (row positions of ``train``, ``dev`` and ``test``),
        ``record``, ``missing`` and ``DESCR``. The index is the comment's id.

    Raises
    ------
    FileNotFoundError
        If the folder holds no table of GoEmotions, or lacks something and `strict`.
    ValueError
        If a table is damaged or holds an unknown label, or the list of labels is another.

    Warns
    -----
    IncompleteCorpusWarning
        If something is missing.

    References
    ----------
    D. Demszky et al., GoEmotions, ACL 2020, arXiv:2005.00547.

    Examples
    --------
    >>> import tempfile, warnings
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "dev.tsv").write_text("Thanks, I am so sorry!\t15,24\ted00q6i\n")
    >>> with warnings.catch_warnings(action="ignore"):
    ...     X, y = load_goemotions(folder, return_X_y=True)
    >>> X["text"].item(), y.columns[y.iloc[0] == 1].tolist()
    ('Thanks, I am so sorry!', ['gratitude', 'remorse'])
    """
    check_target(target, GOEMOTIONS)
    files = CorpusFolder(folder, "GoEmotions", strict)
    tables = files.find_tables(TABLES, _is_table)
    for path in {table.parent / name for table in tables.values() for name in LABEL_FILES}:
        if path.exists():
            _check_labels(path)
    parts = [_read(split, path, strict) for split, path in tables.items()]
    found = {split: len(part) for split, part in zip(tables, parts, strict=True)}
    frame = pd.concat(parts)
    frame.index = pd.Index(unique_names(list(frame.index)), name="comment")
    missing = missing_tables(TABLES, found, GOEMOTIONS.n_samples)
    return make_bunch(
        frame,
        GOEMOTIONS,
        target=target,
        splits=tables,
        missing=files.report_missing(missing),
        return_X_y=return_X_y,
    )


def _is_table(path: Path) -> bool:
    """Check the first line: a clone of the authors' repository has other tables of these names."""
    with open(path, "rb") as file:
        return _FIRST_LINE.match(file.readline(_LONGEST_LINE)) is not None


def _check_labels(path: Path) -> None:
    labels = tuple(path.read_text(encoding="utf-8").split())
    if labels != EMOTIONS:
        raise ValueError(
            f"{str(path)!r} lists other labels than GoEmotions has, or in another order: found "
            f"{', '.join(labels)}; expected {', '.join(EMOTIONS)}. The numbers in the tables would "
            "mean something else."
        )


def _read(split: str, path: Path, strict: bool) -> pd.DataFrame:
    columns = ("text", "codes", "comment")
    table = read_label_table(path, columns, sep="\t", header=False, strict=strict)
    labels = np.zeros((len(table), len(EMOTIONS)), dtype=np.int8)
    for row, codes in enumerate(table["codes"]):
        for code in codes.split(","):
            if code.strip() not in _CODES:
                raise ValueError(
                    f"{str(path)!r}: row {row} has the unknown label {code!r}; labels are numbers "
                    f"from 0 to {len(EMOTIONS) - 1}, separated by commas."
                )
            labels[row, int(code)] = 1
    frame = pd.DataFrame(labels, index=pd.Index(table["comment"]), columns=list(EMOTIONS))
    frame.insert(0, "text", object_column(list(table["text"]), frame.index))
    frame.insert(1, "split", split)
    return frame
