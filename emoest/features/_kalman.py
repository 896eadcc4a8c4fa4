"""Numerics of smoothing: the local level model, its noise, and the moving average.

Model: ``x_t = x_{t-1} + e`` with e ~ N(0, Q), ``z_t = x_t + v`` with v ~ N(0, R), and
x_1 ~ N(m, P), m the mean of the sequence; P may be infinite, so that the first frame alone says
where the level starts. Every dimension is a model of its own, with its own Q, R and P.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from emoest.utils.typing import Floats

# A variance of 0, as constant frames have, would divide by zero.
_FLOOR = 1e-12
_RATIOS = 10.0 ** np.arange(-6, 2.5, 0.5)


@dataclass(frozen=True)
class Noise:
    """Variances of the local level model, each a number or one a dimension.

    Parameters
    ----------
    process : float or ndarray of shape (n_dims,)
        Q, variance of the level's step from one frame to the next.
    observation : float or ndarray of shape (n_dims,)
        R, variance of a frame around the level.
    initial : float or ndarray of shape (n_dims,)
        P, variance of the first level around the mean of the sequence; infinite where nothing is
        known about it.
    """

    process: float | Floats
    observation: float | Floats
    initial: float | Floats


@dataclass(frozen=True)
class _Gains:
    """What the filter needs and no data decide, by frame: (n_frames, n_dims) or (n_frames, 1)."""

    gain: Floats
    spread: Floats
    predicted: Floats
    filtered: Floats
    backward: Floats

    def first(self, n_frames: int) -> "_Gains":
        """Gains of a shorter sequence, which are the first of a longer one's."""
        parts = (self.gain, self.spread, self.predicted, self.filtered)
        return _Gains(*(part[:n_frames] for part in parts), self.backward[: n_frames - 1])


def smooth(frames: Floats, noise: Noise, *, backward: bool = True) -> Floats:
    """Estimate the level of each frame by the Kalman filter, and from the end by its smoother.

    Parameters
    ----------
    frames : ndarray of shape (n_frames, n_dims)
        One sequence, at least one frame.
    noise : Noise
        The variances.
    backward : bool, default=True
        Whether the Rauch-Tung-Striebel pass follows, so that a frame is estimated from the whole
        sequence and not only from what came before it.

    Returns
    -------
    level : ndarray of shape (n_frames, n_dims)

    Examples
    --------
    >>> frames = np.arange(1.0, 6.0)[:, None]
    >>> smooth(frames, Noise(1e-4, 1.0, 0.01)).ravel().round(6).tolist()
    [2.999976, 3.000176, 3.000476, 3.000776, 3.000975]
    """
    gains = _gains(len(frames), noise)
    level = _filter(frames, gains)
    return _smooth_back(level, gains) if backward else level


def learn_noise(
    sequences: Sequence[Floats], *, max_iter: int = 200, tol: float = 1e-6
) -> tuple[Noise, Floats]:
    """Learn Q and R from sequences by expectation maximization.

    The start of each level is taken as unknown (P infinite): with the mean of the sequence as a
    prior, the likelihood would reward Q = 0. The iterations start from the most likely of a few
    ratios Q / R.

    Parameters
    ----------
    sequences : sequence of ndarray of shape (n_frames, n_dims)
        Sequences of the same dimensions, each with a level of its own; one has two frames at
        least.
    max_iter : int, default=200
        Largest number of iterations.
    tol : float, default=1e-6
        Stop when no dimension gains so much log likelihood a frame.

    Returns
    -------
    noise : Noise
        Q and R, each of shape (n_dims,), and infinite P.
    likelihood : ndarray of shape (n_iter, n_dims)
        Log likelihood a frame before each iteration.

    Examples
    --------
    >>> random = np.random.RandomState(0)
    >>> level = np.cumsum(random.normal(scale=0.5, size=(1000, 1)), axis=0)
    >>> noise, _ = learn_noise([level + random.normal(size=(1000, 1))])
    >>> noise.process.round(1).tolist(), noise.observation.round(1).tolist()
    ([0.2...], [1.0])
    """
    sequences = [frames for frames in sequences if len(frames) > 1]
    noise = _first_guess(sequences)
    n_frames = sum(len(frames) - 1 for frames in sequences)
    history: list[Floats] = []
    for _ in range(max_iter):
        noise, total = _iterate(sequences, noise)
        history.append(total / n_frames)
        if len(history) > 1 and (history[-1] - history[-2] < tol).all():
            break
    return noise, np.array(history)


