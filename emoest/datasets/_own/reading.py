"""Reading a user's own table: its separator, its quotation marks, its encoding."""

import csv
import re
from pathlib import Path
from typing import Any

import pandas as pd

SEPARATORS = ",;\t"

_EXCEL_HEAD = re.compile(r"sep=(?P<separator>[,;\t|])")
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_PARQUET = b"PAR1"


def read_own_table(path: Path, encoding: str) -> tuple[pd.DataFrame, str, int]:
    r"""Read a csv or parquet file.

    Parameters
    ----------
    path : Path
        The file. The head line of a csv file tells its separator, or else a line ``sep=;`` above
        it, which spreadsheets write.
    encoding : str
        How a csv file is encoded.

    Returns
    -------
    table : DataFrame
        Of csv, cells are text and empty ones missing.
    separator : str
        Of csv; of parquet an empty text.
    first_line : int
        The number of the line of the first row, for messages; 0 for parquet.

    Raises
    ------
    ValueError
        If it is no such table; the message says what it is, or in which line it is damaged.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.csv"
    >>> _ = path.write_text("sep=;\ntext;valence\nOh, no!;2,5\n")
    >>> table, separator, first_line = read_own_table(path, "utf-8")
    >>> table.loc[0].tolist(), separator, first_line
    (['Oh, no!', '2,5'], ';', 3)
    """
    with open(path, "rb") as opened:
        if opened.read(4) == _PARQUET:
            return _read_parquet(path), "", 0
    try:
        with open(path, encoding=encoding, newline="") as file:
            head = file.readline()
            excel = _EXCEL_HEAD.fullmatch(head.rstrip('\r\n"').lstrip('"'))
            if excel:
                head = file.readline()
        # Column names hold no separators, while texts in the rows below do.
        separator = excel["separator"] if excel else max(SEPARATORS, key=head.count)
        frame = _read_csv(path, separator, encoding, skip=int(excel is not None))
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
            f"has names ({', '.join(map(str, frame.columns))}). Put texts that hold a "
            f"{separator!r} into quotes."
        )
    return frame, separator, 3 if excel else 2


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except ImportError as error:
        raise ImportError(
            f"{str(path)!r} is a parquet file, for which pandas needs pyarrow: pip install pyarrow."
        ) from error


def _read_csv(path: Path, separator: str, encoding: str, *, skip: int) -> pd.DataFrame:
    options: dict[str, Any] = {
        "sep": separator,
        "encoding": encoding,
        "dtype": str,
        # A text such as NA or None is a text; only an empty cell is missing.
        "keep_default_na": False,
        "na_values": [""],
        "skiprows": skip,
    }
    if _every_line_is_a_row(path, separator, encoding, skip):
        # No cell needs its quotation marks, so that one alone is part of a text.
        frame = pd.read_csv(path, quoting=csv.QUOTE_NONE, **options)
        frame.columns = [_unquote(name) for name in frame.columns]
        return frame.apply(lambda column: column.map(_unquote, na_action="ignore"))
    frame = pd.read_csv(path, quoting=csv.QUOTE_MINIMAL, **options)
    _refuse_swallowed_rows(frame, path, separator)
    return frame


def _every_line_is_a_row(path: Path, separator: str, encoding: str, skip: int) -> bool:
    """Check whether there are quotation marks, and lines split as if there were none."""
    quotes, counts = False, set()
    with open(path, encoding=encoding, newline="") as file:
        for number, line in enumerate(file):
            if number >= skip and line.strip("\r\n"):
                quotes = quotes or '"' in line
                counts.add(line.count(separator))
                if len(counts) > 1:
                    return False
    return quotes


def _unquote(cell: Any) -> Any:
    if isinstance(cell, str) and _QUOTED.fullmatch(cell):
        return cell[1:-1].replace('""', '"') or None
    return cell


def _refuse_swallowed_rows(frame: pd.DataFrame, path: Path, separator: str) -> None:
    """Raise where a cell holds whole rows: a quotation mark was opened and not closed."""
    for name in frame.columns:
        cells = frame[name].dropna()
        for row, cell in cells[cells.str.contains("\n", regex=False)].items():
            inner = cell.split("\n")[1:-1] or cell.split("\n")[1:]
            if any(line.count(separator) >= len(frame.columns) - 1 > 0 for line in inner):
                raise ValueError(
                    f"The table {str(path)!r} cannot be read: the {name} of row {row} (counted "
                    f"from 0) holds rows of the table, {cell[:60]!r}... A quotation mark that is "
                    "never closed swallows them; double it inside a quoted cell, or close it."
                )


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
    if b"\x00" in content[:1000]:
        return f"{str(path)!r} is no text. load_table reads csv and parquet files and DataFrames."
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
