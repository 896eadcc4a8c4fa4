"""load_table: a user's own corpus, one row a sample, as a csv file or a DataFrame."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from emoest.datasets._own.bunch import own_bunch
from emoest.datasets._own.columns import kind_of, recognize, rename, show_columns, warn_unused
from emoest.datasets._own.labels import read_own_labels, translate, warn_alike_labels
from emoest.datasets._own.reading import read_own_table
from emoest.datasets._reading.bunch import Target, target_columns
from emoest.datasets._reading.files import CorpusFolder
from emoest.datasets._reading.paths import Folders, join_paths
from emoest.datasets._reading.rows import handle_unlabeled
from emoest.tables.cells import is_missing, object_column
from emoest.tables.names import is_context
from emoest.tables.spelling import clean_names
from emoest.utils.constraints import DROP_UNLABELED, RETURN_X_Y, STRICT, TARGET, validate_arguments
from emoest.utils.messages import listed

MEDIA = ("audio", "text", "face", "eeg")


@validate_arguments(
    TARGET,
    DROP_UNLABELED,
    STRICT,
    RETURN_X_Y,
    table=[str, os.PathLike, pd.DataFrame, list, dict],
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

    Usual other names are understood: ``Audio``, ``wav``, ``wav_path``, ``filename`` (where the
    suffixes say audio), ``transcript``, ``Speaker ID``. Columns that look like media or speakers
    and are not used are named in a warning. Blanks around names and labels are stripped; names that
    differ only by case, blanks, punctuation or leading zeros stay as they are, and a warning lists
    them.

    Parameters
    ----------
    table : str, path object or DataFrame
        A csv file (comma, semicolon or tabulator; the head line tells), a parquet file, or a table
        in memory.
    target : str or sequence of str, default="emotion"
        The column of labels. Several give y as a DataFrame. A column of numbers with more than 100
        values, or with fractions, is a score; digits with a leading zero (``01``) are names.
    media : sequence of str, default=("audio", "text", "face", "eeg")
        The columns that are media, as far as they are there. Any column of yours whose values are
        paths can be named; one named ``text`` holds texts.
    columns : dict of str to str, default=None
        New names of columns by their names in the table: ``{"wav_path": "audio"}``.
    labels : dict of str to str, default=None
        Names of the labels by their codes in the table, of every target that is no number; ``1.0``
        is found under 1. A code that is not there is an error that names the row.
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
    UserWarning
        If names of speakers or labels may be spellings of one, or a column that looks like media or
        speakers is not used.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {"text": ["Oh no!", "Fine."], "speaker": ["a", "b"], "emotion": ["fear", "neutral"]}
    ... )
    >>> X, y = load_table(table, return_X_y=True)
    >>> X.columns.tolist(), y.tolist(), X.index.names
    (['text', 'speaker'], ['fear', 'neutral'], FrozenList(['row', 'group']))
    """
    frame, name, root, separator, first_line = _read(table, encoding)
    names = target_columns(target)
    frame, notes = recognize(_rename(frame, columns), names, media)
    _check_columns(frame, names, media, name, notes)
    if media_folder is not None:
        root = os.fspath(media_folder)
    used = [column for column in frame.columns if _is_used(column, names, media) or column == index]
    warn_unused(frame, used, notes)
    frame = _set_index(frame, index)
    missing = _media_cells(frame, media, root, name, strict)
    for column in frame.columns:
        if is_context(column):
            frame[column] = clean_names(frame[column])
    for column in names:
        frame[column] = _labels(frame[column], labels, first_line, separator)
    _check_speakers(frame, first_line)
    frame, n_unlabeled = handle_unlabeled(frame, names, drop=drop_unlabeled, corpus=name)
    for column in names if labels is None else ():
        warn_alike_labels(frame[column])
    return own_bunch(
        frame,
        name,
        tuple(column for column in media if column in frame.columns),
        target=target,
        missing=missing,
        n_unlabeled=n_unlabeled,
        return_X_y=return_X_y,
    )


def _is_used(column: Any, targets: Sequence[str], media: Sequence[str]) -> bool:
    return column in targets or column in media or is_context(column)


def _read(table: Any, encoding: str) -> tuple[pd.DataFrame, str, str, str, int]:
    """Read the table, its name, the folder where its paths start, separator and first line."""
    if isinstance(table, list | dict):
        raise ValueError(
            f"load_table takes a csv or parquet file or a DataFrame, not a {type(table).__name__}: "
            "load_table(pd.DataFrame(table))."
        )
    if isinstance(table, pd.DataFrame):
        return table.copy(), "table", str(Path.cwd()), "", 0
    path = Path(table).expanduser()
    if not path.is_file():
        raise FileNotFoundError(_no_table(path))
    frame, separator, first_line = read_own_table(path, encoding)
    return frame, path.stem, str(path.parent), separator, first_line


