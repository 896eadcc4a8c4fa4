"""ISEAR: people of many countries tell of a situation for each of seven emotions."""

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from emoest.datasets._reading.bunch import Target, check_target, make_bunch
from emoest.datasets._reading.csv_tables import (
    missing_tables,
    read_label_table,
    read_labels,
    read_text,
    unique_names,
)
from emoest.datasets._reading.files import CorpusFolder
from emoest.datasets._reading.record import CorpusRecord, register
from emoest.datasets._reading.rows import handle_unlabeled
from emoest.tables.cells import object_column
from emoest.utils._sklearn import StrOptions
from emoest.utils.constraints import DROP_UNLABELED, LOADER, validate_arguments
from emoest.utils.warn import warn_user

EMOTIONS = ("joy", "fear", "anger", "sadness", "disgust", "shame", "guilt")
TABLES = {"extract": "isear.csv", "clean": "isear_clean.tsv"}
"""The public forms: the extract of the authors' database, and one cleaned by others."""

_COLUMNS = ("id", "emotion", "situation")
_FIELDS = ("ID", "EMOT", "SIT")
_CODES = {str(code): emotion for code, emotion in enumerate(EMOTIONS, start=1)}
_NO_RESPONSE = r"(?i)\W*no response\W*"
_LINE_BREAK = re.compile(r"\s*[á\xa0|]\s*")

ISEAR = register(
    CorpusRecord(
        name="isear",
        title="ISEAR, International Survey on Emotion Antecedents and Reactions",
        labels={"emotion": EMOTIONS},
        codes={"emotion": _CODES},
        modalities=("text",),
        n_speakers=1096,
        sizes={
            "emotion": {
                "joy": 1094,
                "fear": 1095,
                "anger": 1096,
                "sadness": 1096,
                "disgust": 1096,
                "shame": 1096,
                "guilt": 1093,
            }
        },
        n_samples={"all": 7666},
        license="CC BY-NC-SA 3.0 (recalled, not verified).",
        access="Free download.",
        homepage="http://emotion-research.net/toolbox/toolboxdatabase.2006-10-13.2581092615",
        citation=(
            "K. R. Scherer and H. G. Wallbott, Evidence for Universality and Cultural Variation of "
            "Differential Emotion Response Patterning, Journal of Personality and Social "
            "Psychology 66, 310-328, 1994."
        ),
        notes=(
            "Everybody tells of all seven emotions, so that a random split has the same writer on "
            "both sides. 87 situations say only that there is no response. 164 situations repeat "
            "the words of another row. There are no official partitions."
        ),
    )
)


@validate_arguments(LOADER, DROP_UNLABELED, no_response=[StrOptions({"keep", "missing", "drop"})])
def load_isear(
    folder: str | os.PathLike[str],
    *,
    target: Target = "emotion",
    no_response: str = "keep",
    drop_unlabeled: bool = False,
    strict: bool = False,
    return_X_y: bool = False,
) -> Any:
    r"""Load ISEAR from its table of situations.

    Either of the two public forms will do, and both give the same. In both, lines of the original
    were broken and quotation marks were mangled; they are repaired (see `repair_situation`).

    Parameters
    ----------
    folder : str or path object
        Where ``isear.csv`` lies (the extract of the authors' database that `fetch_isear` downloads:
        43 columns, separated by bars) or ``isear_clean.tsv`` (columns ``id``, ``emotion`` and
        ``situation``, separated by tabs); sub-folders are searched. If both are there, the first is
        read. Copies with two columns, label and text, do not say who wrote and raise an error.
    target : str or sequence of str, default="emotion"
        ``"emotion"`` (seven).
    no_response : {"keep", "missing", "drop"}, default="keep"
        What to do with situations such as ``"[ No response.]"``: keep the words, make the text
        missing (None), or drop the row.
    drop_unlabeled : bool, default=False
        Whether rows without a label are left out; otherwise their label is NaN.
    strict : bool, default=False
        Whether missing rows are an error; otherwise one warning counts them.
    return_X_y : bool, default=False
        Whether to return (X, y) instead of a Bunch.

    Returns
    -------
    bunch : Bunch, or tuple (X, y)
        ``data`` (X) has the columns ``text`` and ``speaker`` (the number of the person who wrote
        it), which is also the index level ``group``; ``target`` (y) is a Series; further ``frame``,
        ``groups``, ``splits`` (empty), ``record``, ``missing`` and ``DESCR``.

    Raises
    ------
    FileNotFoundError
        If the folder does not hold the table, or rows are missing and `strict`.
    ValueError
        If the table is damaged or holds an unknown label, or the target is unknown.

    Warns
    -----
    UnlabeledRowsWarning
        If rows have no label; it counts them.
    IncompleteCorpusWarning
        If rows are missing.
    UserWarning
        If rows were dropped, as asked; it counts them.

    References
    ----------
    K. R. Scherer and H. G. Wallbott, Journal of Personality and Social Psychology 66, 1994.

    Examples
    --------
    >>> import tempfile, warnings
    >>> path = Path(tempfile.mkdtemp()) / "isear_clean.tsv"
    >>> _ = path.write_text("id\temotion\tsituation\n11001\tfear\tA storm at sea.\n")
    >>> with warnings.catch_warnings(action="ignore"):
    ...     X, y = load_isear(path.parent, return_X_y=True)
    >>> X["text"].item(), X["speaker"].item(), y.item()
    ('A storm at sea.', '11001', 'fear')
    """
    check_target(target, ISEAR)
    files = CorpusFolder(folder, "ISEAR", strict)
    form, path = next(iter(files.find_tables(TABLES).items()))
    table = _READERS[form](path, strict)
    table["situation"] = [repair_situation(text) for text in table["situation"]]
    missing = missing_tables({"all": TABLES[form]}, {"all": len(table)}, ISEAR.n_samples)
    silent = table["situation"].str.fullmatch(_NO_RESPONSE).to_numpy(dtype=bool)
    frame = _frame(table, silent if no_response == "missing" else np.zeros_like(silent))
    if no_response == "drop" and silent.any():
        frame = frame[~silent]
        warn_user(
            f"{str(path)!r}: {int(silent.sum())} rows without a response were dropped, as asked."
        )
    frame, _ = handle_unlabeled(frame, "emotion", drop=drop_unlabeled, corpus="ISEAR")
    names = files.report_missing(missing)
    return make_bunch(frame, ISEAR, target=target, missing=names, return_X_y=return_X_y)


