"""An evaluation on disk: predictions as a table, the protocol as JSON."""

import json
from dataclasses import MISSING, asdict, fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from emoest.evaluation._protocol import Protocol
from emoest.utils.atomic import written_whole
from emoest.utils.messages import listed

FORMAT = 1
PROTOCOL, PREDICTIONS, TABLE = "protocol.json", "predictions", "table.csv"

_AGAIN = "Copy the whole folder again, or evaluate and save again."

_PAIRS = ("classes",)
"""Fields of `Protocol` whose keys need not be texts: written as lists of pairs."""


def save_result(result: Any, folder: Path) -> None:
    """Write a result; `load_result` reads it."""
    predictions, kinds = _encode(result.predictions)
    parquet = any(find_spec(name) is not None for name in ("pyarrow", "fastparquet"))
    name = f"{PREDICTIONS}.{'parquet' if parquet else 'csv'}"
    protocol = asdict(result.protocol)
    for key in _PAIRS:
        protocol[key] = [[name, value] for name, value in protocol[key].items()]
    text = {"format": FORMAT, "predictions": name, "columns": kinds, "protocol": protocol}
    text["n_predictions"] = len(predictions)
    folder.mkdir(parents=True, exist_ok=True)
    with written_whole(folder / name) as file:
        if parquet:
            predictions.to_parquet(file, index=False)
        else:
            predictions.to_csv(file, index=False)
    with written_whole(folder / TABLE) as file:
        result.table.to_csv(file)
    with written_whole(folder / PROTOCOL) as file:
        file.write(json.dumps(text, indent=1, default=_plain, ensure_ascii=False).encode())


def load_result(folder: Path) -> tuple[pd.DataFrame, Protocol]:
    """Read the predictions and the protocol that `save_result` wrote."""
    path = folder / PROTOCOL
    try:
        text = json.loads(path.read_text(encoding="utf-8"))
        found = text["format"], text["predictions"], text["columns"], dict(text["protocol"])
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} is not what EvaluationResult.save writes: {type(error).__name__}: {error}. "
            f"{_AGAIN}"
        ) from error
    version, name, kinds, protocol = found
    unknown = set(protocol) - {each.name for each in fields(Protocol)}
    if lacking := [each.name for each in fields(Protocol) if _is_lacking(each, protocol)]:
        raise ValueError(f"The protocol in {path} lacks {listed(lacking, quoted=True)}. {_AGAIN}")
    if version != FORMAT or unknown:
        raise ValueError(
            f"{path} was written by another version of emoest (format {version}, this one reads "
            f"{FORMAT}). Load it with that version: {protocol.get('versions', {})}."
        )
    for key in _PAIRS:
        protocol[key] = {_hashable(name): value for name, value in protocol[key]}
    protocol["targets"] = [_hashable(name) for name in protocol["targets"]]
    table = folder / Path(name).name
    predictions = _read(table, kinds)
    # Results from before it was written say no number.
    expected = text.get("n_predictions", len(predictions))
    if len(predictions) != expected:
        raise ValueError(
            f"{table} holds {len(predictions)} predictions, but {path} says {expected}: "
            f"one of the two was changed or cut off. {_AGAIN}"
        )
    return predictions, Protocol(**protocol)


def _read(path: Path, kinds: dict[str, str]) -> pd.DataFrame:
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing. {_AGAIN}")
    read = pd.read_parquet if path.suffix == ".parquet" else _read_csv
    try:
        return _decode(read(path), kinds)
    except ImportError:
        raise
    except Exception as error:
        # Engines of parquet have their own classes of errors.
        raise ValueError(
            f"{path} cannot be read as the predictions that EvaluationResult.save writes: "
            f"{type(error).__name__}: {error}. {_AGAIN}"
        ) from error


def _is_lacking(field: Any, protocol: dict[str, Any]) -> bool:
    needed = field.default is MISSING and field.default_factory is MISSING
    return needed and field.name not in protocol


def _read_csv(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")


def _encode(predictions: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """Write every column as numbers, or as JSON where it holds anything else."""
    columns: dict[str, Any] = {}
    kinds: dict[str, str] = {}
    for name in predictions:
        column = predictions[name]
        kind = {"i": "int", "f": "float", "b": "bool"}.get(column.dtype.kind, "json")
        kinds[str(name)] = kind
        texts = [json.dumps(each, default=_plain, ensure_ascii=False) for each in column]
        columns[str(name)] = pd.Series(texts) if kind == "json" else column.reset_index(drop=True)
    return pd.DataFrame(columns), kinds


def _decode(table: pd.DataFrame, kinds: dict[str, str]) -> pd.DataFrame:
    columns: dict[str, Any] = {}
    for name, kind in kinds.items():
        column = table[name]
        if kind == "json":
            cells = np.empty(len(column), dtype=object)
            cells[:] = [_hashable(json.loads(text)) for text in column]
            columns[name] = pd.Series(cells).infer_objects()
        elif kind == "bool":
            columns[name] = column.map({"True": True, "False": False, True: True, False: False})
        elif kind == "float":
            columns[name] = column.replace("", "nan").astype(np.float64)
        else:
            columns[name] = column.astype(np.int64)
    return pd.DataFrame(columns)


def _plain(value: Any) -> Any:
    """Write what JSON does not know: numbers of numpy as numbers, anything else as text."""
    if isinstance(value, np.generic):
        return value.item()
    return value.tolist() if isinstance(value, np.ndarray) else str(value)


def _hashable(value: Any) -> Any:
    return tuple(map(_hashable, value)) if isinstance(value, list) else value
