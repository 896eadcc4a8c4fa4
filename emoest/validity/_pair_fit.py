"""The check of one pair of modalities: canonical directions, held-out strength, threshold."""

from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np

from emoest.tables.groups import Split
from emoest.utils.typing import Floats, Mask, Rows
from emoest.validity._agreement import score_samples
from emoest.validity._base import Pair
from emoest.validity._cca import (
    MAX_CORRELATION,
    CanonicalPair,
    check_enough_samples,
    column_correlations,
    join,
)
from emoest.validity._frame_summaries import PairSamples
from emoest.validity._whitening import Whitened, whiten

MIN_SAMPLES = 3


@dataclass(frozen=True)
class PairOptions:
    """Parameters of the filter by which pairs are fitted."""

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
        """Check whether any component holds on samples that were not used to find it."""
        return bool((self.correlations > 0).any())

    @property
    def auc(self) -> float:
        """Compute the chance that a matched sample scores higher than a mismatched one."""
        matched = np.sort(self.scores[~np.isnan(self.scores)])
        other = self.mismatched[~np.isnan(self.mismatched)]
        if len(matched) == 0 or len(other) == 0:
            return float("nan")
        below = np.searchsorted(matched, other, side="left")
        ties = np.searchsorted(matched, other, side="right") - below
        return float(1 - (below + ties / 2).mean() / len(matched))

    def typicality(self, name: str, u: Floats) -> Floats:
        """Compute the two-sided tail probability of the norm of a modality's canonical scores."""
        norms = self.norms[name]
        if len(norms) == 0:
            return np.zeros(len(u))
        norm = (u**2).mean(axis=1)
        low = np.searchsorted(norms, norm, side="right") / len(norms)
        high = 1 - np.searchsorted(norms, norm, side="left") / len(norms)
        return np.minimum(1.0, 2 * np.minimum(low, high))


@dataclass
class _HeldOut:
    """Held-out canonical scores of one pair, gathered over the splits."""

    u: list[Floats] = field(default_factory=list)
    v: list[Floats] = field(default_factory=list)
    rows: list[Rows] = field(default_factory=list)

    def add(self, u: Floats, v: Floats, rows: Rows) -> None:
        for parts, part in ((self.u, u), (self.v, v), (self.rows, rows)):
            parts.append(part)

    def width(self) -> int:
        # The training parts may differ in rank, and with it in their number of components.
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
    """Compute the smallest held-out correlation that counts as more than noise.

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
    samples: PairSamples,
    pairs: list[Pair],
    splits: list[Split],
    fitted_on: Mask,
    options: PairOptions,
) -> dict[Pair, PairCheck]:
    """Fit the check of each pair; pairs for which there is nothing to fit are left out.

    Parameters
    ----------
    samples : PairSamples
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
        inside, outside = np.zeros((2, samples.n_samples), dtype=bool)
        inside[train], outside[test] = True, True
        found = _directions(samples, pairs, inside & fitted_on, options)
        for pair, directions in found.items():
            u, v, rows = project(samples, pair, directions, outside)
            if len(rows):
                held_out[pair].add(u, v, rows)
    checks = {}
    for pair, directions in _directions(samples, pairs, fitted_on, options).items():
        if held_out[pair].width() > 0:
            checks[pair] = _calibrate(held_out[pair], pair, directions, samples, options)
    return checks


def _directions(
    samples: PairSamples, pairs: list[Pair], chosen: Mask, options: PairOptions
) -> dict[Pair, CanonicalPair]:
    """Find the canonical directions of each pair in the chosen samples."""
    # A block is whitened once for all pairs that have both modalities in the same samples.
    white: dict[tuple[str, bytes], Whitened] = {}

    def whitened(name: str, both: Mask) -> Whitened:
        key = (name, both.tobytes())
        if key not in white:
            block = samples.select(name, both)
            check_enough_samples(*block.shape, options.shrinkage, f"a modality {name!r}")
            white[key] = whiten(block, shrinkage=options.shrinkage, scale=options.scale)
        return white[key]

    found = {}
    for pair in pairs:
        both = chosen & samples.both(*pair)
        if both.sum() < MIN_SAMPLES:
            continue
        x, y = (whitened(name, both) for name in pair)
        directions = join(x, y, options.n_components)
        if directions.n_components > 0:
            found[pair] = directions
    return found


def project(
    samples: PairSamples, pair: Pair, directions: CanonicalPair, chosen: Mask | None = None
) -> tuple[Floats, Floats, Rows]:
    """Compute canonical scores of the samples that have both modalities, and whose they are."""
    both = samples.both(*pair)
    if chosen is not None:
        both &= chosen
    u, v = directions.scores(*(samples.select(name, both) for name in pair))
    return u, v, samples.samples_of(pair[0], both)


def _calibrate(
    gathered: _HeldOut,
    pair: Pair,
    directions: CanonicalPair,
    samples: PairSamples,
    options: PairOptions,
) -> PairCheck:
    rows = np.concatenate(gathered.rows)
    # Steps of one row resemble each other, so only rows count as independent.
    rho = gathered.correlations(len(np.unique(samples.owners[rows])))
    k = min(len(rho), directions.n_components)
    rho = np.pad(rho[:k], (0, directions.n_components - k))
    u, v = (np.concatenate([w[:, :k] for w in part]) for part in (gathered.u, gathered.v))
    how = {"score": options.score, "rows": rows, "n_samples": samples.n_samples}
    scores = score_samples(u, v, rho[:k], **how)
    shifted = np.concatenate([_other_sample(w[:, :k]) for w in gathered.v])
    mismatched = score_samples(u, shifted, rho[:k], **how)
    norms = {name: np.sort((w**2).mean(axis=1)) for name, w in zip(pair, (u, v), strict=True)}
    return PairCheck(directions, rho, scores, mismatched, norms)


def _other_sample(v: Floats) -> Floats:
    """Move rows on by half their number, so that each stands beside another sample."""
    # Half, and not one, because the next row may be the next frame of the same sample.
    return np.roll(v, max(1, len(v) // 2), axis=0)
