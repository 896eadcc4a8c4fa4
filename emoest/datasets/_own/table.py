"""load_table: a user's own corpus, one row a sample, as a csv file or a DataFrame."""

import csv
import os
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from emoest.datasets._own.bunch import own_bunch
from emoest.datasets._reading.bunch import Target, target_columns
from emoest.datasets._reading.files import CorpusFolder
from emoest.datasets._reading.paths import join_paths, missing_files
from emoest.datasets._reading.rows import handle_unlabeled
from emoest.tables.cells import is_missing, object_column
from emoest.tables.names import is_context
from emoest.utils.constraints import DROP_UNLABELED, RETURN_X_Y, STRICT, TARGET, validate_arguments
from emoest.utils.messages import listed

MEDIA = ("audio", "text", "face", "eeg")


@validate_arguments(
    TARGET,
    DROP_UNLABELED,
    STRICT,
    RETURN_X_Y,
    table=[str, os.PathLike, pd.DataFrame],
    media=[list, tuple],
    columns=[dict, None],
    labels=[dict, None],
    media_folder=[str, os.PathLike, None],
    index=[str, None],
    encoding=[str],
)
def load_table(
    table: str | os.PathLike[str] | pd.DataFrame,
    *,
    target: Target = "emotion",
    media: Sequence[str] = MEDIA,
    columns: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    media_folder: str | os.PathLike[str] | None = None,
    index: str | None = None,
    encoding: str = "utf-8-sig",
    drop_unlabeled: bool = False,
    strict: bool = False,
    return_X_y: bool = False,
) -> Any:
    """Load your own corpus from a table: paths, texts, speakers and labels.

    A column named ``audio``, ``face`` or ``eeg`` holds paths, one named ``text`` what was said;
    ``speaker``, ``session``, ``dialogue``, ``split`` and ``group`` are context; the rest is kept in
    ``frame`` and goes into no model. A table of audformat, exported as csv, is understood as it is:
    ``file`` is the audio file, and ``start`` and ``end`` cut a part out of it.

    Parameters
    ----------
    table : str, path object or DataFrame
        A csv file (comma, semicolon or tabulator; the head line tells), or a table in memory.
    target : str or sequence of str, default="emotion"
        The column of labels. Several give y as a DataFrame. A column of numbers with more than 100
        values, or with fractions, is a score.
    media : sequence of str, default=("audio", "text", "face", "eeg")
        The columns that are media, as far as they are there. Any column of yours whose values are
        paths can be named; one named ``text`` holds texts.
    columns : dict of str to str, default=None
        New names of columns by their names in the table: ``{"wav_path": "audio"}``.
    labels : dict of str to str, default=None
        Names of the labels by their codes in the table, of every target that is no number. A code
        that is not there is an error that names the row.
    media_folder : str or path object, default=None
        Where relative paths start; None is the folder of the csv file, or the working folder.
    index : str, default=None
        A column that names the samples, without repetition; None counts rows from 0, or keeps the
        index of a table in memory.
    encoding : str, default="utf-8-sig"
        How the csv file is encoded.
    drop_unlabeled : bool, default=False
        Whether rows without a label are left out; a warning counts them either way.
    strict : bool, default=False
        Whether a missing file is an error; otherwise one warning names the first of them, and
        `emoest.datasets.check_corpus` gives all. Files are looked for, not opened.
    return_X_y : bool, default=False
        Whether to return (X, y) instead of a Bunch.

    Returns
    -------
    bunch : Bunch, or tuple (X, y)
        ``data`` (X) has the media and context columns; the speaker, if there is one, is also the
        index level ``group``; ``target`` (y) is a Series or DataFrame; further ``frame``,
        ``groups``, ``splits`` (row positions by value of ``split``), ``record``, ``missing``
        (missing files), ``n_unlabeled`` and ``DESCR``.

    Raises
    ------
    FileNotFoundError
        If the table is not there, or a file is missing and `strict`.
    ValueError
        If a column is missing or named twice, a row has no speaker where others have, a part
        ends before it starts, a label is unknown, or the file is encoded otherwise.

    Warns
    -----
    IncompleteCorpusWarning
        If files are missing.
    UnlabeledRowsWarning
        If rows have no label.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {"text": ["Oh no!", "Fine."], "speaker": ["a", "b"], "emotion": ["fear", "neutral"]}
    ... )
    >>> X, y = load_table(table, return_X_y=True)
    >>> X.columns.tolist(), y.tolist(), X.index.names
    (['text', 'speaker'], ['fear', 'neutral'], FrozenList(['row', 'group']))
    """
    frame, name, root = _read(table, encoding)
    frame = _rename(frame, columns)
    names = target_columns(target)
    _check_columns(frame, names, media, name)
    if media_folder is not None:
        root = os.fspath(media_folder)
    frame, first_line = _set_index(frame, index), 2 if isinstance(table, str | os.PathLike) else 0
    missing = _media_cells(frame, media, root, name, strict)
    for column in names:
        frame[column] = _labels(frame[column], labels, first_line)
    _check_speakers(frame, first_line)
    frame, n_unlabeled = handle_unlabeled(frame, names, drop=drop_unlabeled, corpus=name)
    used = tuple(column for column in media if column in frame.columns)
    return own_bunch(
        frame,
        name,
        used,
        target=target,
        missing=missing,
        n_unlabeled=n_unlabeled,
        return_X_y=return_X_y,
    )


