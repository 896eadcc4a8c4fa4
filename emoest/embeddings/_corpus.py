"""A corpus of any size, embedded part by part, here or on a cluster of Dask."""

import copy
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from emoest.embeddings._corpus_parts import (
    WRITING,
    Part,
    begin_folder,
    cut_table,
    is_written,
    resident_megabytes,
    write_part,
)
from emoest.media.transformer import CellTransformer
from emoest.tables.names import is_context
from emoest.utils import constraints
from emoest.utils._sklearn import HasMethods
from emoest.utils.messages import listed
from emoest.utils.optional import import_optional
from emoest.utils.processes import this_process
from emoest.utils.progress import progress
from emoest.utils.versions import versions

_DECIDING = ("python", "emoest", "numpy", "pandas", "scikit-learn")
"""What a worker must have in the same version."""

_FAILURES = 3
"""After how many parts, all of them failed, nothing more is begun."""

_NEUTRAL = ("verbose", "n_jobs", "cache_dir")
"""Parameters on which no vector depends."""


class CorpusError(RuntimeError):
    """Some parts of a corpus could not be embedded; the others are written.

    Parameters
    ----------
    message : str
        Which parts, and what to do.
    parts : DataFrame
        What became of each part that was tried, as `embed_corpus` returns it.

    Attributes
    ----------
    parts
        As given.
    """

    def __init__(self, message: str, parts: pd.DataFrame):
        super().__init__(message)
        self.parts = parts


@constraints.validate_arguments(
    pipeline=[HasMethods("transform")],
    rows_per_part=[constraints.POSITIVE_INT],
    keep=[list, tuple],
    verbose=["verbose", None],
)
def embed_corpus(
    table: Any,
    pipeline: Any,
    out: Any,
    *,
    keep: Sequence[str] = (),
    rows_per_part: int = 256,
    client: Any = None,
    verbose: int | None = None,
) -> pd.DataFrame:
    """Embed a corpus part by part into a folder of parquet; begun again, it goes on.

    Each part is written whole or not at all, and a part that is there is not made again: what
    stops the run, from Ctrl-C to a power cut, costs the parts in flight. On a cluster of Dask, the
    parts of a worker that dies are given to another one. Embedders that keep a store on a disk
    that all workers see do not even embed again what such a part had done.

    Parameters
    ----------
    table : DataFrame or path
        One row a sample, in columns that `pipeline` reads; or a file or folder of parquet, which
        the workers read themselves.
    pipeline : transformer
        What gives vectors, or frames. Fitted, unless all it is made of are embedders, features and
        aggregation, which learn nothing from the data.
    out : str or path object
        Folder for the parts, on a disk that all workers see. ``pandas.read_parquet(out)`` reads
        them in the order of the rows. Frames are files of NumPy beside them.
    keep : list of str, default=()
        Columns of `table` that are written beside, such as speaker and emotion. `pipeline` sees
        those that are context (speaker), or that it was fitted with.
    rows_per_part : int, default=256
        Rows of a part: what is lost at most by each worker that stops.
    client : distributed.Client, default=None
        The cluster. None takes the client that is open, if any; otherwise everything is done here,
        one part after the other.
    verbose : int, default=None
        Above zero shows a progress bar; None shows it where a person waits.

    Returns
    -------
    parts : DataFrame
        One row a part: ``part``, ``n_rows``, ``seconds`` (0 if it was there already), ``worker``,
        and ``megabytes``, what its process held in memory afterwards.

    Raises
    ------
    ValueError
        If `pipeline` has to be fitted first, `out` was begun with another table or pipeline, or a
        column of `keep` is not there.
    CorpusError
        If parts failed; all others were tried, unless the first three failed.
    RuntimeError
        If a worker has another version of Python, emoest, NumPy, pandas or scikit-learn.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from emoest.embeddings import embed_corpus
    >>> from emoest.features import AcousticFunctionals
    >>> tones = [np.sin(np.arange(8000) * pitch) for pitch in (0.05, 0.1, 0.2)]
    >>> table = pd.DataFrame({"audio": tones, "speaker": ["a", "b", "b"]})
    >>> functionals = AcousticFunctionals(pooling="mean", sampling_rate=16000)
    >>> out = tempfile.mkdtemp() + "/vectors"
    >>> parts = embed_corpus(table, functionals, out, keep=["speaker"], rows_per_part=2)
    >>> parts["n_rows"].tolist(), pd.read_parquet(out).shape
    ([2, 1], (3, 72))
    """
    out = Path(out).expanduser().absolute()
    parts, digest = cut_table(table, rows_per_part)
    pipeline = _fitted(pipeline, parts, keep)
    described = {
        "table": digest,
        "pipeline": _digest(pipeline),
        "rows_per_part": rows_per_part,
        "keep": list(keep),
    }
    begin_folder(out, described, parts)
    client = _open_client() if client is None else client
    left = [part for part in parts if not is_written(out, part)]
    there = {part.number for part in parts} - {part.number for part in left}
    done = [_summary(part, 0.0, "") for part in parts if part.number in there]
    expected = {name: found for name, found in versions().items() if name in _DECIDING}
    call = {"pipeline": pipeline, "out": out, "keep": tuple(keep), "expected": expected}
    if client is not None:
        _check_workers(client, expected)
    outcomes = _run_here(left, call) if client is None else _run_on(client, left, call)
    failed: list[tuple[Part, Exception]] = []
    with progress(len(parts), "parts", verbose) as bar:
        bar.update(len(done))
        for part, outcome in outcomes:
            if isinstance(outcome, Exception):
                failed.append((part, outcome))
                if len(failed) >= _FAILURES and len(done) == len(there):
                    break
            else:
                done.append(outcome)
                bar.update()
    outcomes.close()
    summary = pd.DataFrame(done).sort_values("part", ignore_index=True) if done else pd.DataFrame()
    if failed:
        raise CorpusError(_describe(failed, len(left)), summary) from failed[0][1]
    shutil.rmtree(out / WRITING, ignore_errors=True)
    return summary


