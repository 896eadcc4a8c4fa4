"""LinearDynamicSmoother and MovingAverage: frames made smoother along each trial."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted, validate_data

from emoest.features._kalman import Noise, learn_noise, moving_average, smooth
from emoest.tables.cells import object_column, present_frames
from emoest.tables.frame_cells import find_widths, read_cells
from emoest.tables.frame_columns import as_frame, find_frame_columns
from emoest.tables.frames import kept_positions
from emoest.utils import constraints
from emoest.utils._sklearn import Interval, StrOptions, fit_context
from emoest.utils.messages import listed
from emoest.utils.warn import warn_user


class FrameSmoother(TransformerMixin, BaseEstimator):
    """Base of transformers that change the frames of each row and keep all else.

    A subclass has the parameter ``modalities`` and writes ``_smooth`` (one row's frames to as many
    frames); it may write ``_learn`` (called in fit with the frames of each modality).
    """

    _parameter_constraints: dict = {"modalities": [StrOptions({"auto"}), list, tuple]}

    def _smooth(self, frames: np.ndarray, modality: str) -> np.ndarray:
        raise NotImplementedError

    def _learn(self, frames: dict[str, list[np.ndarray]]) -> None:
        """Learn in `fit` from the frames of each modality."""

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> "FrameSmoother":
        """Find the frames of each modality, and learn from them what the parameters ask for.

        Parameters
        ----------
        X : DataFrame of shape (n_samples, n_columns)
            One object column of frames per modality; other columns, numbers too, may stand beside
            it and pass through. Each cell is one trial. An object array counts as one modality,
            frames first.
        y : object, default=None
            Ignored.

        Returns
        -------
        self : object
            The fitted transformer.

        Raises
        ------
        ValueError
            If a modality has no column of frames or several, or if its frames do not serve.

        Warns
        -----
        UserWarning
            Of a modality that has no frames in any row: no columns come out of it, in prediction
            neither.
        """
        X = as_frame(X)
        validate_data(self, X, skip_check_array=True, reset=True)
        found = find_frame_columns(X, self.modalities, numbers="pass")
        widths = find_widths(X, found)
        if not widths:
            raise ValueError(
                f"{type(self).__name__} has nothing to learn from: none of the {len(X)} rows of X "
                f"has frames in any modality ({listed(found)})."
            )
        self._widths = widths
        self._columns = {name: found[name] for name in widths}
        self._left_out = {name: found[name] for name in found if name not in widths}
        self._learn({name: self._trials(X, name) for name in widths})
        return self

    def _trials(self, X: pd.DataFrame, name: str) -> list[np.ndarray]:
        """Frames of each row that has any; every cell is looked at, even if nothing is learned."""
        cells = read_cells(X, name, self._columns[name])
        return [present_frames(cell.frames) for cell in cells if cell is not None]

    def transform(self, X: Any) -> pd.DataFrame:
        """Smooth the frames of each row along their time.

        Parameters
        ----------
        X : DataFrame of shape (n_samples, n_columns)
            The columns of `fit`.

        Returns
        -------
        X_out : DataFrame of shape (n_samples, n_columns)
            X with its frames smoothed, context columns last. A missing cell stays missing, and so
            does a frame that is NaN throughout; the others are smoothed as if they followed each
            other.

        Raises
        ------
        ValueError
            If a cell holds no frames or NaN; the message names row and column.
        """
        check_is_fitted(self)
        X = as_frame(X)
        validate_data(self, X, skip_check_array=True, reset=False)
        output = X.copy(deep=False)
        for name, column in self._columns.items():
            cells = [
                None if cell is None else self._smooth_cell(cell.frames, name)
                for cell in read_cells(X, name, column, self._widths[name])
            ]
            output.isetitem(column.position, object_column(cells, X.index))
        return output.iloc[:, kept_positions(X.columns, self._left_out)]

    def _smooth_cell(self, frames: np.ndarray, modality: str) -> np.ndarray:
        """Smooth the frames that are there; absent ones keep their place."""
        present = present_frames(frames)
        if not present.size:
            return frames
        smoothed = self._smooth(present, modality).astype(np.float32)
        if len(present) == len(frames):
            return smoothed
        output = np.full(frames.shape, np.nan, dtype=np.float32)
        output[~np.isnan(frames).all(axis=1)] = smoothed
        return output

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Name the columns that `transform` gives.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the columns that go in; None takes those of `fit`.

        Returns
        -------
        names : ndarray of str objects
            The same names, context columns last.
        """
        check_is_fitted(self)
        names = getattr(self, "feature_names_in_", input_features)
        names = np.asarray(range(self.n_features_in_) if names is None else names, dtype=object)
        return names[kept_positions(names, self._left_out)]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.allow_nan = True
        return tags


