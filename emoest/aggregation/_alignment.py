"""Time-aligned modalities: frames of one averaged over the spans of another."""

from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.utils.validation import check_is_fitted, validate_data

from emoest.aggregation._base import FrameReader
from emoest.aggregation._spans import (
    EMPTY,
    PADDINGS,
    align_frames,
    fit_length,
    read_spans,
    spans_between,
)
from emoest.tables.cells import Frames, is_missing, object_column
from emoest.tables.frame_cells import FrameCell
from emoest.tables.frame_columns import as_frame
from emoest.utils import constraints
from emoest.utils._sklearn import StrOptions, fit_context
from emoest.utils.messages import listed
from emoest.utils.typing import Floats
from emoest.utils.warn import warn_user

# A few words fall between two frames of anything; more than this is another clock.
_MANY = 0.1


class FrameAligner(FrameReader):
    """Align the frames of all modalities in time with those of a reference modality.

    The frames of every other modality are averaged over the span of each frame of `to`, for
    example over each word, so that step t of all modalities is the same piece of time: what
    sequence nets such as `emoest.neural.MFNClassifier` need. A span without frames gets zeros, as a
    word during which the camera saw no face; where the reference is finer than what is aligned, so
    that spans fall between two frames, these are interpolated on request.

    Parameters
    ----------
    to : str, default="text"
        The reference modality, whose frames (words) say when each step begins and ends.
    length : int, default=None
        Number of steps that all cells are padded with zeros or cut to; None leaves them ragged.
    padding : {"front", "back"}, default="front"
        Where; see `fit_length`.
    rates : float or dict of str to float, default=None
        Frames per second of the modalities that have no column ``seconds`` beside their frames.
    empty : {"zeros", "interpolate"}, default="zeros"
        What a span gets that falls between two frames: zeros, with a warning where these are many,
        or what lies between the two, linearly.
    modalities : "auto" or list of str, default="auto"
        Whose frames to align; ``"auto"`` takes all. Other columns pass through.

    Attributes
    ----------
    n_dims_ : dict of str to int
        Width of the frames of each modality.
    frames_ : dict of str to FrameColumn
        Where the frames of each modality stand in X.
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of str
        Their names, when X was a DataFrame.

    Raises
    ------
    ValueError
        If `to` is no modality of X, nothing says when the frames of a modality are, or times and
        frames of a row differ in number; the message names row and column.

    Warns
    -----
    UserWarning
        If rows miss `to`, the reference: each of their other modalities becomes one frame, its
        mean; or if more than a tenth of the spans fall between two frames of a modality and get
        zeros.

    See Also
    --------
    StatisticsPooling : One vector a row, where time does not matter.

    Notes
    -----
    When frames are is read from the auxiliary column ``seconds``: one number a frame is a duration,
    and frames follow each other from 0 on (as embedders of this package give it); a pair is
    beginning and end, which words need that have pauses between them. A frame belongs to the span
    that its middle falls into. Values that are not finite are left out of the means. Auxiliary
    columns are dropped, and a modality that no row of ``fit`` has.

    Examples
    --------
    >>> from emoest.tables.cells import object_column
    >>> words = object_column([np.ones((2, 3))], range(1))
    >>> times = object_column([np.array([[0.0, 0.2], [0.5, 0.6]])], range(1))
    >>> sound = object_column([np.arange(6.0)[:, None]], range(1))
    >>> X = pd.DataFrame(
    ...     {"text__frames": words, "text__seconds": times, "audio__frames": sound}
    ... )
    >>> aligned = FrameAligner("text", rates={"audio": 10}).fit_transform(X)
    >>> aligned["audio__frames"].iloc[0].ravel().tolist()
    [0.5, 5.0]
    """

    _parameter_constraints: dict = {
        "to": [str],
        "length": [constraints.POSITIVE_INT, None],
        "padding": [StrOptions(set(PADDINGS))],
        "rates": [constraints.POSITIVE_REAL, dict, None],
        "empty": [StrOptions(set(EMPTY))],
        **FrameReader._parameter_constraints,
    }

    def __init__(
        self,
        to: str = "text",
        *,
        length: int | None = None,
        padding: str = "front",
        rates: Any = None,
        empty: str = "zeros",
        modalities: Any = "auto",
    ) -> None:
        self.to = to
        self.length = length
        self.padding = padding
        self.rates = rates
        self.empty = empty
        self.modalities = modalities

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> "FrameAligner":
        """Find the frames of each modality and what says when they are; nothing else.

        Parameters
        ----------
        X : DataFrame of shape (n_samples, n_columns)
            One object column of frames per modality, with its auxiliary columns.
        y : None
            Ignored.

        Returns
        -------
        self : FrameAligner
        """
        X = as_frame(X)
        validate_data(self, X, reset=True, skip_check_array=True)
        wanted = self.modalities
        if not isinstance(wanted, str):
            wanted = list(dict.fromkeys([*wanted, self.to]))
        self._find(X, wanted, [])
        if self.to not in self.frames_:
            raise ValueError(f"to={self.to!r} is no modality of X: {list(self.frames_)}.")
        # Before modalities are left out: rates may name one that this fold lacks.
        self._check_rates()
        self._measure(X)
        if self.to not in self.frames_:
            raise ValueError(
                f"FrameAligner has nothing to align with: none of the {len(X)} rows of X has "
                f"frames of to={self.to!r}."
            )
        return self

    def _check_rates(self) -> None:
        given = self.rates if isinstance(self.rates, Mapping) else {}
        unknown = [name for name in given if name not in self.frames_]
        if unknown:
            raise ValueError(
                f"rates names {unknown[0]!r}, which is no modality of X: {list(self.frames_)}."
            )
        wrong = {k: v for k, v in given.items() if not (isinstance(v, Real) and v > 0)}
        if wrong:
            raise ValueError(f"rates must be frames per second, above zero; found {wrong}.")
        for name, column in self.frames_.items():
            alone = len(self.frames_) == 1
            if not alone and "seconds" not in column.sidecars and self._rate(name) is None:
                raise ValueError(
                    f"Nothing says when the frames of {name!r} are. Put a column "
                    f"'{name}__seconds' beside {column.column!r}, or pass rates={{{name!r}: "
                    "frames per second}."
                )

    def _rate(self, name: str) -> float | None:
        return self.rates.get(name) if isinstance(self.rates, Mapping) else self.rates

    def transform(self, X: Any) -> pd.DataFrame:
        """Align the frames of each row.

        Parameters
        ----------
        X : DataFrame of shape (n_samples, n_columns)
            The columns of ``fit``.

        Returns
        -------
        X_out : DataFrame of shape (n_samples, n_columns_out)
            The frames of each modality, all equally long in a row, then other columns that were
            there, then context. A missing cell stays missing.
        """
        check_is_fitted(self)
        X = as_frame(X)
        validate_data(self, X, reset=False, skip_check_array=True)
        aligned: dict[str, list[Frames | None]] = {name: [] for name in self.frames_}
        unreferenced = []
        # Of each modality the spans that fall between two of its frames, and all spans.
        counts = {name: np.zeros(2, dtype=int) for name in self.frames_}
        columns = zip(*(self._read(X, name) for name in self.frames_), strict=True)
        for label, row in zip(X.index, columns, strict=True):
            cells = {c.modality: c for c in row if c is not None and c.frames.size}
            for name, cell in self._align_row(cells, counts).items():
                aligned[name].append(cell)
            if self.to not in cells and cells:
                unreferenced.append(label)
        if unreferenced:
            warn_user(
                f"FrameAligner: rows {listed(unreferenced, quoted=True)} miss {self.to!r}, which "
                "is the reference, so each of their other modalities becomes one frame.",
            )
        self._warn_of_finer_reference(counts)
        parts = [
            object_column(aligned[name], X.index, X.columns[column.position]).to_frame()
            for name, column in self.frames_.items()
        ]
        return self._assemble(X, parts)

    def _names_of(self, modality: str) -> list[Any]:
        return [self._names_in()[self.frames_[modality].position]]

    def _warn_of_finer_reference(self, counts: dict[str, npt.NDArray[np.intp]]) -> None:
        for name, (between, total) in counts.items():
            if self.empty == "zeros" and between > _MANY * total:
                warn_user(
                    f"FrameAligner: {between} of {total} frames of {self.to!r} fall between two "
                    f"frames of {name!r}, which get zeros there: {self.to!r} is finer than what it "
                    "aligns. Take empty='interpolate', shorter steps between the frames of "
                    f"{name!r}, or another reference."
                )

    def _align_row(
        self, cells: dict[str, FrameCell], counts: dict[str, npt.NDArray[np.intp]]
    ) -> dict[str, Frames | None]:
        aligned: dict[str, Frames | None] = dict.fromkeys(self.frames_)
        reference = cells.get(self.to)
        # Without a reference the whole row is one span, and times do not matter.
        spans = np.array([[-np.inf, np.inf]])
        if reference is not None and len(self.frames_) > 1:
            spans = self._spans(reference)
        for name, cell in cells.items():
            frames = cell.frames
            if name != self.to:
                known = reference is not None
                times = self._spans(cell).mean(axis=1) if known else np.zeros(len(frames))
                if known:
                    counts[name] += [spans_between(times, spans).sum(), len(spans)]
                frames = align_frames(frames, times, spans, empty=self.empty)
            if self.length is not None:
                frames = fit_length(frames, self.length, self.padding)
            aligned[name] = frames
        return aligned

    def _spans(self, cell: FrameCell) -> Floats:
        """Return beginning and end of each frame, in seconds."""
        n_frames, rate = len(cell.frames), self._rate(cell.modality)
        position = cell.column.sidecars.get("seconds")
        found = None if position is None else cell.beside(position)
        if not is_missing(found):
            return read_spans(found, n_frames, cell.where(position))
        if rate is None:
            raise ValueError(
                f"{cell.where(position)} is missing, so nothing says when the {n_frames} frames "
                f"of {cell.column.column!r} are. Fill it, or pass rates={{{cell.modality!r}: "
                "frames per second}."
            )
        edges = np.arange(n_frames + 1) / rate
        return np.column_stack([edges[:-1], edges[1:]])
