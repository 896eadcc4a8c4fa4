"""The check of one pair of modalities: canonical directions, held-out strength, threshold."""

from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from emoest.utils.typing import Floats, Mask
from emoest.validity._agreement import score_samples
from emoest.validity._cca import (
    MAX_CORRELATION,
    CanonicalPair,
    check_enough_samples,
    column_correlations,
    join,
)
from emoest.validity._frame_summaries import Readings
from emoest.validity._whitening import whiten

Pair = tuple[str, str]

MIN_SAMPLES = 3


@dataclass(frozen=True)
class PairOptions:
    """How pairs are fitted: the parameters of the filter that bear on it."""

    n_components: int | None
    shrinkage: float | str
    scale: bool
    score: str


@dataclass
class PairCheck:
    """What was learned of one pair of modalities.

    Parameters
    ----------
    directions : CanonicalPair
        Fitted on all training samples that have both modalities.
    correlations : ndarray of shape (n_components,)
        Held-out correlations, clipped to [0, `MAX_CORRELATION`]; 0 where not above noise.
    scores : ndarray of shape (n_samples,)
        Out-of-fold scores of the training samples; NaN where there is none.
    mismatched : ndarray
        Scores of held-out samples of one modality against those of another sample.
    norms : dict of str to ndarray
        Sorted mean squares of the out-of-fold canonical scores of either modality.
    """

    directions: CanonicalPair
    correlations: Floats
    scores: Floats
    mismatched: Floats
    norms: dict[str, Floats] = field(default_factory=dict)

    @property
    def informative(self) -> bool:
        """Whether any component holds on samples that were not used to find it."""
        return bool((self.correlations > 0).any())

    @property
    def separation(self) -> float:
        """Chance that a matched sample scores higher than a mismatched one (AUC)."""
        matched = np.sort(self.scores[~np.isnan(self.scores)])
        other = self.mismatched[~np.isnan(self.mismatched)]
        if len(matched) == 0 or len(other) == 0:
            return float("nan")
        below = np.searchsorted(matched, other, side="left")
        ties = np.searchsorted(matched, other, side="right") - below
        return float(1 - (below + ties / 2).mean() / len(matched))

    def typicality(self, name: str, u: Floats) -> Floats:
        """Two-sided tail probability of the size of the canonical scores of a modality."""
        norms = self.norms[name]
        if len(norms) == 0:
            return np.zeros(len(u))
        size = (u**2).mean(axis=1)
        low = np.searchsorted(norms, size, side="right") / len(norms)
        high = 1 - np.searchsorted(norms, size, side="left") / len(norms)
        return np.minimum(1.0, 2 * np.minimum(low, high))


@dataclass
class _HeldOut:
    """Held-out canonical scores of one pair, gathered over the splits."""

    u: list[Floats] = field(default_factory=list)
    v: list[Floats] = field(default_factory=list)
    rows: list[npt.NDArray[np.intp]] = field(default_factory=list)

    def width(self) -> int:
        return min((u.shape[1] for u in self.u), default=0)

    def correlations(self, n_independent: int) -> Floats:
        k = self.width()
        sizes = [len(u) for u in self.u]
        found = [
            column_correlations(u[:, :k], v[:, :k]) for u, v in zip(self.u, self.v, strict=True)
        ]
        mean = np.average(found, axis=0, weights=sizes)
        return np.where(mean > significance_floor(n_independent, k), mean, 0.0).clip(
            0.0, MAX_CORRELATION
        )


def significance_floor(n_samples: int, n_components: int) -> float:
    """Smallest held-out correlation that counts as more than noise.

    The one-sided 99 % point over all components (Bonferroni), divided by the square root of the
    number of independent samples: rows of the table, as the frames of one row resemble each other.

    Examples
    --------
    >>> round(significance_floor(400, 1), 3), round(significance_floor(400, 60), 3)
    (0.116, 0.179)
    """
    if n_components == 0:
        return 1.0
    return NormalDist().inv_cdf(1 - 0.01 / n_components) / n_samples**0.5


