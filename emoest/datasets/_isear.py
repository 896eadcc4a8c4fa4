"""ISEAR: people of many countries tell of a situation for each of seven emotions."""

import os
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from emoest.datasets._bunch import Target, check_target, make_bunch
from emoest.datasets._label_tables import (
    find_tables,
    read_labels,
    read_table,
    table_gaps,
    unique_names,
)
from emoest.datasets._record import CorpusRecord, register
from emoest.datasets._rows import handle_unlabeled, report_gaps
from emoest.utils._sklearn import StrOptions, validate_params
from emoest.utils.cells import object_column

EMOTIONS = ("joy", "fear", "anger", "sadness", "disgust", "shame", "guilt")
TABLES = {"all": "isear_clean.tsv"}

_COLUMNS = ("id", "emotion", "situation")
_NO_RESPONSE = r"(?i)\W*no response\W*"

ISEAR = register(
    CorpusRecord(
        name="isear",
        title="ISEAR, International Survey on Emotion Antecedents and Reactions",
        labels={"emotion": EMOTIONS},
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


@validate_params(
    {
        "folder": [str, os.PathLike],
        "target": [str, list, tuple],
        "no_response": [StrOptions({"keep", "missing", "drop"})],
        "drop_unlabeled": ["boolean"],
        "strict": ["boolean"],
        "return_X_y": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
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

    Parameters
    ----------
    folder : str or path object
        Where ``isear_clean.tsv`` lies (columns ``id``, ``emotion`` and ``situation``, separated by
        tabs); sub-folders are searched.
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
    >>> from pathlib import Path
    >>> path = Path(tempfile.mkdtemp()) / "isear_clean.tsv"
    >>> _ = path.write_text("id\temotion\tsituation\n11001\tfear\tA storm at sea.\n")
    >>> with warnings.catch_warnings(action="ignore"):
    ...     X, y = load_isear(path.parent, return_X_y=True)
    >>> X["text"].item(), X["speaker"].item(), y.item()
    ('A storm at sea.', '11001', 'fear')
    """
    check_target(target, ISEAR)
    path = find_tables(folder, TABLES, corpus="ISEAR")["all"]
    table = read_table(path, _COLUMNS, sep="\t", strict=strict)
    gaps = table_gaps(TABLES, {"all": len(table)}, ISEAR.n_samples)
    table = read_labels(table, "emotion", EMOTIONS, path=path)
    silent = table["situation"].str.fullmatch(_NO_RESPONSE).to_numpy(dtype=bool)
    frame = _frame(table, silent if no_response == "missing" else np.zeros_like(silent))
    if no_response == "drop" and silent.any():
        frame = frame[~silent]
        warnings.warn(
            f"{str(path)!r}: {int(silent.sum())} rows without a response were dropped, as asked.",
            UserWarning,
            stacklevel=3,
        )
    frame, _ = handle_unlabeled(frame, ["emotion"], drop=drop_unlabeled, corpus="ISEAR")
    missing = report_gaps(gaps, corpus="ISEAR", folder=folder, strict=strict)
    return make_bunch(frame, ISEAR, target=target, missing=missing, return_X_y=return_X_y)


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