class LinearDynamicSmoother(FrameSmoother):
    """Smooth frames by a linear dynamic system: a slow level under noisy frames.

    Each dimension follows ``x_t = x_{t-1} + e``, e ~ N(0, Q), seen as ``z_t = x_t + v``,
    v ~ N(0, R), from x_1 ~ N(mean of the trial, P) on. The level is estimated by the Kalman filter
    and the Rauch-Tung-Striebel smoother. Every cell is one trial; nothing passes from one cell to
    another. Give it cells of one trial: in a cell made from a list, trials run into each other.

    Parameters
    ----------
    noise : {"fixed", "em"}, default="fixed"
        ``"fixed"`` takes the three variances below. ``"em"`` learns Q and R in `fit`, one of each a
        dimension, by expectation maximization over the trials of X, and takes the start of each
        trial as unknown: P is infinite, and the mean of the trial has no part.
    process_noise : float, default=1e-4
        Q, for ``"fixed"``.
    observation_noise : float, default=1.0
        R, for ``"fixed"``.
    initial_variance : float, default=0.01
        P, for ``"fixed"``.
    backward : bool, default=True
        Whether the smoother's backward pass follows. Without it a frame knows the frames before it
        and, with ``"fixed"``, the mean of the trial.
    max_iter : int, default=200
        Largest number of iterations of ``"em"``.
    tol : float, default=1e-6
        ``"em"`` stops when no dimension gains so much log likelihood a frame.
    modalities : "auto" or list of str, default="auto"
        Which modalities have their frames smoothed; ``"auto"`` takes all.

    Attributes
    ----------
    process_noise_, observation_noise_ : dict of str to ndarray of shape (n_dims,)
        With ``"em"``, Q and R of each modality; empty with ``"fixed"``.
    n_iter_ : dict of str to int
        With ``"em"``, the iterations that each modality took.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of str
        Their names.

    Raises
    ------
    ValueError
        In `fit` with ``"em"``, if a modality has no trial of two frames or more.

    Warns
    -----
    ConvergenceWarning
        If `max_iter` ends ``"em"``.

    Notes
    -----
    Smoothing of EEG features by such a system is due to Shi and Lu [1]_. The default variances are
    those of the public toolkit LibEER; with them the gain settles near 0.01, so that what comes out
    is nearly the mean of the trial. That helps a classifier of trials, and makes windows of one
    trial nearly equal, so that a split by windows instead of trials or speakers leaks. The first
    step here subtracts the prior mean from the first frame, as the filter demands (that toolkit
    subtracts P there). The variances of the authors of SEED are not published.

    References
    ----------
    .. [1] L.-C. Shi, B.-L. Lu, "Off-line and on-line vigilance estimation based on linear dynamical
       system and manifold learning", IEEE Engineering in Medicine and Biology Conference, 2010.

    Examples
    --------
    >>> import pandas as pd
    >>> trial = np.arange(1.0, 6.0, dtype="float32")[:, None]
    >>> X = pd.DataFrame({"eeg__de_frames": [trial, None]})
    >>> LinearDynamicSmoother().fit_transform(X)["eeg__de_frames"][0].ravel().round(4).tolist()
    [3.0, 3.0002..., 3.0004..., 3.0007..., 3.0009...]
    """

    _parameter_constraints: dict = {
        "noise": [StrOptions({"fixed", "em"})],
        "process_noise": [constraints.NON_NEGATIVE_REAL],
        "observation_noise": [constraints.POSITIVE_REAL],
        "initial_variance": [constraints.POSITIVE_REAL],
        "backward": ["boolean"],
        "max_iter": [constraints.POSITIVE_INT],
        "tol": [constraints.NON_NEGATIVE_REAL],
        **FrameSmoother._parameter_constraints,
    }

    def __init__(
        self,
        *,
        noise: str = "fixed",
        process_noise: float = 1e-4,
        observation_noise: float = 1.0,
        initial_variance: float = 0.01,
        backward: bool = True,
        max_iter: int = 200,
        tol: float = 1e-6,
        modalities: str | Sequence[str] = "auto",
    ):
        self.noise = noise
        self.process_noise = process_noise
        self.observation_noise = observation_noise
        self.initial_variance = initial_variance
        self.backward = backward
        self.max_iter = max_iter
        self.tol = tol
        self.modalities = modalities

    def _learn(self, frames: dict[str, list[np.ndarray]]) -> None:
        self.process_noise_: dict[str, np.ndarray] = {}
        self.observation_noise_: dict[str, np.ndarray] = {}
        self.n_iter_: dict[str, int] = {}
        if self.noise == "fixed":
            return
        for modality, cells in frames.items():
            sequences = [cell.astype(np.float64) for cell in cells if len(cell)]
            _check_sequences(sequences, modality)
            learned, history = learn_noise(sequences, max_iter=self.max_iter, tol=self.tol)
            self.process_noise_[modality] = learned.process
            self.observation_noise_[modality] = learned.observation
            self.n_iter_[modality] = len(history)
            if len(history) < 2 or (history[-1] - history[-2] >= self.tol).any():
                warn_user(
                    f"The noise of the modality {modality!r} was still changing after "
                    f"{len(history)} iterations. Increase max_iter or tol.",
                    ConvergenceWarning,
                )

    def _smooth(self, frames: np.ndarray, modality: str) -> np.ndarray:
        noise = Noise(self.process_noise, self.observation_noise, self.initial_variance)
        if self.noise == "em":
            process = self.process_noise_[modality]
            noise = Noise(process, self.observation_noise_[modality], np.inf)
        return smooth(frames.astype(np.float64), noise, backward=self.backward)


