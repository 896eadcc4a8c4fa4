"""check_corpus: open every file of a corpus and list the bad rows, before a long run fails."""

import os
from collections.abc import Iterator
from hashlib import sha256
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.utils import check_consistent_length

from emoest.datasets._own.labels import warn_alike_labels
from emoest.datasets._reading.bunch import warn_alike_speakers
from emoest.media.audio import open_audio
from emoest.media.eeg import read_eeg
from emoest.media.eeg_files import split_path
from emoest.media.images import open_clip
from emoest.media.notes import CollectedNotes
from emoest.media.sources import EEG_SUFFIXES, IMAGE_SUFFIXES, VIDEO_SUFFIXES
from emoest.tables.cells import is_missing, is_path
from emoest.tables.groups import describe_confounding, resolve_groups
from emoest.tables.names import is_context, tokens
from emoest.utils._sklearn import Interval
from emoest.utils.constraints import N_JOBS, VERBOSE, validate_arguments
from emoest.utils.progress import progress
from emoest.utils.warn import warn_user

_COLUMNS = ["row", "column", "item", "problem"]
# Stands for a rate that nobody gave: only whether the item can be read matters.
_ANY_RATE = 1000.0
# Two steps of 16 bits: dither is not speech.
_SILENCE = 2.0**-14


