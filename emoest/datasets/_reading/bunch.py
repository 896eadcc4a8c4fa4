"""What every loader returns, made in one place."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from emoest.datasets._reading.record import CorpusRecord
from emoest.tables.groups import with_groups
from emoest.tables.names import is_context, tokens
from emoest.tables.spelling import clean_names, describe_alike, find_alike
from emoest.utils.warn import warn_user

Target = str | Sequence[str]


def make_bunch(
    frame: pd.DataFrame,
    record: CorpusRecord,
    *,
    target: Target,
    splits: Iterable[str] = (),
    missing: Sequence[str] = (),
    n_unlabeled: int | None = None,
    return_X_y: bool = False,
) -> Any:
    """Return a table of a corpus as its loader does.

    Parameters
    ----------
    frame : DataFrame
        The whole corpus: media and context columns (``speaker`` among them), targets and whatever
        else is known, on an index of sample names. Without a column ``speaker`` there are no
        groups. A multi-label target has one column of 0 and 1 per label, named as the label.
    record : CorpusRecord
        The corpus; it names the media columns and the targets.
    target : str or sequence of str
        One target gives y as a Series, a sequence as a DataFrame.
    splits : iterable of str, default=()
        The official partitions, as the column ``split`` names them.
    missing : sequence of str, default=()
        What a complete copy has and this one has not.
    n_unlabeled : int, default=None
        How many rows had no label, where the loader says so.
    return_X_y : bool, default=False
        Whether to return (X, y).

    Returns
    -------
    bunch : Bunch, or tuple (DataFrame, Series or DataFrame)
        With ``frame``, ``data`` (X), ``target`` (y), ``groups``, ``splits``, ``record``,
        ``missing``, ``DESCR`` and, if it is given, ``n_unlabeled``. All have one index, the
        sample's name and the level ``group``, its speaker; a corpus without speakers has no such
        level, and ``groups`` is None.

    Raises
    ------
    ValueError
        If a target is unknown.

    Warns
    -----
    UserWarning
        If names of speakers differ only by case, blanks, punctuation or leading zeros.

    Examples
    --------
    >>> from emoest.datasets import corpus_record
    >>> frame = pd.DataFrame(
    ...     {"audio": ["a.wav"], "text": ["Hm."], "speaker": ["03"], "emotion": ["anger"]},
    ...     index=pd.Index(["a"], name="clip"),
    ... )
    >>> bunch = make_bunch(frame, corpus_record("emodb"), target="emotion")
    >>> list(bunch.data.columns), bunch.target.index.names
    (['audio', 'text', 'speaker'], FrozenList(['clip', 'group']))
    """
    check_target(target, record)
    if "speaker" in frame.columns:
        frame = frame.assign(speaker=clean_names(frame["speaker"]))
        warn_alike_speakers(frame["speaker"])
        frame = with_groups(frame, "speaker")
    is_input = [
        tokens(column)[0] in record.modalities or is_context(column) for column in frame.columns
    ]
    # Copies, so that a user who changes X leaves the frame of the Bunch as it is.
    X = frame.loc[:, is_input].copy()
    columns = [
        column
        for name in target_columns(target)
        for column in (record.labels[name] if name in record.multilabel else (name,))
    ]
    y = frame[columns[0] if columns == [target] else columns].copy()
    if return_X_y:
        return X, y
    bunch = Bunch(
        frame=frame,
        data=X,
        target=y,
        groups=X.get("speaker"),
        splits={str(name): np.flatnonzero(frame["split"] == name) for name in splits},
        record=record,
        missing=list(missing),
        DESCR=record.describe(),
    )
    if n_unlabeled is not None:
        bunch.n_unlabeled = n_unlabeled
    return bunch


def warn_alike_speakers(speakers: Iterable[Any]) -> None:
    """Warn of speakers whose names may be spellings of one.

    Examples
    --------
    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warn_alike_speakers(["s01", "S01", "s02"])
    >>> "zeros: 's01' and 'S01'. Each counts" in str(caught[0].message)
    True
    """
    alike = find_alike(speakers)
    if alike:
        warn_user(
            "Speakers whose names differ only by case, blanks, punctuation or leading zeros: "
            f"{describe_alike(alike)}. Each counts as a person of its own: if two names are one "
            "person, who may be on both sides of a split, write one name."
        )


def target_columns(target: Target) -> list[str]:
    """Return the names of one target or of several as a list.

    Examples
    --------
    >>> target_columns("emotion"), target_columns(("valence", "arousal"))
    (['emotion'], ['valence', 'arousal'])
    """
    return [target] if isinstance(target, str) else list(target)


def check_target(target: Target, record: CorpusRecord) -> None:
    """Raise if a target is not one of the corpus; loaders call it before they look for files.

    Examples
    --------
    >>> from emoest.datasets import corpus_record
    >>> check_target("mood", corpus_record("emodb"))
    Traceback (most recent call last):
    ValueError: target='mood' is not a target of emodb; choose one or several of emotion, ...
    """
    names = target_columns(target)
    unknown = [name for name in names if name not in record.targets]
    if unknown or not names or len(set(names)) < len(names):
        raise ValueError(
            f"target={target!r} is not a target of {record.name}; choose one or several of "
            f"{', '.join(record.targets)}."
        )
