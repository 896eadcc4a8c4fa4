"""Tables of texts, signals and dialogues: what the estimators of UniMSE read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from emoest.nets.t5_fusion.net import TEXT
from emoest.tables.cells import is_missing, is_path, present_frames
from emoest.tables.frame_cells import iter_contents
from emoest.tables.frame_columns import find_frames, may_hold_frames
from emoest.tables.frames import FrameTable
from emoest.tables.names import is_context, modality_of, tokens
from emoest.utils.messages import listed
from emoest.utils.typing import Floats32
from emoest.utils.warn import warn_user

TEXT_WIDTH = 2
"""A token, and whether it is of the utterance itself."""


_MEDIA = ("audio", "speech", "voice", "video", "face", "image", "vision", "visual")


@dataclass
class Part:
    """What was read of one corpus.

    Parameters
    ----------
    X : DataFrame
        The table.
    texts : list of (str or None)
        What is said.
    dialogues : list or None
        Dialogue of each row.
    cells : dict of str to list
        Frames of each signal that the table has; None where a row lacks them.
    lengths : dict of str to list of int
        Numbers of their frames, 0 where a row lacks them.
    widths : dict of str to int
        Their widths, 0 where no row has any.
    """

    X: pd.DataFrame
    texts: list[str | None]
    dialogues: list[Any] | None
    cells: dict[str, list[Any]]
    lengths: dict[str, list[int]]
    widths: dict[str, int]

    def __len__(self) -> int:
        return len(self.texts)


def read_part(
    X: pd.DataFrame,
    *,
    text: str,
    signals: Sequence[str],
    dialogue_column: str | None,
    must: bool,
    widths: Mapping[str, int],
) -> Part:
    """Read texts, signals and dialogues of a table.

    Parameters
    ----------
    X : DataFrame
        The table.
    text : str
        The modality of texts; a table of one column needs no name.
    signals : sequence of str
        The modalities of frames or numbers that are wanted; a table may lack them.
    dialogue_column : str or None
        The context column of dialogues; None takes a column ``dialogue`` if there is one.
    must : bool
        Whether a named `dialogue_column` has to be there.
    widths : dict of str to int
        Widths that frames must have.

    Returns
    -------
    part : Part

    Raises
    ------
    ValueError
        If there is no column of texts, or a cell cannot be used.
    """
    column, texts = read_texts(X, text)
    cells, counts, found = {}, {}, {}
    for name in signals:
        positions = [
            i
            for i, each in enumerate(X.columns)
            if not is_context(each) and each != column and modality_of(each) == name
        ]
        if positions:
            cells[name], counts[name], found[name] = _read_signal(
                X, name, positions, widths.get(name, 0)
            )
    return Part(X, texts, _dialogues(X, dialogue_column, must), cells, counts, found)


def read_texts(X: pd.DataFrame, text: str) -> tuple[Any, list[str | None]]:
    """Find the column of texts of a table, and read it.

    Examples
    --------
    >>> read_texts(pd.DataFrame({"text": ["a", None], "speaker": ["s", "s"]}), "text")
    ('text', ['a', None])
    """
    column = text_column(X[[name for name in X.columns if not is_context(name)]], text)
    return column, [_read_text(*row, column) for row in zip(X.index, X[column], strict=True)]


def text_column(X: pd.DataFrame, text: str) -> Any:
    """Find the column of texts.

    Examples
    --------
    >>> text_column(pd.DataFrame({"text": ["a"], "audio__frames": [None]}), "text")
    'text'
    """
    named = [column for column in X.columns if modality_of(column) == text]
    found = named if named or X.shape[1] != 1 else list(X.columns)
    if len(found) == 1 and may_hold_frames(X[found[0]]):
        return found[0]
    raise ValueError(
        f"X needs one column of texts of the modality {text!r}; its columns are "
        f"{listed(X.columns, 6, quoted=True)}. Name another modality with text=."
    )


def column_named(X: pd.DataFrame, name: str) -> Any:
    """Find a column by its name or its last token; None if there is none.

    Examples
    --------
    >>> column_named(pd.DataFrame(columns=["text__dialogue"]), "dialogue")
    'text__dialogue'
    """
    hits = [c for c in X.columns if c == name or (isinstance(c, str) and tokens(c)[-1] == name)]
    return hits[0] if hits else None


def without_column(X: Any, name: str | None) -> Any:
    """Leave out a column that belongs to no modality, if a table has it.

    Examples
    --------
    >>> without_column(pd.DataFrame(columns=["text", "polarity"]), "polarity").columns.tolist()
    ['text']
    """
    column = None
    if name is not None and isinstance(X, pd.DataFrame):
        column = column_named(X, name)
    return X if column is None else X.drop(columns=column)


def warn_of_unread(parts: Sequence[Part], signals: Sequence[str], names: Sequence[str]) -> None:
    """Warn if a signal is in no table while frames or media are there that nobody reads.

    Parameters
    ----------
    parts : sequence of Part
        The corpora.
    signals : sequence of str
        The modalities that are wanted.
    names : sequence of str
        All modalities that parameters name.

    Warns
    -----
    UserWarning
        It names the columns.
    """
    absent = [name for name in signals if not any(name in part.cells for part in parts)]
    columns = dict.fromkeys(column for part in parts for column in part.X.columns)
    unread = [
        column
        for column in columns
        if not is_context(column)
        and modality_of(column) not in names
        and (column in _MEDIA or tokens(column)[-1].endswith("frames"))
    ]
    if absent and unread and len(columns) > 1:
        warn_user(
            f"X has no column of the modality {listed(absent, quoted=True)}, and nobody reads its "
            f"column {listed(unread, quoted=True)}. Rename the column, or name its modality with "
            "audio= or video=."
        )


def _dialogues(X: pd.DataFrame, name: str | None, must: bool) -> list[Any] | None:
    column = column_named(X, name or "dialogue")
    if column is None and name is not None and must:
        raise ValueError(
            f"dialogue_column={name!r} is no column of X, which has "
            f"{listed(X.columns, 6, quoted=True)}. With dialogue_column=None a corpus without "
            "dialogues is read utterance by utterance."
        )
    return None if column is None else list(X[column])


def _read_text(label: Any, cell: Any, column: Any) -> str | None:
    if is_missing(cell):
        return None
    parts = cell if isinstance(cell, list | tuple) else [cell]
    present = [part for part in parts if not is_missing(part)]
    for part in present:
        if not isinstance(part, str):
            raise ValueError(
                f"row {label!r}, column {column!r}: {type(part).__name__} {str(part)[:40]!r} is "
                "no text. Put None into the cell where nothing is said."
            )
    return " ".join(present) or None


def _read_signal(
    X: pd.DataFrame, name: str, positions: list[int], width: int
) -> tuple[list[Any], list[int], int]:
    """Frames of a signal, their numbers and width; of a table of numbers each row is one frame."""
    table = X.iloc[:, positions]
    if any(may_hold_frames(table.iloc[:, i]) for i in range(table.shape[1])):
        (column,) = find_frames(table).values()
        cells, counts = [], []
        for content, shape in iter_contents(table, column, width, "absent", lazy=True):
            there = 0 not in shape and (is_path(content) or len(present_frames(content)))
            width = width or (shape[1] if there else 0)
            kept = present_frames(content) if there and not is_path(content) else content
            cells.append(kept if there else None)
            # Of a file, which stays closed, the shape is known.
            counts.append((shape[0] if is_path(content) else len(kept)) if there else 0)
        return cells, counts, width
    values = table.to_numpy(dtype=np.float64)
    if width and values.shape[1] != width:
        raise ValueError(f"The modality {name!r} has {values.shape[1]} columns, it had {width}.")
    holed = np.isnan(values).any(axis=1) & ~np.isnan(values).all(axis=1)
    if holed.any():
        raise ValueError(
            f"{int(holed.sum())} row(s) have NaN in some columns of the modality {name!r} and "
            f"numbers in others, for example {listed(X.index[holed], quoted=True)}. Fill them "
            "first, for example with sklearn.impute.SimpleImputer."
        )
    gone = np.isnan(values).all(axis=1)
    frames = values.astype(np.float32)
    cells = [None if gone[i] else frames[i : i + 1] for i in range(len(frames))]
    return cells, (~gone).astype(int).tolist(), values.shape[1]


def join_parts(
    parts: Sequence[Part], texts: list[Floats32], signals: Sequence[str], rows: pd.Index
) -> FrameTable:
    """Join corpora to one table of tokens and frames.

    Parameters
    ----------
    parts : sequence of Part
        The corpora.
    texts : list of ndarray of shape (n_tokens, 2)
        Tokens of all rows, one corpus after the other; those of a row that has nothing else and
        whose text is missing are left out.
    signals : sequence of str
        The signals, in order.
    rows : Index
        Names of all rows.

    Returns
    -------
    table : FrameTable

    Raises
    ------
    ValueError
        If the frames of a signal differ in width between corpora.
    """
    cells: dict[str, list[Any]] = {}
    widths = {TEXT: TEXT_WIDTH}
    for name in signals:
        cells[name] = [cell for part in parts for cell in part.cells.get(name, [None] * len(part))]
        found = sorted({part.widths[name] for part in parts if part.widths.get(name)})
        if len(found) > 1:
            raise ValueError(
                f"The frames of the modality {name!r} have {listed(found)} dimensions in "
                "different corpora. All corpora must come from one encoder."
            )
        widths[name] = found[0] if found else 0
    said = [text is not None for part in parts for text in part.texts]
    shown = [any(cells[name][i] is not None for name in signals) for i in range(len(said))]
    kept = [tokens if a or b else None for tokens, a, b in zip(texts, said, shown, strict=True)]
    lengths = [[0 if cell is None else len(cell) for cell in kept]]
    for name in signals:
        lengths.append([n for part in parts for n in part.lengths.get(name, [0] * len(part))])
    X = pd.DataFrame(index=rows)
    counts = np.array(lengths, dtype=np.intp).T
    return FrameTable(X, {}, {TEXT: kept, **cells}, counts, widths)