def _frame(table: pd.DataFrame, absent: npt.NDArray[np.bool_]) -> pd.DataFrame:
    names = [
        f"{speaker}_{emotion}"
        for speaker, emotion in zip(table["id"], table["emotion"], strict=True)
    ]
    texts = [None if gone else text for text, gone in zip(table["situation"], absent, strict=True)]
    index = pd.Index(unique_names(names), name="situation")
    return pd.DataFrame(
        {
            "text": object_column(texts, index),
            "speaker": table["id"].to_numpy(),
            "emotion": table["emotion"].to_numpy(),
        },
        index=index,
    )


def repair_situation(text: str) -> str:
    r"""Repair what the public forms of ISEAR did to line breaks and quotation marks.

    A line break of the original is a lone ``\xe1`` or a bar; a quotation mark is a backslash, or a
    backslash and a mark; such texts end with one mark too many. Runs of spaces become one.

    Examples
    --------
    >>> repair_situation('They needed \\clever people\\" and \xe1|I came. "')
    'They needed "clever people" and I came.'
    """
    text = " ".join(_LINE_BREAK.sub(" ", text).split())
    if "\\" not in text:
        return text
    text = text.replace('\\"', '"').replace("\\", '"')
    return text.removesuffix('"').rstrip()


def _read_clean(path: Path, strict: bool) -> pd.DataFrame:
    table = read_label_table(path, _COLUMNS, sep="\t", quotes=True, strict=strict)
    return read_labels(table, "emotion", EMOTIONS, path=path)


def _read_extract(path: Path, strict: bool) -> pd.DataFrame:
    """Read the table with bars, whose situations may hold bars as well."""
    head, *lines = read_text(path, strict=strict).replace("\r\n", "\n").split("\n")
    fields = head.split("|")
    if not set(_FIELDS) <= set(fields):
        raise ValueError(
            f"{str(path)!r} is not the extract of ISEAR: its first line should name the columns "
            f"{', '.join(_FIELDS)} between bars. A copy with two columns, label and text, does not "
            "say who wrote, so that nobody can keep writers apart; load_table reads it."
        )
    before = fields.index("SIT")
    after = len(fields) - before - 1
    rows = []
    for number, line in enumerate(lines, start=2):
        if not line:
            continue
        # Only the situation may hold bars, so columns before it are counted from the left, and
        # those after it from the right.
        cells = line.split("|", before)
        situation = cells[-1].rsplit("|", after)
        if len(cells) <= before or len(situation) <= after:
            raise ValueError(
                f"Line {number} of {str(path)!r} breaks off: it has {line.count('|') + 1} cells, "
                f"and there are {len(fields)} columns. Copy the file again."
            )
        cells[before] = situation[0]
        rows.append([cells[fields.index(field)] for field in _FIELDS])
    table = pd.DataFrame(rows, columns=list(_COLUMNS), dtype=str)
    return read_labels(table, "emotion", _CODES, path=path)


_READERS = {"extract": _read_extract, "clean": _read_clean}