@validate_arguments(
    N_JOBS,
    VERBOSE,
    X=[pd.DataFrame],
    y=["array-like", None],
    sampling_rate=[Interval(Real, 0, None, closed="neither"), None],
)
def check_corpus(
    X: pd.DataFrame,
    y: Any = None,
    *,
    sampling_rate: float | None = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> pd.DataFrame:
    """Open the media of a corpus and list the rows that cannot be used.

    Audio, images, videos and EEG are decoded to the end, so that a file that breaks off is found.
    Silent audio and texts with lost characters are listed as well, and so are files with the same
    bytes as the file of an earlier row. What is wrong with the corpus as a whole is warned of.

    Parameters
    ----------
    X : DataFrame
        A corpus with cells of media, as loaders give it. Context columns are passed over, and so
        are missing cells. What a column holds is told by its name (``audio``, ``text``, ``face``,
        ``eeg``), or else by the suffix of each path. Speakers are the column ``speaker`` or the
        index level ``group``.
    y : array-like of shape (n_samples,) or (n_samples, n_targets), default=None
        The labels, to be compared with the speakers.
    sampling_rate : float, default=None
        Rate in Hz of arrays and of EEG files, which bring none; without it, parts (``#t=``) of EEG
        files are not looked at.
    n_jobs : int, default=None
        Files that are read at a time (threads).
    verbose : int, default=0
        Above 0 a progress bar is shown.

    Returns
    -------
    bad : DataFrame of shape (n_problems, 4)
        On the index of X, in the order of the rows: ``row`` (position), ``column``, ``item`` (the
        path, or what else it is) and ``problem`` (what is wrong and what to do). Empty if all is
        well. ``X.drop(bad.index)`` leaves the good rows.

    Warns
    -----
    UserWarning
        If most speakers have one label only, so that a model of speakers looks like one of labels,
        or if names of speakers or labels may be spellings of one.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> (folder / "a.wav").touch()
    >>> X = pd.DataFrame({"audio": [str(folder / "a.wav"), None], "text": ["Hm.", "Oh!"]})
    >>> bad = check_corpus(X)
    >>> bad["row"].tolist(), "is empty (0 bytes)" in bad["problem"].item()
    ([0], True)
    """
    _warn_of_names(X, y)
    tasks = list(_items(X))
    jobs = (
        delayed(_problem)(item, kind, sampling_rate, f"row {row}, column {column!r}")
        for row, column, kind, item in tasks
    )
    problems = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")(jobs)
    found = []
    with progress(len(tasks), "check_corpus", verbose, unit="item") as bar:
        for (row, column, _, item), problem in zip(tasks, problems, strict=True):
            bar.update()
            if problem is not None:
                found.append((row, column, _show(item), problem))
    found = sorted([*found, *_repeated(tasks)], key=lambda line: line[0])
    bad = pd.DataFrame(found, columns=_COLUMNS)
    bad.index = X.index[bad["row"].to_numpy(dtype=np.intp)]
    return bad


def _warn_of_names(X: pd.DataFrame, y: Any) -> None:
    """Warn of what speakers and labels say together, and of spellings."""
    groups = resolve_groups(X)
    if "speaker" in X.columns:
        groups = X["speaker"].to_numpy()
    if groups is not None:
        warn_alike_speakers(groups)
    if y is None:
        return
    check_consistent_length(X, y)
    table = y if isinstance(y, pd.DataFrame) else pd.DataFrame(np.asarray(y))
    for name in table.columns:
        labels = pd.Series(table[name].to_numpy(), name=getattr(y, "name", name))
        warn_alike_labels(labels)
        confounded = None if groups is None else describe_confounding(labels, groups)
        if confounded is not None:
            warn_user(
                f"{confounded} Statistics of a speaker (SpeakerZScoreNormalizer) then remove the "
                "label, and what recognizes speakers passes for emotion recognition."
            )


def _items(X: pd.DataFrame) -> Iterator[tuple[int, str, str, Any]]:
    """Row, column, kind and item of everything that can be opened."""
    for column in X.columns:
        if is_context(column) or pd.api.types.is_numeric_dtype(X[column]):
            continue
        for row, cell in enumerate(X[column]):
            for item in cell if isinstance(cell, list) else [cell]:
                if not is_missing(item):
                    yield row, str(column), _kind(column, item), item


def _kind(column: object, item: Any) -> str:
    name = tokens(column)[0]
    if name in ("audio", "text", "face", "eeg"):
        return name
    suffix = Path(split_path(os.fspath(item))[0]).suffix.lower() if is_path(item) else ""
    if suffix in (*IMAGE_SUFFIXES, *VIDEO_SUFFIXES):
        return "face"
    return "eeg" if suffix in EEG_SUFFIXES else "audio" if suffix else "text"


def _problem(item: Any, kind: str, sampling_rate: float | None, name: str) -> str | None:
    """What is wrong with an item; a missing package is nobody's fault and raises."""
    with CollectedNotes() as collected:
        problem = _reading_problem(item, kind, sampling_rate, name)
        problem = problem or next((f"{name} {said}." for said, _ in collected.notes), None)
        # What stands in the table is no warning any more.
        collected.notes.clear()
    return problem


def _reading_problem(item: Any, kind: str, sampling_rate: float | None, name: str) -> str | None:
    try:
        if kind == "audio":
            return _audio_problem(item, sampling_rate or _ANY_RATE, name)
        if kind == "face":
            for _ in open_clip(item, name=name).frames():
                pass
        elif kind == "eeg":
            _check_eeg(item, sampling_rate, name)
        else:
            return _text_problem(item, name)
    except (OSError, ValueError) as error:
        return str(error)
    return None


def _audio_problem(item: Any, rate: float, name: str) -> str | None:
    lowest, highest = np.inf, -np.inf
    for block in open_audio(item, sampling_rate=rate, name=name).blocks():
        lowest, highest = min(lowest, block.min()), max(highest, block.max())
    if highest - lowest > _SILENCE:
        return None
    return (
        f"{name} is silent: all its samples lie within 1/{1 / _SILENCE:.0f} of full scale. Of "
        "several channels the mean is read, in which channels of opposite sign cancel."
    )


def _check_eeg(item: Any, sampling_rate: float | None, name: str) -> None:
    if sampling_rate is None and is_path(item):
        path, variable, _, _ = split_path(os.fspath(item))
        item = path if variable is None else f"{path}#{variable}"
    read_eeg(item, sampling_rate=sampling_rate or _ANY_RATE, name=name)


def _text_problem(item: Any, name: str) -> str | None:
    if not isinstance(item, str):
        return f"{name} is not a text but {type(item).__name__}."
    if "\N{REPLACEMENT CHARACTER}" in item:
        return f"{name} has lost characters (U+FFFD). Read the table with its true encoding."
    return None


def _repeated(
    tasks: list[tuple[int, str, str, Any]],
) -> Iterator[tuple[int, str, str, str]]:
    """Whole files with the bytes of an earlier row's; only files of one size are read."""
    by_size: dict[int, list[tuple[int, str, str]]] = {}
    for row, column, kind, item in tasks:
        if kind == "text" or not is_path(item):
            continue
        path = os.fspath(item)
        if split_path(path)[:2] == (path, None) and Path(path).is_file():
            by_size.setdefault(Path(path).stat().st_size, []).append((row, column, path))
    for size, entries in by_size.items():
        seen: dict[str, tuple[int, str]] = {}
        if size == 0 or len(entries) < 2:
            continue
        for row, column, path in sorted(entries):
            digest = sha256(Path(path).read_bytes()).hexdigest()
            first = seen.setdefault(digest, (row, path))
            # Within one row no split can part the two.
            if first[0] != row:
                yield (
                    row,
                    column,
                    path,
                    f"row {row}, column {column!r}: the file {path!r} has the same bytes as that "
                    f"of row {first[0]}, {first[1]!r}. Keep one of them, or both in one part of "
                    "every split.",
                )


def _show(item: Any) -> str:
    if is_path(item):
        return os.fspath(item)
    # Of (samples, rate), the samples.
    array = item[0] if isinstance(item, tuple) and item else item
    return f"{type(item).__name__} {getattr(array, 'shape', ())}"
