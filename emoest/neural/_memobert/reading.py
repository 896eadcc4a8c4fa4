"""A table of texts, faces and audio as frames: words become numbers, the rest is as elsewhere."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from emoest.nets.cross_modal.clips import PROBS
from emoest.nets.cross_modal.pieces import Pieces, Template
from emoest.tables.cells import (
    describe,
    is_array,
    is_missing,
    is_path,
    object_column,
    present_frames,
    read_frames,
)
from emoest.tables.frames import FrameTable, read_frames_table
from emoest.tables.inputs import as_fitted
from emoest.tables.names import is_context, is_sidecar, modality_of
from emoest.tables.positions import positions_from_dict
from emoest.utils.messages import listed

ROLES = ("text", "face", "audio")
"""Modalities that are read, by what they are; `PROBS` stands beside faces."""


def find_roles(X: pd.DataFrame, modalities: Any) -> dict[str, Any]:
    """Find the columns of text, faces, audio and emotion probabilities of faces.

    Parameters
    ----------
    X : DataFrame
        The table.
    modalities : "auto", list of str or dict
        ``"auto"`` takes what there is; a list takes some; a dict names the columns of each.

    Returns
    -------
    roles : dict of str to list of int
        Positions of the columns of each, auxiliary ones too.

    Raises
    ------
    ValueError
        If X holds another modality, or none of these.

    Examples
    --------
    >>> find_roles(pd.DataFrame(columns=["audio__frames", "text", "speaker"]), "auto")
    {'text': [1], 'audio': [0]}
    """
    known = (*ROLES, PROBS)
    if isinstance(modalities, dict):
        found = {n: at.tolist() for n, at in positions_from_dict([*X.columns], modalities).items()}
    else:
        found = {}
        for i, column in enumerate(X.columns):
            if not is_context(column):
                found.setdefault(modality_of(column), []).append(i)
        if not isinstance(modalities, str):
            wanted = [*modalities, *([PROBS] if "face" in modalities else [])]
            if absent := [name for name in modalities if name not in found]:
                raise ValueError(
                    f"X has no column of {listed(absent)}; it has {listed(X.columns, 8)}."
                )
            found = {name: found[name] for name in wanted if name in found}
    if unknown := [name for name in found if name not in known]:
        raise ValueError(
            f"MEmoBERT reads {listed(ROLES)} (and {PROBS}), and X has {listed(unknown)}. Say "
            "which columns are which, for example modalities={'text': 'transcript', 'audio': "
            "'voice__frames'}, or name the modalities to read in a list."
        )
    roles = {name: found[name] for name in known if name in found}
    if not set(roles) - {PROBS}:
        raise ValueError(
            f"X has no column of {listed(ROLES)}; it has {listed(X.columns, 8)}. Give a "
            "DataFrame with a column 'text' of texts, and 'face__frames' and 'audio__frames'."
        )
    return roles


def read_texts(X: pd.DataFrame, roles: Mapping[str, Any]) -> list[str | None]:
    """Read the transcript of each row; None where there is none.

    Raises
    ------
    ValueError
        If a cell holds something else; the message names row and column.
    """
    at = [i for i in roles.get("text", ()) if not is_sidecar(X.columns[i])]
    if len(at) > 1:
        raise ValueError(f"The text needs one column; X has {listed(X.columns[at], quoted=True)}.")
    if not at:
        return [None] * len(X)
    texts: list[str | None] = []
    for row, cell in zip(X.index, X.iloc[:, at[0]], strict=True):
        items = [each for each in cell if not is_missing(each)] if isinstance(cell, list) else None
        text = cell if items is None else " ".join(map(str, items))
        if is_missing(text):
            texts.append(None)
        elif isinstance(text, str):
            texts.append(text)
        else:
            raise ValueError(
                f"row {row!r}, column {X.columns[at[0]]!r}: {type(cell).__name__} is no text. "
                "MEmoBERT reads the words themselves, not their embeddings."
            )
    return texts


def open_table(estimator: Any, X: Any, *, reset: bool) -> pd.DataFrame:
    """Return the table as a DataFrame with the columns of ``fit``.

    Raises
    ------
    ValueError
        If X is no DataFrame or has no rows.
    """
    X = as_fitted(estimator, X, reset=reset)
    X = X.to_frame() if isinstance(X, pd.Series) and X.name is not None else X
    name = type(estimator).__name__
    if not isinstance(X, pd.DataFrame):
        raise ValueError(
            f"{name} reads a DataFrame with the columns text, face__frames and audio__frames (one "
            f"of them at least), not {describe(X)}."
        )
    if not len(X):
        raise ValueError(
            f"Found array with 0 sample(s) (shape={X.shape}) while a minimum of 1 is required by "
            f"{name}."
        )
    return X


def read_clips(
    estimator: Any,
    X: pd.DataFrame,
    *,
    roles: Mapping[str, Any],
    texts: list[str | None],
    pieces: Pieces,
    template: Template,
    reset: bool,
    widths: Mapping[str, int] | None = None,
    limit: int | None = None,
) -> FrameTable:
    """Read a table of clips; text is frames of two numbers, the piece and its word.

    Parameters
    ----------
    estimator : estimator
        Whose method was called.
    X, roles, texts
        See `open_table`, `find_roles` and `read_texts`.
    pieces, template : Pieces and Template
        How texts are read.
    reset : bool
        True in ``fit``.
    widths : mapping of str to int, default=None
        Those of ``fit``.
    limit : int, default=None
        Pieces of a transcript that are kept.

    Returns
    -------
    table : FrameTable

    Raises
    ------
    ValueError
        If a cell cannot be used; the message names row and column.
    """
    if "text" in roles:
        cells = [None if text is None else template.fill(text, pieces, limit) for text in texts]
        at = next(i for i in roles["text"] if not is_sidecar(X.columns[i]))
        X = X.copy()
        X.isetitem(at, object_column(cells, X.index))
    asked = {name: list(at) for name, at in roles.items() if widths is None or name in widths}
    table = read_frames_table(estimator, X, reset=reset, modalities=asked, widths=widths, lazy=True)
    _match_probabilities(table)
    return table


def fill_faces(table: FrameTable, neutral: int) -> None:
    """Give samples without a face one frame of zeros, of whom a classifier would say neutral.

    Parameters
    ----------
    table : FrameTable
        The table, changed in place; samples that miss every modality stay as they are.
    neutral : int
        Position of the neutral class in the probabilities.

    Raises
    ------
    ValueError
        If the probabilities have no such class.
    """
    if "face" not in table.names:
        return
    n_emotions = table.widths.get(PROBS, neutral + 1)
    if neutral >= n_emotions:
        raise ValueError(f"no_face={neutral}: {PROBS} has {n_emotions} classes, counted from 0.")
    at = table.names.index("face")
    for row in np.flatnonzero((table.lengths[:, at] == 0) & ~table.empty):
        table.cells["face"][row] = np.zeros((1, table.widths["face"]), np.float32)
        table.lengths[row, at] = 1
        if PROBS in table.names:
            table.cells[PROBS][row] = np.eye(n_emotions, dtype=np.float32)[[neutral]]
            table.lengths[row, table.names.index(PROBS)] = 1


def _match_probabilities(table: FrameTable) -> None:
    """Drop absent frames, those of faces with their probabilities, and check the latter."""
    paired = PROBS in table.names and "face" in table.names
    if PROBS in table.names and not paired:
        table.lengths[:, table.names.index(PROBS)] = 0
    for j, (name, cells) in enumerate(table.cells.items()):
        if name == PROBS or (name == "face" and paired):
            continue
        for i, cell in enumerate(cells):
            if is_array(cell) and name != "text":
                cells[i] = present_frames(cell)
                table.lengths[i, j] = len(cells[i])
    if paired:
        for i in range(len(table.rows)):
            _pair(table, i)


def _pair(table: FrameTable, row: int) -> None:
    face, probs = table.names.index("face"), table.names.index(PROBS)
    where = f"row {table.rows[row]!r}"
    frames, given = table.cells["face"][row], table.cells[PROBS][row]
    if frames is None or given is None:
        table.cells[PROBS][row], table.lengths[row, probs] = None, 0
        if is_array(frames):
            table.cells["face"][row] = present_frames(frames)
            table.lengths[row, face] = len(table.cells["face"][row])
        return
    values = read_frames(given, name=where) if is_path(given) else given
    if len(values) != table.lengths[row, face]:
        raise ValueError(
            f"{where}: face has {table.lengths[row, face]} frames and {PROBS} {len(values)}. Each "
            "frame of a face needs its probabilities."
        )
    kept = ~np.isnan(values).all(axis=1)
    seen = read_frames(frames, name=where)
    assert seen is not None, "a missing face has left already"
    kept &= ~np.isnan(seen).all(axis=1)
    if is_array(frames):
        table.cells["face"][row], table.lengths[row, face] = frames[kept], kept.sum()
    elif not kept.all():
        raise ValueError(
            f"{where}: some frames of the face or of {PROBS} are absent, and the face is in a "
            "file. Drop these frames from both."
        )
    values = values[kept]
    total = values.sum(axis=1, keepdims=True)
    if not (values >= 0).all() or not np.allclose(total, 1.0, atol=0.02):
        raise ValueError(
            f"{where}: {PROBS} holds no probabilities (they are not negative and sum to 1 in each "
            "frame). Take the softmax of logits."
        )
    table.cells[PROBS][row], table.lengths[row, probs] = values / total, kept.sum()
