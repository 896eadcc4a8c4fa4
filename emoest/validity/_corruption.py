"""Ways in which a modality goes wrong, as plain functions on one block of features."""

from typing import Any

import numpy as np

from emoest.tables.cells import Frames
from emoest.utils.seeds import RandomState, private_generator
from emoest.utils.typing import Floats, Mask, Rows

KINDS = ("zeros", "mean", "noise", "permute", "additive", "gain", "nan")


def corrupt_block(
    values: Floats,
    kind: str,
    *,
    mean: Floats | None = None,
    std: Floats | None = None,
    fraction: float = 1.0,
    snr: float = 0.0,
    gain: float = 3.0,
    random_state: RandomState = None,
) -> tuple[Floats, Mask]:
    """Corrupt one modality of some samples.

    Parameters
    ----------
    values : array-like of shape (n_samples, n_features)
        The block; rows that are wholly NaN are missing and stay so.
    kind : {"zeros", "mean", "noise", "permute", "additive", "gain", "nan"}
        ``"zeros"``: a dead channel. ``"mean"``: what an imputer gives. ``"noise"``: Gaussian with
        the features' mean and spread. ``"permute"``: another sample's block, which looks right but
        does not belong. ``"additive"``: Gaussian noise added at `snr`. ``"gain"``: the deviation
        from the mean times `gain`. ``"nan"``: missing.
    mean, std : ndarray of shape (n_features,), default=None
        Of the clean features; None takes those of `values`.
    fraction : float in [0, 1], default=1.0
        Proportion of the present samples, drawn at random, that is corrupted (rounded).
    snr : float, default=0.0
        Signal-to-noise ratio of ``"additive"`` in decibel, per feature.
    gain : float, default=3.0
        Factor of ``"gain"``.
    random_state : int, RandomState instance or None, default=None
        Draws samples and noise.

    Returns
    -------
    values : ndarray of shape (n_samples, n_features)
        A copy.
    corrupted : ndarray of bool, shape (n_samples,)
        Which samples were corrupted.

    Raises
    ------
    ValueError
        If `kind` is unknown.

    Examples
    --------
    >>> block, which = corrupt_block(np.ones((4, 2)), "zeros", fraction=0.5, random_state=0)
    >>> int(which.sum()), block[which].tolist()
    (2, [[0.0, 0.0], [0.0, 0.0]])
    """
    if kind not in KINDS:
        raise ValueError(f"kind={kind!r} is unknown; choose one of {list(KINDS)}.")
    values = np.array(values, dtype=np.float64)
    rng = private_generator(random_state)
    present = np.flatnonzero(~np.isnan(values).all(axis=1))
    chosen = _choose(present, fraction, rng)
    corrupted = np.zeros(len(values), dtype=bool)
    corrupted[chosen] = True
    if len(chosen):
        mean = np.nanmean(values[present], axis=0) if mean is None else mean
        std = np.nanstd(values[present], axis=0) if std is None else std
        how = {"kind": kind, "moments": (mean, std), "snr": snr, "gain": gain, "rng": rng}
        others = values[_other_rows(chosen, present, rng)]
        values[chosen] = _corrupted_rows(values[chosen], others, **how)
    return values, corrupted


