"""One grammar of column names: which column belongs to which modality.

A column's modality is the first token of its name, tokens being separated by a double underscore
(``audio__yamnet_0007``, ``audio__frames`` or just ``audio``). A column whose last token is one of
`CONTEXT` (``speaker``, ``text__speaker``) is context and never a modality; one whose last token is
one of `SIDECARS` describes the frames of its modality, unless it is the bare name of a modality of
its own (see `find_sidecars`). A column of frames ends in ``frames``
(``audio__yamnet_frames``, ``audio__frames``) or is the bare name of its modality. Nobody else
parses names.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from emoest.tables.cells import is_missing
from emoest.tables.positions import positions_from_dict
from emoest.utils.messages import listed

CONTEXT = ("speaker", "session", "dialogue", "split", "fold", "group")
SIDECARS = ("seconds", "speech", "weights")
SINGLE = "features"
"""Name of the one modality of a table whose column names carry none."""


def tokens(column: object) -> list[str]:
    """Split a column name into its tokens.

    Examples
    --------
    >>> tokens("audio__yamnet_0007")
    ['audio', 'yamnet_0007']
    >>> tokens("speaker")
    ['speaker']
    """
    return str(column).split("__")


def is_context(column: object) -> bool:
    """Check whether a column is context (speaker, session, dialogue, split, group).

    Examples
    --------
    >>> is_context("text__speaker"), is_context("speaker__text")
    (True, False)
    """
    return isinstance(column, str) and tokens(column)[-1] in CONTEXT


def context_last(columns: Iterable[object]) -> np.ndarray:
    """Order column names as emoest transformers give them: as they are, context last.

    Examples
    --------
    >>> context_last(["audio__f0", "speaker", "text__w"]).tolist()
    ['audio__f0', 'text__w', 'speaker']
    """
    return np.asarray(sorted(columns, key=is_context), dtype=object)


def is_sidecar(column: object) -> bool:
    """Check whether a column describes the frames of its modality (seconds, speech, weights).

    Examples
    --------
    >>> is_sidecar("audio__seconds"), is_sidecar("audio__frames")
    (True, False)
    """
    return isinstance(column, str) and tokens(column)[-1] in SIDECARS


def find_sidecars(X: pd.DataFrame) -> frozenset[int]:
    """Find the columns that describe frames; one named ``speech`` may be a modality instead.

    A bare name (``seconds``, ``speech``, ``weights``) describes what an encoder gives outside a
    ColumnTransformer (``yamnet_frames``), or, where it holds one number a frame, other frames that
    stand in X. Else it is what the user calls a modality: ``speech`` beside ``text``.

    Examples
    --------
    >>> find_sidecars(pd.DataFrame({"speech": ["a.wav"], "text": ["hello"]}))
    frozenset()
    >>> find_sidecars(pd.DataFrame({"yamnet_frames": [None], "seconds": [None]}))
    frozenset({1})
    """
    named = [i for i, column in enumerate(X.columns) if is_sidecar(column)]
    bare = {i for i in named if len(tokens(X.columns[i])) == 1}
    if not bare or any(_is_bare_frames(column) for column in X.columns):
        return frozenset(named)
    framed = any(_first_ndim(X, i) == 2 for i in range(X.shape[1]) if i not in named)
    return frozenset(i for i in named if i not in bare or (framed and _first_ndim(X, i) == 1))


def _is_bare_frames(column: object) -> bool:
    return isinstance(column, str) and "__" not in column and column.endswith("frames")


def _first_ndim(X: pd.DataFrame, position: int) -> int:
    """Dimensions of the first present cell that is an array; 0 where it is none."""
    cells = X.iloc[:, position]
    if cells.dtype != object:
        return 0
    cell = next((cell for cell in cells if not is_missing(cell)), None)
    return np.ndim(cell) if isinstance(cell, np.ndarray) else 0


def numeric_columns(X: pd.DataFrame) -> list[int]:
    """Find the positions of the columns of numbers that are no context.

    Examples
    --------
    >>> numeric_columns(pd.DataFrame({"audio__f0": [1.5], "text": ["a"], "speaker": [1]}))
    [0]
    """
    # DataFrame.dtypes makes a Series of all columns at each look: once is enough.
    typed = enumerate(zip(X.columns, X.dtypes.tolist(), strict=True))
    numeric = pd.api.types.is_numeric_dtype
    return [i for i, (column, dtype) in typed if numeric(dtype) and not is_context(column)]


def name_no_modality(columns: Sequence[object] | None) -> bool:
    """Check whether no column says which modality it belongs to, so that all are taken as one.

    Parameters
    ----------
    columns : sequence or None
        Names of numeric columns without the context; None if there are none.

    Examples
    --------
    >>> name_no_modality(None), name_no_modality(["f0", "f1"]), name_no_modality(["audio__f0"])
    (True, True, False)
    """
    return columns is None or not any(len(tokens(column)) > 1 for column in columns)


def modality_of(column: object) -> str:
    """Name the modality of a column of media, frames or auxiliary values.

    What an encoder gives outside a ColumnTransformer (``yamnet_frames``, ``seconds``) carries no
    modality: it belongs to the one of the table.

    Examples
    --------
    >>> modality_of("audio__seconds"), modality_of("audio"), modality_of("yamnet_frames")
    ('audio', 'audio', 'features')
    """
    first, *rest = tokens(column)
    return SINGLE if not rest and (first in SIDECARS or first.endswith("frames")) else first


def modalities_of(X: pd.DataFrame, sidecars: Collection[int]) -> list[str]:
    """Name the modality of each column of media, frames or auxiliary values.

    `sidecars` are the positions that `find_sidecars` gave.

    Examples
    --------
    >>> modalities_of(pd.DataFrame(columns=["speech", "text"]), ())
    ['speech', 'text']
    """
    return [
        str(column) if column in SIDECARS and i not in sidecars else modality_of(column)
        for i, column in enumerate(X.columns)
    ]


@dataclass(frozen=True)
class Modalities(Mapping[str, np.ndarray]):
    """The columns of each modality, as integer positions, in order of first appearance.

    Parameters
    ----------
    columns : dict of str to ndarray of int
        Positions of each modality's columns.
    context : ndarray of int
        Positions of the context columns.

    Examples
    --------
    >>> found = Modalities({"audio": np.array([0, 1]), "text": np.array([2])})
    >>> found.names, found["audio"].tolist(), found.select(["text"]).names
    (['audio', 'text'], [0, 1], ['text'])
    """

    columns: dict[str, np.ndarray]
    context: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.intp))

    def __getitem__(self, name: str) -> np.ndarray:
        return self.columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    @property
    def names(self) -> list[str]:
        """Names of the modalities."""
        return list(self.columns)

    def select(self, names: Sequence[str]) -> "Modalities":
        """Keep the modalities in `names`, in that order.

        Parameters
        ----------
        names : sequence of str
            Names of modalities.

        Returns
        -------
        modalities : Modalities
            Their positions, and those of all context columns.

        Raises
        ------
        KeyError
            If a name is unknown.
        """
        return Modalities({name: self.columns[name] for name in names}, self.context)


def find_modalities(X: Any, modalities: Any = "auto") -> Modalities:
    """Find which columns of `X` belong to which modality.

    Parameters
    ----------
    X : DataFrame or array-like of shape (n_samples, n_columns)
        A table of media, frames or vectors.
    modalities : "auto", list of str or dict, default="auto"
        ``"auto"`` reads the first token of each column name. A list takes, of each column's
        tokens, the one that is listed (for names with several prefixes); columns with none of them
        are an error. A dict maps a modality to column names, a slice or integer positions.

    Returns
    -------
    modalities : Modalities
        Positions in `X` of the columns of each modality, and of the context columns.

    Raises
    ------
    ValueError
        If numeric columns with and without a modality prefix are mixed, if a modality or column
        is unknown, if two modalities claim one column, or if a column is left over.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame([[1.0, 2.0, "s1"]], columns=["audio__f0", "text__w", "speaker"])
    >>> found = find_modalities(X)
    >>> found.names, found["text"].tolist(), found.context.tolist()
    (['audio', 'text'], [1], [2])
    >>> find_modalities([[1.0, 2.0]], {"a": slice(0, 1), "b": [1]}).names
    ['a', 'b']
    """
    frame = X if isinstance(X, pd.DataFrame) else None
    columns: Sequence[object] = range(np.shape(X)[1]) if frame is None else list(frame.columns)
    context = [i for i, column in enumerate(columns) if is_context(column)]
    rest = [i for i in range(len(columns)) if i not in set(context)]
    if isinstance(modalities, dict):
        found = positions_from_dict(columns, modalities)
    elif isinstance(modalities, str):
        if modalities != "auto":
            raise ValueError(
                f"modalities={modalities!r} is not understood: use 'auto', a list of modality "
                f"names, for example [{modalities!r}], or a dict of names to columns."
            )
        found = _from_names(frame, columns, rest)
    else:
        found = _from_list(columns, rest, list(modalities))
    if isinstance(modalities, dict):
        _check_partition(found, columns, rest)
        claimed = set(np.concatenate([*found.values(), []]).tolist())
        context = [i for i in context if i not in claimed]
    return Modalities(found, np.asarray(context, dtype=np.intp))


def _from_names(
    frame: pd.DataFrame | None, columns: Sequence[object], rest: list[int]
) -> dict[str, np.ndarray]:
    if frame is None:
        return {SINGLE: np.asarray(rest, dtype=np.intp)}
    # A prefixed column names its modality; so does a bare column of media or frames.
    dtypes = frame.dtypes.tolist()
    numeric = pd.api.types.is_numeric_dtype
    named = [i for i in rest if len(tokens(columns[i])) > 1 or not numeric(dtypes[i])]
    if not named:
        return {SINGLE: np.asarray(rest, dtype=np.intp)} if rest else {}
    if len(named) < len(rest):
        without = [columns[i] for i in rest if i not in set(named)]
        raise ValueError(
            f"Some columns name their modality (such as {columns[named[0]]!r}) and some do not: "
            f"{_some(without)}. Rename them to '<modality>__<name>', drop them, or pass "
            f"modalities={{'<modality>': [columns]}}."
        )
    owners = modalities_of(frame, find_sidecars(frame))
    return _collect((owners[i], i) for i in rest)


def _from_list(
    columns: Sequence[object], rest: list[int], names: list[str]
) -> dict[str, np.ndarray]:
    if all(not isinstance(columns[i], str) for i in rest):
        raise ValueError(
            f"modalities={names} names modalities, but X has no column names to find them in. "
            "Pass a DataFrame, or a dict such as {'audio': slice(0, 10)}."
        )
    pairs = []
    left_over = []
    for i in rest:
        hits = [token for token in tokens(columns[i]) if token in names]
        if hits:
            pairs.append((hits[0], i))
        else:
            left_over.append(columns[i])
    found = _collect(pairs)
    unknown = [name for name in names if name not in found]
    if unknown:
        present = list(dict.fromkeys(tokens(columns[i])[0] for i in rest))
        raise ValueError(
            f"No column of X belongs to the modality {unknown[0]!r}. "
            f"The columns name: {_some(present)}."
        )
    if left_over:
        raise ValueError(
            f"Columns that belong to none of modalities={names}: {_some(left_over)}. "
            "List their modality too, or drop them."
        )
    return {name: found[name] for name in names}


def _check_partition(
    found: dict[str, np.ndarray], columns: Sequence[object], rest: list[int]
) -> None:
    owner: dict[int, str] = {}
    for name, positions in found.items():
        for position in positions.tolist():
            if position in owner:
                raise ValueError(
                    f"Column {columns[position]!r} is claimed by two modalities, "
                    f"{owner[position]!r} and {name!r}."
                )
            owner[position] = name
    left_over = [columns[i] for i in rest if i not in owner]
    if left_over:
        raise ValueError(
            f"Columns that belong to none of modalities={list(found)}: {_some(left_over)}. "
            "List them too, or drop them."
        )


def _collect(pairs: Any) -> dict[str, np.ndarray]:
    found: dict[str, list[int]] = {}
    for name, position in pairs:
        found.setdefault(name, []).append(position)
    return {name: np.asarray(positions, dtype=np.intp) for name, positions in found.items()}


def _some(names: Sequence[object]) -> str:
    return listed(names, 6, quoted=True)