def _read(
    table: str | os.PathLike[str] | pd.DataFrame, encoding: str
) -> tuple[pd.DataFrame, str, str]:
    """Read the table, its name and the folder where its paths start."""
    if isinstance(table, pd.DataFrame):
        return table.copy(), "table", str(Path.cwd())
    path = Path(table).expanduser()
    if not path.is_file():
        raise FileNotFoundError(
            f"The table {str(path)!r} is not there{' (it is a folder)' if path.is_dir() else ''}; "
            "for a folder of clips without a table there is load_folder (working folder: "
            f"{str(Path.cwd())!r})."
        )
    try:
        with open(path, encoding=encoding) as file:
            head = file.readline()
        # Column names hold no separators, while texts in the rows below do.
        separator = max(",;\t", key=head.count)
        frame = pd.read_csv(
            path,
            sep=separator,
            encoding=encoding,
            dtype=str,
            # A text such as NA or None is a text; only an empty cell is missing.
            keep_default_na=False,
            na_values=[""],
            quoting=csv.QUOTE_MINIMAL,
        )
    except UnicodeError as error:
        raise ValueError(_not_decoded(path, encoding, error)) from error
    except pd.errors.EmptyDataError as error:
        raise ValueError(f"The table {str(path)!r} is empty.") from error
    except pd.errors.ParserError as error:
        raise ValueError(
            f"The table {str(path)!r} cannot be read: {str(error).strip()}. Put texts that hold a "
            f"{separator!r} into quotes."
        ) from error
    # pandas takes surplus cells for an index, and would silently shift all columns.
    if not isinstance(frame.index, pd.RangeIndex):
        raise ValueError(
            f"The table {str(path)!r} cannot be read: its rows have more cells than its head line "
            f"has names ({_shown(frame.columns)}). Put texts that hold a {separator!r} into quotes."
        )
    return frame, path.stem, str(path.parent)


def _not_decoded(path: Path, encoding: str, error: UnicodeError) -> str:
    """Return the message where a table is encoded otherwise, and how it may be."""
    content = path.read_bytes()
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return f"{str(path)!r} is encoded as UTF-16. Pass encoding='utf-16', or save it as UTF-8."
    # Spreadsheets are zip archives, which start so.
    if content.startswith(b"PK"):
        return (
            f"{str(path)!r} is a spreadsheet or an archive, no csv file. Export the table as csv."
        )
    lines = enumerate(content.split(b"\n"), 1)
    line = next((number for number, raw in lines if not _decodes(raw, encoding)), 0)
    return (
        f"Line {line} of {str(path)!r} is not {encoding.removesuffix('-sig')} "
        f"({getattr(error, 'reason', error)}). Pass encoding='cp1252' (Windows) or save the table "
        "as UTF-8."
    )


