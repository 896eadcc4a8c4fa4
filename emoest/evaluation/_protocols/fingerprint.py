"""What an evaluation was made with: a digest of the samples."""

import hashlib
from typing import Any

import numpy as np
import pandas as pd

from emoest.files.digests import file_digest, named_file
from emoest.tables.cells import is_array


def corpus_digest(X: Any, y: Any, groups: Any) -> str:
    """Compute a SHA-256 of samples, targets and groups: the same wherever they are the same.

    Numbers count by their bytes as float64, paths by the bytes of their files, anything else by its
    text; names of columns count, the index does not.

    Examples
    --------
    >>> X = pd.DataFrame({"audio__f0": [1.0, 2.0]})
    >>> corpus_digest(X, ["a", "b"], None) == corpus_digest(X.set_axis([5, 6]), ["a", "b"], None)
    True
    """
    digest = hashlib.sha256()
    parts = [X, y, [] if groups is None else groups]
    for part in parts:
        if isinstance(part, np.ndarray) and part.dtype.kind in "fiub":
            _add_numbers(digest, part)
            continue
        frame = pd.DataFrame(part) if np.ndim(part) <= 2 else pd.DataFrame({0: list(part)})
        numeric = [pd.api.types.is_numeric_dtype(dtype) for dtype in frame.dtypes]
        digest.update(repr(list(map(str, frame.columns))).encode())
        if any(numeric):
            _add_numbers(digest, frame.loc[:, numeric].to_numpy(dtype=np.float64))
        for i in np.flatnonzero(~np.array(numeric, dtype=bool)).tolist():
            for cell in frame.iloc[:, i].tolist():
                _add_cell(digest, cell)
    return digest.hexdigest()


def _add_numbers(digest: Any, values: Any) -> None:
    digest.update(str(values.shape).encode())
    digest.update(np.ascontiguousarray(values, dtype=np.float64).tobytes())


def _add_cell(digest: Any, cell: Any) -> None:
    if is_array(cell) and cell.dtype.kind in "fiub":
        _add_numbers(digest, cell)
    elif isinstance(cell, list | tuple):
        for each in cell:
            _add_cell(digest, each)
        digest.update(b"]")
    elif (found := named_file(cell)) is not None:
        digest.update(f"{file_digest(found[0])}#{found[1]}".encode())
    else:
        digest.update(f"{type(cell).__name__}{cell!s}\0".encode(errors="surrogatepass"))