def corrupt_cells(
    cells: list[Frames | None],
    kind: str,
    *,
    mean: Floats,
    std: Floats,
    fraction: float = 1.0,
    snr: float = 0.0,
    gain: float = 3.0,
    random_state: RandomState = None,
) -> dict[int, Frames | None]:
    """Corrupt the frames of one modality of some samples; numbers of frames stay as they are.

    Parameters
    ----------
    cells : list of (ndarray of shape (n_frames, n_dims) or None)
        The frames of each sample.
    kind : {"zeros", "mean", "noise", "permute", "additive", "gain", "nan"}
        See `corrupt_block`. ``"permute"`` gives another sample's frames, repeated from the start or
        cut to the number there was.
    mean, std : ndarray of shape (n_dims,)
        Of the clean frames.
    fraction, snr, gain, random_state
        See `corrupt_block`.

    Returns
    -------
    changes : dict of int to (ndarray or None)
        The new cells of the samples that were corrupted, by position.

    Examples
    --------
    >>> cells = [np.ones((1, 1), dtype="float32"), np.zeros((2, 1), dtype="float32")]
    >>> changes = corrupt_cells(cells, "permute", mean=np.zeros(1), std=np.ones(1))
    >>> {row: cell.ravel().tolist() for row, cell in sorted(changes.items())}
    {0: [0.0], 1: [1.0, 1.0]}
    """
    rng = private_generator(random_state)
    present = np.array([i for i, cell in enumerate(cells) if cell is not None], dtype=np.intp)
    chosen = _choose(present, fraction, rng)
    donors = _other_rows(chosen, present, rng) if len(chosen) else chosen
    how = {"kind": kind, "moments": (mean, std), "snr": snr, "gain": gain, "rng": rng}
    changes: dict[int, Frames | None] = {}
    for row, donor in zip(chosen.tolist(), donors.tolist(), strict=True):
        frames = np.asarray(cells[row], dtype=np.float64)
        new = _corrupted_rows(frames, np.resize(cells[donor], frames.shape), **how)
        changes[row] = None if kind == "nan" else np.asarray(new, dtype=np.float32)
    return changes


def _choose(present: Rows, fraction: float, rng: np.random.RandomState) -> Rows:
    return np.sort(rng.permutation(present)[: round(fraction * len(present))])


def _corrupted_rows(
    rows: Floats,
    others: Floats,
    *,
    kind: str,
    moments: tuple[Any, Any],
    snr: float,
    gain: float,
    rng: np.random.RandomState,
) -> Floats:
    """Return what the chosen rows become; `others` are rows of other samples."""
    mean, std = moments
    # Drawn whatever the kind, so that with one seed the next modality is corrupted in the same
    # samples by all kinds.
    noise = std * rng.standard_normal(rows.shape)
    made = {
        "zeros": np.zeros_like(rows),
        "mean": np.broadcast_to(mean, rows.shape),
        "noise": mean + noise,
        "permute": others,
        "additive": rows + 10 ** (-snr / 20) * noise,
        "gain": mean + gain * (rows - mean),
        "nan": np.full_like(rows, np.nan),
    }
    return made[kind]


def _other_rows(chosen: Rows, present: Rows, rng: np.random.RandomState) -> Rows:
    """Return another present row for each chosen one; chosen ones are passed round if they can."""
    if len(chosen) > 1:
        order = rng.permutation(len(chosen))
        donors = np.empty(len(chosen), dtype=np.intp)
        donors[order] = chosen[np.roll(order, 1)]
        return donors
    others = present[present != chosen[0]]
    return others[[rng.randint(len(others))]] if len(others) else chosen


def drop_modalities(
    missing: Mask,
    probabilities: Floats,
    *,
    keep_one: bool,
    rng: np.random.RandomState,
) -> Mask:
    """Draw which present modalities of each sample are dropped.

    Parameters
    ----------
    missing : ndarray of bool, shape (n_samples, n_modalities)
        What is missing already.
    probabilities : ndarray of shape (n_modalities,)
        Chance of each modality to be dropped.
    keep_one : bool
        Whether a sample that would lose all it has keeps one of them, drawn at random.
    rng : RandomState
        Draws.

    Returns
    -------
    dropped : ndarray of bool, shape (n_samples, n_modalities)

    Examples
    --------
    >>> rng = np.random.RandomState(0)
    >>> none = np.zeros((3, 2), dtype=bool)
    >>> drop_modalities(none, np.ones(2), keep_one=True, rng=rng).sum(axis=1).tolist()
    [1, 1, 1]
    """
    dropped = (rng.random_sample(missing.shape) < probabilities) & ~missing
    if keep_one:
        lottery = np.where(missing, -1.0, rng.random_sample(missing.shape))
        emptied = (missing | dropped).all(axis=1) & ~missing.all(axis=1)
        dropped[np.flatnonzero(emptied), lottery[emptied].argmax(axis=1)] = False
    return dropped