def _decodes(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except UnicodeError:
        return False
    return True


def _rename(frame: pd.DataFrame, columns: Mapping[str, str] | None) -> pd.DataFrame:
    """Rename as told; convert an audformat index and its ``file``, ``start``, ``end`` to audio."""
    # audformat keeps file, start and end in the index.
    if isinstance(frame.index, pd.MultiIndex) or frame.index.name == "file":
        frame = frame.reset_index()
    unknown = [name for name in columns or {} if name not in frame.columns]
    if unknown:
        raise ValueError(
            f"columns= names {', '.join(unknown)}, but the table has {_shown(frame.columns)}."
        )
    frame = frame.rename(columns=dict(columns or {}))
    if "audio" not in frame.columns and "file" in frame.columns:
        frame = frame.rename(columns={"file": "audio"})
        if "start" in frame.columns:
            frame["audio"] = _with_parts(frame)
    repeated = frame.columns[frame.columns.duplicated()]
    if len(repeated):
        raise ValueError(f"The table has more than one column {repeated[0]!r}.")
    return frame


def _with_parts(frame: pd.DataFrame) -> list[str | None]:
    """Append the parts that audformat's ``start`` and ``end`` mean to the paths."""
    start = _seconds(frame["start"]).fillna(0.0)
    end = _seconds(frame["end"]) if "end" in frame.columns else start * np.nan
    wrong = np.flatnonzero(end <= start)
    if len(wrong):
        raise ValueError(
            f"Row {wrong[0]}: the part of {frame['audio'].iloc[wrong[0]]!r} ends "
            f"({end.iloc[wrong[0]]:g} s) before it starts ({start.iloc[wrong[0]]:g} s)."
        )
    cells = zip(frame["audio"], start.tolist(), end.tolist(), strict=True)
    return [_part(path, first, last) for path, first, last in cells]


def _part(path: Any, start: float, end: float) -> Any:
    # A whole file gets no part: with one it would be another entry of the store.
    if not isinstance(path, str) or (start == 0.0 and np.isnan(end)):
        return path
    tail = "" if np.isnan(end) else f",{_plain(end)}"
    return f"{path}#t={_plain(start)}{tail}"


def _plain(seconds: float) -> str:
    return f"{seconds:.6f}".rstrip("0").rstrip(".")


def _seconds(column: pd.Series) -> pd.Series:
    """Seconds of a column of durations (``0 days 00:00:01.5``) or of numbers."""
    numbers = pd.to_numeric(column, errors="coerce")
    if pd.api.types.is_timedelta64_dtype(column) or (numbers.isna() & column.notna()).any():
        return pd.to_timedelta(column).dt.total_seconds()
    return numbers


def _check_columns(
    frame: pd.DataFrame, targets: Sequence[str], media: Sequence[str], name: str
) -> None:
    lacking = [column for column in targets if column not in frame.columns]
    if lacking:
        raise ValueError(
            f"The table {name!r} has no column {lacking[0]!r} to take labels from; it has "
            f"{_shown(frame.columns)}. Pass target=, or columns={{'its name': {lacking[0]!r}}}."
        )
    if not any(column in frame.columns for column in media):
        raise ValueError(
            f"The table {name!r} has none of the media columns {', '.join(media)}; it has "
            f"{_shown(frame.columns)}. Pass columns={{'its name': 'audio'}}, or media=."
        )
    if frame.empty:
        raise ValueError(f"The table {name!r} has no rows.")
    context = [column for column in targets if is_context(column) or column in media]
    if context:
        raise ValueError(f"target={context[0]!r} is an input, so it cannot be the target as well.")


def _shown(columns: Sequence[Hashable]) -> str:
    return ", ".join(map(str, columns)) or "no columns"


def _set_index(frame: pd.DataFrame, index: str | None) -> pd.DataFrame:
    if index is None:
        return frame.rename_axis("row") if frame.index.name is None else frame
    if index not in frame.columns:
        raise ValueError(f"index={index!r} is no column; the table has {_shown(frame.columns)}.")
    repeated = frame[index][frame[index].duplicated() | frame[index].isna()]
    if len(repeated):
        raise ValueError(
            f"The column {index!r} does not name samples: {len(repeated)} rows have no name or one "
            f"that is taken ({listed(repeated)})."
        )
    return frame.set_index(index)


def _media_cells(
    frame: pd.DataFrame, media: Sequence[str], root: str, name: str, strict: bool
) -> list[str]:
    """Convert media columns to cells, in place, and look for their files."""
    missing = {}
    for column in media:
        if column not in frame.columns:
            continue
        cells = [None if is_missing(cell) else cell for cell in frame[column]]
        cells = [os.fspath(cell) if isinstance(cell, os.PathLike) else cell for cell in cells]
        if column != "text" and all(cell is None or isinstance(cell, str) for cell in cells):
            cells = join_paths(root, cells)
            missing[f"{column} files"] = [str(cells[i]) for i in missing_files(cells)]
        frame[column] = object_column(cells, frame.index)
    return CorpusFolder(root, f"The table {name!r}", strict).report_missing(missing)


def _labels(column: pd.Series, labels: Mapping[str, str] | None, first_line: int) -> pd.Series:
    """Labels as they are in the table, as numbers, or by their codes."""
    text = column.dtype == object or pd.api.types.is_string_dtype(column)
    if labels is None:
        numbers = pd.to_numeric(column, errors="coerce") if text else column
        return column if (numbers.isna() & column.notna()).any() else numbers
    codes = {str(code): label for code, label in labels.items()}
    named = column.map(lambda value: codes.get(str(value)), na_action="ignore")
    unknown = np.flatnonzero(named.isna() & column.notna())
    if len(unknown):
        where = unknown[0]
        raise ValueError(
            f"{_line(where, first_line)} (sample {column.index[where]!r}) has the unknown "
            f"{column.name} {column.iloc[where]!r}; labels= knows {', '.join(codes)}. "
            f"{len(unknown)} rows have such labels."
        )
    return named


def _line(row: int, first_line: int) -> str:
    return f"Line {row + first_line} of the table" if first_line else f"Row {row} of the table"


def _check_speakers(frame: pd.DataFrame, first_line: int) -> None:
    if "speaker" not in frame.columns:
        return
    lacking = np.flatnonzero(frame["speaker"].isna())
    if len(lacking):
        raise ValueError(
            f"{len(lacking)} rows have no speaker, the first being "
            f"{_line(lacking[0], first_line).lower()}. Name the speakers, or leave the whole "
            "column out."
        )