def embed_part(
    part: Part, pipeline: Any, out: Path, keep: tuple[str, ...], expected: dict[str, str]
) -> dict[str, Any]:
    """Embed and write one part; called on a worker."""
    _check_versions(expected, versions(), this_process())
    begun = time.perf_counter()
    if is_written(out, part):
        # Another worker had written it before it was lost.
        return _summary(part, 0.0, "")
    rows = part.read()
    missing = [name for name in keep if name not in rows.columns]
    if missing:
        raise ValueError(
            f"keep names {listed(missing, quoted=True)}, which the table has not: "
            f"{listed(rows.columns, quoted=True)}."
        )
    made = pipeline.transform(_seen(pipeline, rows, keep))
    if not isinstance(made, pd.DataFrame):
        names = [f"feature_{i:04d}" for i in range(made.shape[1])]
        made = pd.DataFrame(made, columns=names)
    if len(made) != len(rows):
        raise ValueError(f"The pipeline gave {len(made)} rows for {len(rows)}.")
    made = made.set_axis(rows.index)
    # Context columns come through emoest's transformers by themselves.
    beside = rows[[name for name in keep if name not in made.columns]]
    write_part(out, part, pd.concat([made, beside], axis=1))
    worker = " ".join(this_process().split()[:2])
    return _summary(part, time.perf_counter() - begun, worker)


def _summary(part: Part, seconds: float, worker: str) -> dict[str, Any]:
    return {
        "part": part.number,
        "n_rows": part.n_rows,
        "seconds": seconds,
        "worker": worker,
        "megabytes": resident_megabytes() if worker else float("nan"),
    }


def _run_here(parts: list[Part], call: dict[str, Any]) -> Iterator[tuple[Part, Any]]:
    for part in parts:
        try:
            outcome: Any = embed_part(part, **call)
        except Exception as error:
            outcome = error
        yield part, outcome


