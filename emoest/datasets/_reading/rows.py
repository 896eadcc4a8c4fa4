"""What loaders of annotated corpora share: text files, rows without a label, gaps in a copy."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from emoest.datasets._reading.files import say_incomplete
from emoest.utils.messages import listed
from emoest.utils.warn import warn_user


class UnlabeledRowsWarning(UserWarning):
    """Rows have no label of the target that was asked for."""


def read_lines(path: Path, *, encoding: str = "utf-8-sig") -> list[str]:
    r"""Read the lines of an annotation file.

    Parameters
    ----------
    path : Path
        The file.
    encoding : str, default="utf-8-sig"
        How it is encoded; a byte order mark is passed over.

    Returns
    -------
    lines : list of str
        Without line ends.

    Raises
    ------
    ValueError
        If the file is encoded otherwise; the message names file, line and bytes.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.txt"
    >>> _ = path.write_bytes(b"neu\r\nf\xfcr")
    >>> read_lines(path, encoding="latin-1")
    ['neu', 'für']
    """
    content = path.read_bytes()
    try:
        return content.decode(encoding).splitlines()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        around = content[max(0, error.start - 10) : error.start + 10]
        raise ValueError(
            f"Line {line} of {str(path)!r} is not {encoding.removesuffix('-sig')}: {around!r} "
            f"({error.reason}). Save the file as UTF-8, or pass its encoding where the loader "
            "takes one (files from Windows are often 'cp1252')."
        ) from error


def handle_unlabeled(
    frame: pd.DataFrame, columns: Sequence[str], *, drop: bool, corpus: str
) -> tuple[pd.DataFrame, int]:
    """Count the rows without a label, and drop them if that is wanted.

    Parameters
    ----------
    frame : DataFrame
        The corpus.
    columns : sequence of str
        The targets; a row that lacks one of them counts.
    drop : bool
        Whether such rows are left out.
    corpus : str
        The corpus' title, for the warning.

    Returns
    -------
    frame : DataFrame
        With or without these rows.
    n_unlabeled : int
        How many they are.

    Warns
    -----
    UnlabeledRowsWarning
        If there are any.

    Examples
    --------
    >>> frame = pd.DataFrame({"emotion": ["sad", None]})
    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     labeled, n = handle_unlabeled(frame, ["emotion"], drop=True, corpus="Mine")
    >>> print(len(labeled), n, caught[0].message)
    1 1 Mine: 1 of 2 rows had no label (emotion) and were dropped.
    """
    lacking = frame[list(columns)].isna().any(axis=1)
    n_unlabeled = int(lacking.sum())
    if not n_unlabeled:
        return frame, 0
    what = f"{corpus}: {n_unlabeled} of {len(frame)} rows"
    names = ", ".join(columns)
    if drop:
        message = f"{what} had no label ({names}) and were dropped."
    else:
        message = (
            f"{what} have no label ({names}). Estimators refuse a missing label; pass "
            "drop_unlabeled=True to leave these rows out."
        )
    warn_user(message, UnlabeledRowsWarning)
    return (frame.loc[~lacking] if drop else frame), n_unlabeled


def report_gaps(
    gaps: Mapping[str, Sequence[str]],
    *,
    corpus: str,
    folder: str | os.PathLike[str],
    strict: bool,
) -> list[str]:
    """Say once what a copy of a corpus lacks, kind by kind.

    Parameters
    ----------
    gaps : dict of str to sequence of str
        Names of what is missing by what it is, for example ``"sound files"``.
    corpus : str
        The corpus' title.
    folder : str or path object
        Where it is.
    strict : bool
        Whether to raise instead of warning.

    Returns
    -------
    missing : list of str
        All names.

    Raises
    ------
    FileNotFoundError
        If anything is missing and `strict`.

    Warns
    -----
    IncompleteCorpusWarning
        If anything is missing and not `strict`.

    Examples
    --------
    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     _ = report_gaps({"videos": ["a.avi"]}, corpus="Mine", folder="x", strict=False)
    >>> print(caught[0].message)
    Mine in 'x' is incomplete: missing are 1 videos (a.avi).
    """
    gaps = {kind: list(names) for kind, names in gaps.items() if len(names)}
    if not gaps:
        return []
    shown = "; ".join(f"{len(names)} {kind} ({listed(names)})" for kind, names in gaps.items())
    message = f"{corpus} in {str(folder)!r} is incomplete: missing are {shown}."
    say_incomplete(message, strict)
    return [name for names in gaps.values() for name in names]