def moving_average(frames: Floats, window: int) -> Floats:
    """Average each frame with its neighbors; the window shrinks at both ends.

    Parameters
    ----------
    frames : ndarray of shape (n_frames, n_dims)
        One sequence.
    window : int
        Number of frames in the window, odd.

    Returns
    -------
    averaged : ndarray of shape (n_frames, n_dims)

    Examples
    --------
    >>> moving_average(np.array([[0.0], [3.0], [6.0], [0.0]]), 3).ravel().tolist()
    [1.5, 3.0, 3.0, 3.0]
    """
    n_frames = len(frames)
    half = window // 2
    start = np.maximum(np.arange(n_frames) - half, 0)
    stop = np.minimum(np.arange(n_frames) + half + 1, n_frames)
    # Running sums of values far from zero would lose digits.
    center = frames.mean(axis=0)
    sums = np.vstack([np.zeros((1, frames.shape[1])), np.cumsum(frames - center, axis=0)])
    return center + (sums[stop] - sums[start]) / (stop - start)[:, None]


def _gains(n_frames: int, noise: Noise) -> _Gains:
    process, observation, initial = (
        np.atleast_1d(np.asarray(value, dtype=np.float64))
        for value in (noise.process, noise.observation, noise.initial)
    )
    n_dims = np.broadcast_shapes(process.shape, observation.shape, initial.shape)
    predicted, filtered = np.empty((2, n_frames, *n_dims))
    variance = initial
    for t in range(n_frames):
        predicted[t] = variance
        # In this form the first variance may be infinite: 1 / inf is 0.
        filtered[t] = 1 / (1 / variance + 1 / observation)
        variance = filtered[t] + process
    spread = predicted + observation
    return _Gains(
        filtered / observation, spread, predicted, filtered, filtered[:-1] / predicted[1:]
    )


def _filter(frames: Floats, gains: _Gains) -> Floats:
    level = np.empty_like(frames)
    estimate = frames.mean(axis=0)
    for t, frame in enumerate(frames):
        estimate = estimate + gains.gain[t] * (frame - estimate)
        level[t] = estimate
    return level


def _smooth_back(level: Floats, gains: _Gains) -> Floats:
    smoothed = level.copy()
    for t in range(len(level) - 2, -1, -1):
        smoothed[t] += gains.backward[t] * (smoothed[t + 1] - level[t])
    return smoothed


def _first_guess(sequences: Sequence[Floats]) -> Noise:
    """The ratio Q / R of `_RATIOS` that is most likely, with the most likely R for it."""
    n_frames = sum(len(frames) - 1 for frames in sequences)
    likelihoods, observations = [], []
    for ratio in _RATIOS:
        longest = _gains(max(len(frames) for frames in sequences), Noise(ratio, 1.0, np.inf))
        squares = np.zeros(sequences[0].shape[1])
        logarithms = 0.0
        for frames in sequences:
            gains = longest.first(len(frames))
            squares += (_surprise(frames, _filter(frames, gains)) ** 2 / gains.spread[1:]).sum(0)
            logarithms += np.log(gains.spread[1:]).sum()
        observations.append(np.maximum(squares / n_frames, _FLOOR))
        likelihoods.append(-n_frames * np.log(observations[-1]) - logarithms)
    best = np.argmax(likelihoods, axis=0)
    observation = np.take_along_axis(np.array(observations), best[None], axis=0)[0]
    return Noise(_RATIOS[best] * observation, observation, np.inf)


def _iterate(sequences: Sequence[Floats], noise: Noise) -> tuple[Noise, Floats]:
    """One step of expectation maximization, and the log likelihood before it."""
    longest = _gains(max(len(frames) for frames in sequences), noise)
    process, observation, likelihood = np.zeros((3, sequences[0].shape[1]))
    n_steps = n_frames = 0
    for frames in sequences:
        gains = longest.first(len(frames))
        level = _filter(frames, gains)
        smoothed = _smooth_back(level, gains)
        variance = _smoothed_variance(gains)
        shared = gains.backward * variance[1:]
        process += (np.diff(smoothed, axis=0) ** 2 + variance[1:] + variance[:-1]).sum(axis=0)
        process -= 2 * shared.sum(axis=0)
        observation += ((frames - smoothed) ** 2 + variance).sum(axis=0)
        likelihood += _log_likelihood(frames, level, gains)
        n_steps += len(frames) - 1
        n_frames += len(frames)
    learned = (np.maximum(process / n_steps, _FLOOR), np.maximum(observation / n_frames, _FLOOR))
    return Noise(*learned, np.inf), likelihood


def _smoothed_variance(gains: _Gains) -> Floats:
    variance = gains.filtered.copy()
    for t in range(len(variance) - 2, -1, -1):
        variance[t] += gains.backward[t] ** 2 * (variance[t + 1] - gains.predicted[t + 1])
    return variance


def _surprise(frames: Floats, level: Floats) -> Floats:
    """What each frame but the first, which only says where the level starts, adds to the last."""
    return frames[1:] - level[:-1]


def _log_likelihood(frames: Floats, level: Floats, gains: _Gains) -> Floats:
    spread = gains.spread[1:]
    return -0.5 * (np.log(2 * np.pi * spread) + _surprise(frames, level) ** 2 / spread).sum(axis=0)