def fit_pairs(
    readings: Readings,
    pairs: list[Pair],
    splits: list[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]],
    fitted_on: Mask,
    options: PairOptions,
) -> dict[Pair, PairCheck]:
    """Fit the check of each pair; pairs for which there is nothing to fit are left out.

    Parameters
    ----------
    readings : Readings
        The training samples.
    pairs : list of pairs of modality names
        Which pairs.
    splits : list of (train, test) index arrays
        How samples are held out; see `emoest.validity._frame_summaries.spread`.
    fitted_on : ndarray of bool, shape (n_samples,)
        The samples that may be used to find directions.
    options : PairOptions
        How.

    Returns
    -------
    checks : dict of pair to PairCheck
    """
    held_out: dict[Pair, _HeldOut] = {pair: _HeldOut() for pair in pairs}
    for train, test in splits:
        inside, outside = np.zeros((2, readings.n_samples), dtype=bool)
        inside[train], outside[test] = True, True
        found = _directions(readings, pairs, inside & fitted_on, options)
        for pair, directions in found.items():
            _hold_out(held_out[pair], readings, pair, directions, outside)
    checks = {}
    for pair, directions in _directions(readings, pairs, fitted_on, options).items():
        if held_out[pair].width() > 0:
            checks[pair] = _calibrate(held_out[pair], pair, directions, readings, options)
    return checks


def _directions(
    readings: Readings, pairs: list[Pair], samples: Mask, options: PairOptions
) -> dict[Pair, CanonicalPair]:
    """Canonical directions of each pair; a block is whitened once for all pairs that share rows."""
    white: dict[tuple[str, bytes], tuple] = {}

    def whitened(name: str, chosen: Mask) -> tuple:
        key = (name, chosen.tobytes())
        if key not in white:
            block = readings.select(name, chosen)
            check_enough_samples(*block.shape, options.shrinkage, f"a modality {name!r}")
            white[key] = whiten(block, shrinkage=options.shrinkage, scale=options.scale)
        return white[key]

    found = {}
    for pair in pairs:
        chosen = samples & readings.both(*pair)
        if chosen.sum() < MIN_SAMPLES:
            continue
        x, y = (whitened(name, chosen) for name in pair)
        directions = join(x, y, options.n_components)
        if directions.n_components > 0:
            found[pair] = directions
    return found


def _hold_out(
    gathered: _HeldOut, readings: Readings, pair: Pair, directions: CanonicalPair, samples: Mask
) -> None:
    chosen = samples & readings.both(*pair)
    if not chosen.any():
        return
    u, v = directions.scores(*(readings.select(name, chosen) for name in pair))
    gathered.u.append(u)
    gathered.v.append(v)
    gathered.rows.append(readings.samples_of(pair[0], chosen))


def _calibrate(
    gathered: _HeldOut,
    pair: Pair,
    directions: CanonicalPair,
    readings: Readings,
    options: PairOptions,
) -> PairCheck:
    rows = np.concatenate(gathered.rows)
    rho = gathered.correlations(len(np.unique(readings.owners[rows])))
    k = min(len(rho), directions.n_components)
    rho = np.pad(rho[:k], (0, directions.n_components - k))
    u, v = (np.concatenate([w[:, :k] for w in part]) for part in (gathered.u, gathered.v))
    how = {"score": options.score, "rows": rows, "n_samples": readings.n_samples}
    scores = score_samples(u, v, rho[:k], **how)
    shifted = np.concatenate([_other_sample(w[:, :k]) for w in gathered.v])
    mismatched = score_samples(u, shifted, rho[:k], **how)
    norms = {name: np.sort((w**2).mean(axis=1)) for name, w in zip(pair, (u, v), strict=True)}
    return PairCheck(directions, rho, scores, mismatched, norms)


def _other_sample(v: Floats) -> Floats:
    """Rows moved on by half their number, so that each stands beside another sample."""
    return np.roll(v, max(1, len(v) // 2), axis=0)
