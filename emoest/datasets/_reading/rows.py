"""What loaders of annotated corpora share: files of annotations, rows without a label."""

import re
from collections.abc import Collection, Iterator
from pathlib import Path

import pandas as pd

from emoest.datasets._reading.bunch import Target, target_columns
from emoest.utils.warn import warn_user


class UnlabeledRowsWarning(UserWarning):
    """Rows have no label of the target that was asked for."""


def read_lines(path: Path, *, encoding: str = "utf-8-sig") -> list[str]:
    r"""Read the lines of an annotation file, without line ends and byte order mark.

    A file that is encoded otherwise is an error that names file, line and bytes.

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


def match_labels(
    path: Path,
    pattern: re.Pattern[str],
    codes: Collection[str],
    *,
    start: str,
    corpus: str,
    form: str,
) -> Iterator[re.Match[str]]:
    r"""Match the lines of a label file that hold the label of a turn.

    Parameters
    ----------
    path : Path
        The file.
    pattern : compiled pattern
        What such a line looks like, with the groups ``turn`` and ``code``.
    codes : collection of str
        The codes that are known.
    start : str
        How such a line starts; others (single raters, comments) are passed over.
    corpus, form : str
        The corpus' title and what a line looks like, for messages.

    Yields
    ------
    match : match object

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.txt"
    >>> _ = path.write_text("% turn and code\n[u1 sad]\n")
    >>> pattern = re.compile(r"\[(?P<turn>\w+) (?P<code>\w+)\]")
    >>> options = {"start": "[", "corpus": "Mine", "form": "[turn code]"}
    >>> [match["turn"] for match in match_labels(path, pattern, ["sad"], **options)]
    ['u1']
    """
    for number, line in enumerate(read_lines(path), start=1):
        if not line.startswith(start):
            continue
        match = pattern.fullmatch(line)
        if match is None:
            raise ValueError(
                f"Line {number} of {str(path)!r} is not a label of {corpus}: {line!r}. Expected "
                f"{form!r}."
            )
        if match["code"] not in codes:
            raise ValueError(
                f"Line {number} of {str(path)!r}, turn {match['turn']}, has the unknown emotion "
                f"code {match['code']!r}; known are {', '.join(codes)}."
            )
        yield match


def handle_unlabeled(
    frame: pd.DataFrame, target: Target, *, drop: bool, corpus: str
) -> tuple[pd.DataFrame, int]:
    """Count the rows without a label, and drop them if that is wanted.

    A row that lacks one of several targets counts. If there are any, a warning says how many.

    Examples
    --------
    >>> frame = pd.DataFrame({"emotion": ["sad", None]})
    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     labeled, n = handle_unlabeled(frame, "emotion", drop=True, corpus="Mine")
    >>> print(len(labeled), n, caught[0].message)
    1 1 Mine: 1 of 2 rows had no label (emotion) and were dropped.
    """
    columns = target_columns(target)
    lacking = frame[columns].isna().any(axis=1)
    n_unlabeled = int(lacking.sum())
    if not n_unlabeled:
        return frame, 0
    what = f"{corpus}: {n_unlabeled} of {len(frame)} rows"
    names = ", ".join(columns)
    if drop:
        message = f"{what} had no label ({names}) and were dropped."
    else:
        message = (
            f"{what} have no label ({names}). Estimators raise on a missing label; pass "
            "drop_unlabeled=True to leave these rows out."
        )
    warn_user(message, UnlabeledRowsWarning)
    return (frame.loc[~lacking] if drop else frame), n_unlabeled