def _run_on(client: Any, parts: list[Part], call: dict[str, Any]) -> Iterator[tuple[Part, Any]]:
    """Run the parts on a cluster; those in flight are given up where this is closed."""
    frames = import_optional("dask.dataframe", extra="dask", purpose="embed_corpus on a cluster")
    distributed = import_optional("distributed", extra="dask", purpose="embed_corpus on a cluster")
    config = import_optional("dask.config", extra="dask", purpose="embed_corpus on a cluster")
    if not parts:
        return
    meta = pd.DataFrame([_summary(parts[0], 0.0, "x")]).iloc[:0]
    # One partition a part, so that a part that fails or is lost takes no other with it.
    one = pd.DataFrame({"part": []}, dtype=object)
    # Otherwise Dask makes strings of all objects.
    with config.set({"dataframe.convert-string": False}):
        spread = frames.from_map(_as_partition, parts, meta=one)
        summaries = spread.map_partitions(_partition_summary, call, meta=meta)
        futures = client.compute(summaries.to_delayed())
    part_of = dict(zip(futures, parts, strict=True))
    try:
        for future in distributed.as_completed(futures):
            error = future.exception() if future.status == "error" else None
            yield part_of[future], error or future.result().iloc[0].to_dict()
            future.release()
    finally:
        client.cancel(futures)


def _as_partition(part: Part) -> pd.DataFrame:
    return pd.DataFrame({"part": pd.Series([part], dtype=object)})


def _partition_summary(partition: pd.DataFrame, call: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame([embed_part(part, **call) for part in partition["part"]])


def _open_client() -> Any:
    """Return the client that the user has opened, if any."""
    if "distributed" not in sys.modules:
        return None
    try:
        return sys.modules["distributed"].get_client()
    except ValueError:
        return None


def _check_workers(client: Any, expected: dict[str, str]) -> None:
    for worker, found in client.run(versions).items():
        _check_versions(expected, found, worker)


def _check_versions(expected: dict[str, str], found: dict[str, str], worker: str) -> None:
    other = {name: found.get(name) for name in expected if found.get(name) != expected[name]}
    if other:
        theirs = [f"{name} {version} (here {expected[name]})" for name, version in other.items()]
        raise RuntimeError(
            f"Worker {worker} has {listed(theirs, most=9)}: vectors could differ. Install the same "
            "versions on all workers, or close that one."
        )


def _fitted(pipeline: Any, parts: list[Part], keep: Sequence[str]) -> Any:
    try:
        check_is_fitted(pipeline)
    except NotFittedError:
        learning = sorted({type(each).__name__ for each in _steps(pipeline) if not _frozen(each)})
        if learning:
            raise ValueError(
                f"The pipeline is not fitted, and {listed(learning)} may learn from the data. Fit "
                "it on the training samples first."
            ) from None
        if parts:
            pipeline = clone(pipeline)
            pipeline.fit(_seen(pipeline, parts[0].read(), keep))
    return pipeline


def _seen(pipeline: Any, rows: pd.DataFrame, keep: Sequence[str]) -> pd.DataFrame:
    """Leave labels out, which an embedder would take for media."""
    known = getattr(pipeline, "feature_names_in_", ())
    return rows.drop(
        columns=[
            name for name in keep if name in rows and not is_context(name) and name not in known
        ]
    )


def _steps(part: Any) -> Iterator[Any]:
    """The estimators that a pipeline is made of, from the steps of steps on down."""
    inner = [
        each
        for value in part.get_params(deep=False).values()
        for each in _flat(value)
        if isinstance(each, BaseEstimator)
    ]
    if not inner:
        yield part
    for each in inner:
        yield from _steps(each)


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, list | tuple):
        for each in value:
            yield from _flat(each)
    else:
        yield value


def _frozen(step: Any) -> bool:
    pools = type(step).__module__.startswith("emoest.aggregation.")
    return pools or isinstance(step, CellTransformer) or not get_tags(step).requires_fit


def _digest(pipeline: Any) -> str:
    """Digest of all that vectors depend on."""
    kept = copy.deepcopy(pipeline)
    neutral = [name for name in kept.get_params() if name.rpartition("__")[2] in _NEUTRAL]
    kept.set_params(**dict.fromkeys(neutral))
    return f"{joblib.hash(kept)}"


def _describe(failed: list[tuple[Part, Exception]], n_left: int) -> str:
    part, error = failed[0]
    numbers = listed([each.number for each, _ in failed])
    return (
        f"{len(failed)} of {n_left} part(s) failed: {numbers}. The first, {part.n_rows} rows, with "
        f"{type(error).__name__}: {error} What is done is kept; embed_corpus with the same "
        "arguments tries the others again."
    )
