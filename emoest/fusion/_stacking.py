"""Weights of modalities, and stacking: a learner on out-of-fold answers."""

from typing import Any

import numpy as np
from sklearn.base import is_classifier

from emoest.fusion._modality_estimators import Training, seeded_clone
from emoest.utils.routing import fit_parameters
from emoest.utils.typing import Floats

WEIGHTED = ("weighted", "log_pool", "vote")
"""The rules that take weights."""


def check_weights(rule: str, weights: Any, names: list[str]) -> dict[str, float] | None:
    """Give each modality its weight by name.

    Raises
    ------
    ValueError
        If the rule needs weights or takes none, if a name is unknown or left out, or if a weight
        is negative or all are zero.

    Examples
    --------
    >>> check_weights("weighted", [3, 1], ["audio", "face"])
    {'audio': 3.0, 'face': 1.0}
    """
    if weights is None:
        if rule == "weighted":
            raise ValueError(
                f"rule='weighted' needs weights, such as {dict.fromkeys(names, 1.0)}. "
                "MonteCarloFusionClassifier learns them."
            )
        return None
    if rule not in WEIGHTED:
        raise ValueError(f"weights serve the rules {list(WEIGHTED)}, not rule={rule!r}.")
    if not isinstance(weights, dict):
        if len(weights) != len(names):
            raise ValueError(f"{len(weights)} weights were given for the modalities {names}.")
        weights = dict(zip(names, weights, strict=True))
    for name in [*weights, *names]:
        if name not in names or name not in weights:
            raise ValueError(f"weights has {list(weights)}, but the modalities are {names}.")
    chosen = {name: float(weights[name]) for name in names}
    if not np.isfinite(list(chosen.values())).all() or min(chosen.values()) < 0:
        raise ValueError(f"Weights of modalities must be finite and not negative; got {chosen}.")
    _refuse_zero_sum(chosen)
    return chosen


def _refuse_zero_sum(weights: dict[str, float]) -> None:
    if sum(weights.values()) == 0:
        raise ValueError(
            f"The weights of the modalities {list(weights)} sum to zero; give one of them at "
            "least a weight above zero."
        )


def kept_weights(weights: dict[str, float] | None, kept: list[str]) -> Floats | None:
    """Weights of the bases that could be fitted."""
    if weights is None:
        return None
    chosen = {name: weights[name] for name in kept}
    _refuse_zero_sum(chosen)
    return np.array(list(chosen.values()))


def fit_final(final: Any, answers: Floats, default: Any, training: Training, seed: int) -> Any:
    """Fit the learner of stacking on the rows that have an out-of-fold answer."""
    present = ~np.isnan(answers[..., 0])
    rows = present.any(axis=1)
    weight = None if training.sample_weight is None else training.sample_weight[rows]
    parameters = fit_parameters(final, weight, what="final_estimator")
    features = stack_features(answers[rows], present[rows], default)
    if training.classes is not None and len(np.unique(training.y[rows])) < len(training.classes):
        raise ValueError(
            "Stacking has out-of-fold answers for some classes only; use fewer inner splits (cv), "
            "or rule='mean'."
        )
    return seeded_clone(final, seed).fit(features, training.y[rows], **parameters)


def stack_features(answers: Floats, present: Any, default: Any) -> Floats:
    """Lay out the answers of all bases in one row, then whether each is present.

    Parameters
    ----------
    answers : ndarray of shape (n_samples, n_bases, n_answers)
        Their probabilities or predictions.
    present : ndarray of bool, shape (n_samples, n_bases)
        Which are there.
    default : float or array-like of shape (n_answers,)
        What stands where an answer is absent.

    Returns
    -------
    features : ndarray of shape (n_samples, n_bases * n_answers + n_bases)

    Examples
    --------
    >>> answers = np.array([[[0.8, 0.2], [np.nan, np.nan]]])
    >>> stack_features(answers, np.array([[True, False]]), [0.5, 0.5]).tolist()
    [[0.8, 0.2, 0.5, 0.5, 1.0, 0.0]]
    """
    filled = np.where(present[..., None], answers, default)
    return np.hstack([filled.reshape(len(answers), -1), present.astype(np.float64)])


def stacked(final: Any, answers: Floats, present: Any, default: Any) -> Floats:
    """Ask the learner of stacking; NaN in rows that no base answered."""
    fused = np.full((len(answers), answers.shape[2]), np.nan)
    rows = present.any(axis=1)
    if rows.any():
        features = stack_features(answers[rows], present[rows], default)
        asked = final.predict_proba if is_classifier(final) else final.predict
        fused[rows] = np.reshape(asked(features), (rows.sum(), -1))
    return fused
