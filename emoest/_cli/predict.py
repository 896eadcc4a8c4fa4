"""`emoest predict`: what a saved system says of recordings, texts or a table."""

import argparse
import io
import sys
from pathlib import Path
from typing import Any

from emoest._cli.data import add_length_option, check_lengths, read_columns
from emoest._cli.shared import add_command, as_json, check_writable, records

_MORE = """\
The model is a file of save_system ('emoest evaluate --model' writes one). Clips go into its column
of recordings; for a model of texts alone they are texts. What is embedded is kept in the store, so
an interrupted run goes on.
"""
_EXAMPLE = """\
emoest predict mood.skops clips/*.wav
emoest predict mood.skops --table new.csv --format csv > predictions.csv
emoest predict mood.skops long.wav#t=0,30 long.wav#t=30,60 --json | jq '.[].prediction'"""
FORMATS = ("table", "csv", "json")


def add(commands: Any) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "predict",
        _predict,
        about="predict with a saved system",
        more=_MORE,
        example=_EXAMPLE,
    )
    parser.add_argument("model", type=Path, help="what save_system wrote")
    parser.add_argument("clips", nargs="*", help="files, parts of files (a.wav#t=1,3), or texts")
    parser.add_argument("--table", type=Path, help="a csv or parquet file with the model's columns")
    parser.add_argument("--column", help="the column of X that the clips are")
    parser.add_argument("--format", choices=FORMATS, default="table", help="(default table)")
    parser.add_argument("--out", type=Path, help="write there instead of the standard output")
    parser.add_argument(
        "--trust",
        action="append",
        default=[],
        metavar="TYPE",
        help="a type that the file may hold, if you trust who made it; may be repeated",
    )
    parser.add_argument(
        "--skip-unreadable",
        action="store_true",
        help="count what cannot be read as missing instead of ending with an error",
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    add_length_option(parser)


def _predict(arguments: argparse.Namespace) -> None:
    from emoest.persistence import load_system, read_record

    if bool(arguments.clips) == (arguments.table is not None):
        arguments.parser.error("name clips or --table, one of the two.")
    check_writable(arguments.out)
    record = read_record(arguments.model)
    X = _read_rows(arguments, record)
    check_lengths(X, arguments.max_minutes)
    model = load_system(arguments.model, trusted=arguments.trust)
    _set_embedders(model, verbose=0 if arguments.quiet else 1, skip=arguments.skip_unreadable)
    text = _written(_predictions(model, X), "json" if arguments.json else arguments.format)
    if arguments.out is None:
        sys.stdout.write(text)
    else:
        _write_file(arguments.out, text)


def _write_file(path: Path, text: str) -> None:
    from emoest.utils.atomic import written_whole

    with written_whole(path) as file:
        file.write(text.encode())


def _read_rows(arguments: argparse.Namespace, record: Any) -> Any:
    import pandas as pd

    if arguments.table is not None:
        wanted = _media_columns(record.columns)
        return read_columns(arguments.table, wanted, record.columns)
    columns = _media_columns(record.columns)
    column = arguments.column or _clip_column(columns)
    rows = {name: pd.Series([None] * len(arguments.clips), dtype=object) for name in columns}
    rows |= {column: pd.Series(arguments.clips, dtype=object)}
    X = pd.DataFrame(rows)
    if column != "text":
        missing = [clip for clip in arguments.clips if not _is_there(clip)]
        if missing:
            raise FileNotFoundError(f"There is no file {missing[0]!r}.")
    X.index = pd.Index(arguments.clips, name="clip")
    return X


def _media_columns(columns: list[str]) -> list[str]:
    from emoest.tables.names import is_context

    return [name for name in columns if not is_context(name)] or ["audio"]


def _clip_column(columns: list[str]) -> str:
    """The column of recordings; of a model of one column, that."""
    if len(columns) == 1:
        return columns[0]
    recordings = [name for name in columns if name in ("audio", "video", "face")]
    if len(recordings) == 1:
        return recordings[0]
    raise ValueError(
        f"The model reads the columns {', '.join(columns)}: say with --column which one the clips "
        "are, or give all in a --table."
    )


def _is_there(clip: str) -> bool:
    from emoest.files.digests import named_file

    return named_file(clip) is not None


def _set_embedders(model: Any, *, verbose: int, skip: bool) -> None:
    from emoest.utils.state import walk_parts

    for part in walk_parts(model):
        known = part.get_params(deep=False) if hasattr(part, "get_params") else {}
        if "cache_dir" in known:
            part.set_params(verbose=verbose, **({"errors": "missing"} if skip else {}))


def _predictions(model: Any, X: Any) -> Any:
    import numpy as np
    import pandas as pd

    predicted = model.predict(X)
    if isinstance(predicted, pd.DataFrame):
        return predicted.set_axis(X.index)
    table = pd.DataFrame({"prediction": np.asarray(predicted)}, index=X.index)
    if hasattr(model, "predict_proba"):
        proba = np.asarray(model.predict_proba(X))
        for name, column in zip(model.classes_, proba.T, strict=True):
            table[f"proba_{name}"] = column
    return table


def _written(table: Any, kind: str) -> str:
    if table.index.name is None:
        table = table.rename_axis("row")
    if kind == "json":
        return as_json(records(table)) + "\n"
    if kind == "csv":
        buffer = io.StringIO()
        table.to_csv(buffer)
        return buffer.getvalue()
    return str(table.round(3).reset_index().to_string(index=False)) + "\n"
