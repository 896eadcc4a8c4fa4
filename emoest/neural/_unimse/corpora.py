"""The corpora of a joint training, and which of their rows are held out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from emoest.media.items import as_table
from emoest.neural._training.early_stopping import hold_out
from emoest.neural._unimse.polarity import check_polarities, check_scores
from emoest.neural._unimse.reading import Part, column_named
from emoest.tables.groups import resolve_groups
from emoest.tables.inputs import as_pandas
from emoest.tables.targets import read_target
from emoest.utils.typing import Array, Mask, Rows


@dataclass
class Corpus:
    """One corpus of a training.

    Parameters
    ----------
    X : DataFrame
        Its table.
    y : ndarray of shape (n_samples,)
        Its labels: scores, or emotions.
    emotional : bool
        Whether they are emotions.
    polarity : list of (str or None), or None
        Polarities, where a column has them.
    groups : ndarray of shape (n_samples,) or None
        Groups of its rows.
    part : Part or None
        What was read of the table.
    """

    X: pd.DataFrame
    y: Array
    emotional: bool
    polarity: list[str | None] | None
    groups: Array | None
    part: Part | None = None

    def __len__(self) -> int:
        return len(self.y)

    @property
    def labels(self) -> list[Any]:
        """Labels as a `UniversalLabeler` takes them: numbers are scores, texts are emotions."""
        return [str(each) if self.emotional else float(each) for each in self.y]


def make_corpus(
    estimator: Any, X: Any, y: Any, *, emotional: bool | None, groups: Any = None, main: bool = True
) -> Corpus:
    """Check the labels of a corpus, and find its polarities and groups.

    Parameters
    ----------
    estimator : estimator
        With the parameters `polarity_column` and `group_column`.
    X : DataFrame, Series or list
        The samples.
    y : array-like of shape (n_samples,)
        The labels.
    emotional : bool or None
        Whether they are emotions; None finds it out: numbers are scores.
    groups : array-like, default=None
        Groups that were given.
    main : bool, default=True
        Whether the column of groups that a parameter names has to be there.

    Returns
    -------
    corpus : Corpus

    Raises
    ------
    ValueError
        If labels are missing or outside of -3 to 3, a polarity is unknown, or a named column is not
        there.
    """
    table = as_table(as_pandas(X))
    if emotional is None:
        emotional = np.asarray(pd.Series(y).infer_objects()).dtype.kind not in "fiub"
    y = read_target(estimator, table, y, numeric=not emotional)
    if not emotional:
        check_scores(y, list(table.index))
    name = estimator.polarity_column
    column = None if name is None else column_named(table, name)
    polarity = None if column is None else check_polarities(list(table[column]), list(table.index))
    group_column = estimator.group_column
    if not main and group_column is not None and column_named(table, group_column) is None:
        group_column = None
    found = resolve_groups(table, groups, group_column)
    return Corpus(table, y, emotional, polarity, found)


def check_polarity_column(name: str | None, corpora: Sequence[Corpus]) -> None:
    """Raise if a column of polarities is named that no corpus has.

    Examples
    --------
    >>> check_polarity_column(None, [])
    """
    if name is not None and all(corpus.polarity is None for corpus in corpora):
        places = "X" if len(corpora) == 1 else "X and of no auxiliary corpus"
        raise ValueError(
            f"polarity_column={name!r} is no column of {places}. With polarity_column=None the "
            "polarities are derived from scores and emotions."
        )


def aux_pairs(aux: Any) -> list[tuple[Any, Any]]:
    """Return auxiliary corpora as a list of pairs of samples and labels.

    Examples
    --------
    >>> len(aux_pairs(None)), len(aux_pairs((["a"], [1.0]))), len(aux_pairs([(["a"], [1.0])] * 2))
    (0, 1, 2)
    """
    if aux is None:
        return []
    pairs = [aux] if isinstance(aux, tuple) else list(aux)
    for pair in pairs:
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise ValueError(
                "aux takes a pair (X, y) of another corpus, or a list of such pairs; found "
                f"{type(pair).__name__}."
            )
    return pairs


def row_names(corpora: Sequence[Corpus]) -> pd.Index:
    """Name the rows of all corpora; those of auxiliary ones say so.

    Examples
    --------
    >>> one = Corpus(pd.DataFrame(index=["r"]), np.array(["joy"]), True, None, None)
    >>> list(row_names([one, one]))
    ['r', 'aux 1, r']
    """
    names = list(corpora[0].X.index)
    for number, corpus in enumerate(corpora[1:], 1):
        names += [f"aux {number}, {label}" for label in corpus.X.index]
    return pd.Index(names, tupleize_cols=False, dtype=object)


def positions(corpora: Sequence[Corpus]) -> list[Rows]:
    """Return the positions of the rows of each corpus when they stand one after the other.

    Examples
    --------
    >>> one = Corpus(pd.DataFrame(index=["r"]), np.array(["joy"]), True, None, None)
    >>> [rows.tolist() for rows in positions([one, one])]
    [[0], [1]]
    """
    edges = np.cumsum([0, *map(len, corpora)])
    return [np.arange(*edges[i : i + 2]) for i in range(len(corpora))]


def joined_groups(corpora: Sequence[Corpus]) -> Array | None:
    """Return the groups of all rows, None for those of a corpus without groups."""
    if all(corpus.groups is None for corpus in corpora):
        return None
    groups = np.empty(sum(map(len, corpora)), dtype=object)
    for corpus, rows in zip(corpora, positions(corpora), strict=True):
        if corpus.groups is not None:
            groups[rows] = corpus.groups
    return groups


def hold_out_each(
    corpora: Sequence[Corpus], kept: Mask, fraction: float | None, seed: int
) -> tuple[Rows, Rows | None, bool | None]:
    """Hold out a fraction of each corpus, by its groups, or by its dialogues if it has none.

    Parameters
    ----------
    corpora : sequence of Corpus
        The corpora.
    kept : ndarray of bool, shape (n_samples,)
        The rows that can be learned from.
    fraction : float or None
        How much is held out.
    seed : int
        Draws the rows.

    Returns
    -------
    train : ndarray of int
    valid : ndarray of int or None
    grouped : bool or None
        Whether groups of the first corpus were kept apart.
    """
    train: list[Rows] = []
    valid: list[Rows] = []
    grouped: list[bool | None] = []
    for corpus, rows in zip(corpora, positions(corpora), strict=True):
        there = kept[rows]
        groups = corpus.groups
        if groups is None and corpus.part is not None and corpus.part.dialogues is not None:
            groups = _whole(corpus.part.dialogues)
        held_out = hold_out(
            corpus.y[there],
            None if groups is None else groups[there],
            fraction,
            classifier=corpus.emotional,
            random_state=seed,
        )
        train.append(rows[there][held_out.train])
        grouped.append(held_out.grouped)
        if held_out.valid is not None:
            valid.append(rows[there][held_out.valid])
    return np.concatenate(train), np.concatenate(valid) if valid else None, grouped[0]


def _whole(dialogues: list[Any]) -> npt.NDArray[Any]:
    """Dialogues as groups; a row without one is a group of its own."""
    names = [f"row {i}" if pd.isna(name) else str(name) for i, name in enumerate(dialogues)]
    return np.array(names, dtype=object)
