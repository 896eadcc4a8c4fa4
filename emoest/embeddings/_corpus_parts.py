"""Parts of a large table: cut, read, and written as parquet, each whole or not at all."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd

from emoest.tables.cells import is_array, write_frames
from emoest.tables.inputs import as_pandas
from emoest.utils.atomic import written_whole
from emoest.utils.messages import listed
from emoest.utils.optional import import_optional

MANIFEST = "_emoest.json"
WRITING = "_writing"
"""Folder of parts that are not whole yet."""


@dataclass(frozen=True)
class Part:
    """Some rows of a table: `rows` themselves, or where they are in a file of parquet."""

    number: int
    n_rows: int
    rows: pd.DataFrame | None = None
    file: Path | None = None
    start: int = 0

    def read(self) -> pd.DataFrame:
        """Read the rows; of a file only the row groups that hold them."""
        if self.rows is not None:
            return self.rows
        source = _parquet().ParquetFile(self.file)
        groups, before, first = [], 0, 0
        for i in range(source.num_row_groups):
            size = source.metadata.row_group(i).num_rows
            if before < self.start + self.n_rows and before + size > self.start:
                first = before if not groups else first
                groups.append(i)
            before += size
        table = source.read_row_groups(groups).slice(self.start - first, self.n_rows)
        return _with_index(table, self.start)


def _with_index(table: Any, start: int) -> pd.DataFrame:
    """Convert rows of a file, the first of which is number `start`, with their own index.

    A file says of a range only where it begins and ends, which would be lost for a part of it.
    """
    metadata = table.schema.metadata or {}
    if b"pandas" not in metadata:
        return table.to_pandas().set_axis(pd.RangeIndex(start, start + len(table)))
    described = json.loads(metadata[b"pandas"])
    for i, each in enumerate(described["index_columns"]):
        if isinstance(each, dict):
            name = f"__index_level_{i}__"
            values = each["start"] + each["step"] * np.arange(start, start + len(table))
            table = table.append_column(name, [values])
            described["index_columns"][i] = name
            column = {"name": each["name"], "field_name": name, "metadata": None}
            column |= {"pandas_type": "int64", "numpy_type": "int64"}
            described["columns"].append(column)
    renewed = metadata | {b"pandas": json.dumps(described).encode()}
    return table.replace_schema_metadata(renewed).to_pandas()


def cut_table(table: Any, rows_per_part: int) -> tuple[list[Part], str]:
    """Cut a table, or a file or folder of parquet, into parts; return them and a digest.

    Raises
    ------
    FileNotFoundError
        If there is no such file, or no file of parquet in the folder.
    TypeError
        If the table is none.
    """
    if isinstance(table, str | Path):
        return _cut_files(Path(table), rows_per_part)
    table = as_pandas(table, lists=False)
    if not isinstance(table, pd.DataFrame):
        raise TypeError(
            f"table must be a DataFrame or the path of parquet, got {type(table).__name__}."
        )
    starts = range(0, len(table), rows_per_part)
    parts = [table.iloc[start : start + rows_per_part] for start in starts]
    digest = joblib.hash([joblib.hash(part) for part in parts])
    return [Part(i, len(part), rows=part) for i, part in enumerate(parts)], digest


def _cut_files(path: Path, rows_per_part: int) -> tuple[list[Part], str]:
    files = sorted(path.glob("**/*.parquet")) if path.is_dir() else [path]
    if not files or not all(file.exists() for file in files):
        raise FileNotFoundError(f"{path} is no file of parquet, nor a folder with such files.")
    parts: list[Part] = []
    seen = []
    for file in files:
        n_rows = _parquet().ParquetFile(file).metadata.num_rows
        seen.append((file.name, n_rows, file.stat().st_size, file.stat().st_mtime_ns))
        for start in range(0, n_rows, rows_per_part):
            size = min(rows_per_part, n_rows - start)
            parts.append(Part(len(parts), size, file=file.absolute(), start=start))
    return parts, joblib.hash([seen, rows_per_part])


def part_file(out: Path, number: int) -> Path:
    """Return where a part is written; names sort as the parts."""
    return out / f"part-{number:06d}.parquet"


def is_written(out: Path, part: Part) -> bool:
    """Check whether a part is there and whole."""
    file = part_file(out, part.number)
    if not file.exists():
        return False
    try:
        return bool(_parquet().ParquetFile(file).metadata.num_rows == part.n_rows)
    except (OSError, ValueError):
        # A disk that broke down; such a part is made again.
        return False


def write_part(out: Path, part: Part, table: pd.DataFrame) -> None:
    """Write a part under another name, and rename it once it is whole.

    Frames go into files of their own, whose paths stand in the table: parquet holds no matrices.
    """
    for position, name in enumerate(table.columns):
        if pd.api.types.is_object_dtype(table.dtypes.iloc[position]):
            column = table.iloc[:, position]
            if any(is_array(cell) and cell.ndim > 1 for cell in column):
                folder = out / "_frames" / f"part-{part.number:06d}"
                paths = [_frames_file(cell, folder, row, name) for row, cell in enumerate(column)]
                table = table.assign(**{str(name): paths})
    target = part_file(out, part.number)
    # Readers of a folder pass over names that begin with "_", also where a process was killed.
    beside = out / WRITING / f"{target.stem}-{uuid.uuid4().hex}"
    with written_whole(beside) as file:
        table.to_parquet(file, index=True)
    beside.replace(target)


def _frames_file(cell: Any, folder: Path, row: int, name: Any) -> Any:
    if not is_array(cell):
        return None
    folder.mkdir(parents=True, exist_ok=True)
    return write_frames(cell, (folder / f"{row:06d}-{name}.npy").absolute())


def begin_folder(out: Path, described: dict[str, Any], parts: Sequence[Part]) -> None:
    """Make the folder, or check that it was begun with the same table and pipeline.

    Raises
    ------
    ValueError
        If it was begun with others, or holds parquet of something else.
    """
    manifest = out / MANIFEST
    if manifest.exists():
        known = json.loads(manifest.read_text(encoding="utf-8"))
        differs = [name for name, value in described.items() if known.get(name) != value]
        if differs:
            raise ValueError(
                f"{out} was begun with another {listed(differs, most=9)}. Name another folder, or "
                "remove this one; what is in it is never mixed."
            )
        return
    if out.exists() and any(out.glob("*.parquet")):
        raise ValueError(f"{out} holds parquet that embed_corpus did not write: name another one.")
    known = described | {"n_parts": len(parts), "n_rows": sum(part.n_rows for part in parts)}
    with written_whole(manifest) as file:
        file.write(json.dumps(known, indent=1).encode())


def resident_megabytes() -> float:
    """Memory that this process holds now; NaN where the system does not say.

    Examples
    --------
    >>> import sys
    >>> sys.platform != "linux" or 1 < resident_megabytes() < 1e6
    True
    """
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return float(np.nan)
    return pages * 4096 / 2**20


def _parquet() -> Any:
    return import_optional("pyarrow.parquet", extra="dask", purpose="embed_corpus")
