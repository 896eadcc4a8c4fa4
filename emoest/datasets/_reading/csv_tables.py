"""Reading corpora that come as tables: their cells, their encoding, their labels."""

import csv
import io
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import pandas as pd

from emoest.datasets._reading.encodings import fix_encoding
from emoest.tables.cells import object_column
from emoest.utils.messages import listed
from emoest.utils.warn import warn_user


def read_label_table(
    path: Path,
    columns: Sequence[str],
    *,
    sep: str = ",",
    quotes: bool | None = None,
    header: bool = True,
    strict: bool = False,
) -> pd.DataFrame:
    r"""Read a table of text, whatever happened to its encoding.

    Parameters
    ----------
    path : Path
        The file.
    columns : sequence of str
        The columns that it must have; without `header`, all of them in order.
    sep : str, default=","
        Between the cells.
    quotes : bool, default=None
        Whether a cell may stand in quotes; None: not in a table with tabs.
    header : bool, default=True
        Whether the first line names the columns.
    strict : bool, default=False
        Whether characters that are lost are an error.

    Returns
    -------
    table : DataFrame
        All cells as text, empty ones as ``""``.

    Raises
    ------
    ValueError
        If the file is no such table, or characters are lost and `strict`.

    Warns
    -----
    UserWarning
        If characters were fixed, or are lost.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.tsv"
    >>> _ = path.write_text("Well.\t27\n")
    >>> read_label_table(path, ["text", "labels"], sep="\t", header=False).loc[0].tolist()
    ['Well.', '27']
    """
    # In a tabbed table a lone quotation mark is part of the text, and would swallow lines.
    quotes = sep != "\t" if quotes is None else quotes
    reader = csv.reader(
        io.StringIO(read_text(path, strict=strict), newline=""),
        delimiter=sep,
        quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE,
        # A quotation mark that is never closed is an error, not a cell that ends with the file.
        strict=True,
    )
    try:
        rows = [row for row in reader if row]
    except csv.Error as error:
        raise ValueError(
            f"{str(path)!r} cannot be read as a table ({error}, line {reader.line_num}). Copy the "
            "official file again."
        ) from error
    names = list(columns)
    if header:
        names, rows = (rows[0], rows[1:]) if rows else ([], [])
    absent = [column for column in columns if column not in names]
    if absent:
        raise ValueError(
            f"{str(path)!r} has no column {absent[0]!r}; it has {names}. Copy the official file "
            "again."
        )
    for number, row in enumerate(rows):
        if len(row) != len(names):
            raise ValueError(
                f"{str(path)!r}: row {number} has {len(row)} cells, and there are {len(names)} "
                f"columns: {names}. Copy the official file again."
            )
    return pd.DataFrame(rows, columns=names, dtype=str)


def read_text(path: Path, *, strict: bool = False) -> str:
    r"""Read a text of a corpus, whatever happened to its encoding; see `fix_encoding`.

    A warning says how many characters were fixed and where some are lost; if `strict`, lost ones
    are an error.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.txt"
    >>> _ = path.write_text("Well.\n")
    >>> read_text(path)
    'Well.\n'
    """
    fixed = fix_encoding(path.read_bytes(), name=repr(str(path)))
    if fixed.n_fixed:
        warn_user(
            f"{str(path)!r}: {fixed.n_fixed} characters of Windows-1252, such as apostrophes, "
            "were fixed."
        )
    if fixed.lost_lines:
        lines = listed(fixed.lost_lines)
        message = f"{str(path)!r}: characters are lost (U+FFFD) in lines {lines}."
        if strict:
            raise ValueError(f"{message} Copy the official file again, or pass strict=False.")
        warn_user(f"{message} They stay as they are.")
    return fixed.text


def read_labels(
    table: pd.DataFrame, column: str, labels: Mapping[str, str] | Collection[str], *, path: Path
) -> pd.DataFrame:
    """Check a column of labels, and translate it if `labels` is a dict from codes to labels.

    An empty cell becomes None; an unknown label is an error that names `path` and the row.

    Examples
    --------
    >>> table = pd.DataFrame({"mood": ["1", "0", ""]})
    >>> read_labels(table, "mood", {"0": "low", "1": "high"}, path=Path("m.csv"))["mood"].tolist()
    ['high', 'low', None]
    """
    codes = labels if isinstance(labels, Mapping) else {label: label for label in labels}
    values = table[column].str.strip()
    unknown = ~values.isin([*codes, ""])
    if unknown.any():
        row = table.index[unknown][0]
        raise ValueError(
            f"{str(path)!r}: row {row} has the unknown {column} {values[row]!r}; known are "
            f"{', '.join(codes)}. Correct it, or copy the official file again."
        )
    decoded = [codes.get(value) for value in values]
    return table.assign(**{column: object_column(decoded, table.index)})


def missing_tables(
    names: Mapping[str, str], found: Mapping[str, int], expected: Mapping[str, int]
) -> dict[str, list[str]]:
    """Name the tables that are missing or have too few rows, for `CorpusFolder.report_missing`.

    All three are by partition: file names, rows found, and rows of the complete corpus, where they
    are known.

    Examples
    --------
    >>> missing_tables({"train": "a.csv", "test": "b.csv"}, {"train": 8}, {"train": 9})
    {'tables': ['b.csv'], 'ends of tables': ['a.csv: 8 of 9 rows']}
    """
    short = [split for split, count in found.items() if count < expected.get(split, 0)]
    return {
        "tables": [name for split, name in names.items() if split not in found],
        "ends of tables": [
            f"{names[split]}: {found[split]} of {expected[split]} rows" for split in short
        ],
    }


def unique_names(names: Sequence[str]) -> list[str]:
    """Number names that come again: ``a``, ``a#2``.

    Examples
    --------
    >>> unique_names(["a", "b", "a"])
    ['a', 'b', 'a#2']
    """
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return unique