class MovingAverage(FrameSmoother):
    """Average each frame with its neighbors in time; at both ends of a trial the window shrinks.

    Every cell is one trial; nothing passes from one cell to another.

    Parameters
    ----------
    window : int, default=5
        Number of frames in the centered window, odd; 5 windows of 4 s are 20 s.
    modalities : "auto" or list of str, default="auto"
        Which modalities have their frames smoothed; ``"auto"`` takes all.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of str
        Their names.

    Raises
    ------
    ValueError
        In `fit`, if `window` is even.

    Notes
    -----
    SEED and SEED-IV carry features smoothed so (``de_movingAve``); the length of their window is
    not published, 5 is a choice.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"eeg__de_frames": [np.array([[0.0], [3.0], [6.0]]), None]})
    >>> MovingAverage(window=3).fit_transform(X)["eeg__de_frames"][0].ravel().tolist()
    [1.5, 3.0, 4.5]
    """

    _parameter_constraints: dict = {
        "window": [Interval(Integral, 1, None, closed="left")],
        **FrameSmoother._parameter_constraints,
    }

    def __init__(self, *, window: int = 5, modalities: str | Sequence[str] = "auto"):
        self.window = window
        self.modalities = modalities

    def _learn(self, frames: dict[str, list[np.ndarray]]) -> None:
        if self.window % 2 == 0:
            raise ValueError(
                f"window={self.window} has no middle frame: pass an odd number, such as "
                f"{self.window + 1}."
            )

    def _smooth(self, frames: np.ndarray, modality: str) -> np.ndarray:
        return moving_average(frames.astype(np.float64), self.window)


def _check_sequences(sequences: list[np.ndarray], modality: str) -> None:
    if not any(len(frames) > 1 for frames in sequences):
        raise ValueError(
            f"noise='em' learns from trials of two frames or more; the modality {modality!r} has "
            "none. Pass noise='fixed', or fit on rows that have such trials."
        )