def _no_table(path: Path) -> str:
    advice = "for a folder of clips without a table there is load_folder"
    if path.is_dir():
        tables = sorted(path.glob("*.csv")) + sorted(path.glob("*.tsv"))
        if tables:
            advice = f"it holds {listed([str(table) for table in tables], quoted=True)}; {advice}"
        advice = f"it is a folder; {advice}"
    return f"The table {str(path)!r} is not there: {advice} (working folder: {str(Path.cwd())!r})."


def _rename(frame: pd.DataFrame, columns: Mapping[str, str] | None) -> pd.DataFrame:
    """Rename as told; convert an audformat index and its ``file``, ``start``, ``end`` to audio."""
    # audformat keeps file, start and end in the index.
    if isinstance(frame.index, pd.MultiIndex) or frame.index.name == "file":
        frame = frame.reset_index()
    frame = rename(frame, columns)
    if "audio" not in frame.columns and "file" in frame.columns:
        if kind_of(frame["file"]) == "face":
            return frame
        frame = frame.rename(columns={"file": "audio"})
        if "start" in frame.columns:
            frame["audio"] = _with_parts(frame)
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
    frame: pd.DataFrame,
    targets: Sequence[str],
    media: Sequence[str],
    name: str,
    notes: Sequence[str],
) -> None:
    undecided = "".join(f" {note}" for note in notes)
    lacking = [column for column in targets if column not in frame.columns]
    if lacking:
        raise ValueError(
            f"The table {name!r} has no column {lacking[0]!r} to take labels from; it has "
            f"{show_columns(frame.columns)}. Pass target=, or columns={{'its name': "
            f"{lacking[0]!r}}}.{undecided}"
        )
    if not any(column in frame.columns for column in media):
        raise ValueError(
            f"The table {name!r} has none of the media columns {', '.join(media)}; it has "
            f"{show_columns(frame.columns)}. Pass columns={{'its name': 'audio'}}, or media=."
            f"{undecided}"
        )
    if frame.empty:
        raise ValueError(f"The table {name!r} has no rows.")
    context = [column for column in targets if is_context(column) or column in media]
    if context:
        raise ValueError(f"target={context[0]!r} is an input, so it cannot be the target as well.")


def _set_index(frame: pd.DataFrame, index: str | None) -> pd.DataFrame:
    if index is None:
        return frame.rename_axis("row") if frame.index.name is None else frame
    if index not in frame.columns:
        raise ValueError(
            f"index={index!r} is no column; the table has {show_columns(frame.columns)}."
        )
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
    hint = ""
    for column in media:
        if column not in frame.columns:
            continue
        cells = [None if is_missing(cell) else cell for cell in frame[column]]
        cells = [os.fspath(cell) if isinstance(cell, os.PathLike) else cell for cell in cells]
        if column != "text" and all(cell is None or isinstance(cell, str) for cell in cells):
            folders, written, joined = Folders(), cells, join_paths(root, cells)
            found = folders.find(joined)
            cells = [path or wanted for path, wanted in zip(found, joined, strict=True)]
            absent = [i for i, cell in enumerate(cells) if cell is not None and found[i] is None]
            missing[f"{column} files"] = [str(cells[i]) for i in absent]
            if absent and not any(found):
                hint = hint or folders.hint(root, str(written[absent[0]]))
        frame[column] = object_column(cells, frame.index)
    return CorpusFolder(root, f"The table {name!r}", strict).report_missing(missing, hint=hint)


def _labels(
    column: pd.Series, labels: Mapping[str, str] | None, first_line: int, separator: str
) -> pd.Series:
    """Labels as they are in the table, as numbers, or by their codes."""
    if labels is None:
        return read_own_labels(column, separator)
    column = clean_names(column)
    there = np.flatnonzero(column.notna())
    named = translate(column.iloc[there].tolist(), labels)
    unknown = [row for row, label in zip(there, named, strict=True) if label is None]
    if unknown:
        raise ValueError(
            f"{_line(unknown[0], first_line)} (sample {column.index[unknown[0]]!r}) has the "
            f"unknown {column.name} {column.iloc[unknown[0]]!r}; labels= knows "
            f"{', '.join(map(str, labels))}. {len(unknown)} rows have such labels."
        )
    found = np.full(len(column), None, dtype=object)
    found[there] = named
    return pd.Series(found, index=column.index, name=column.name, dtype=object)


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
