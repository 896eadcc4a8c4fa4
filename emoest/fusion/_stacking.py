"""Fusion by a named rule, with weights of the modalities, or by stacking."""

from typing import Any, ClassVar

import numpy as np
from sklearn.base import is_classifier

from emoest.fusion._late_base import _LateFusion
from emoest.fusion._modality_estimators import ModalityEstimator, Training
from emoest.fusion._rules import LATE_RULES, SCORES
from emoest.utils.routing import fit_parameters
from emoest.utils.seeds import seeded_clone
from emoest.utils.typing import Floats


class _RuleFusion(_LateFusion):
    """What `LateFusionClassifier` and `LateFusionRegressor` share: `rule` and its `weights`."""

    _parameter_constraints: dict = {"weights": [dict, "array-like", None]}

    _default_final: ClassVar[Any]

    def _needs(self) -> tuple[str, str]:
        output = SCORES if self.rule == "stacking" else LATE_RULES[self.rule].output
        return output, f"rule={self.rule!r}"

    def _learns_fusion(self) -> bool:
        return self.rule == "stacking"

    def _fit_fusion(self, training: Training, estimators: list[ModalityEstimator]) -> None:
        weights = weights_by_name(self.rule, self.weights, [each.name for each in estimators])
        kept = self._fit_modalities(training, estimators)
        self.weights_ = kept_weights(weights, self.modalities_)
        if self.rule == "stacking" and len(kept) > 1:
            final = self.final_estimator or self._default_final
            predictions = self._out_of_fold(training, kept)
            self.final_estimator_ = fit_final(final, predictions, self._prior(), training)

    def _fuse(self, predictions: Floats, present: Any) -> Floats:
        if self.rule == "stacking":
            return stacked(self.final_estimator_, predictions, present, self._prior())
        rule = LATE_RULES[self.rule]
        weights = [] if rule.weights == "none" else [self.weights_]
        return rule.fuse(predictions, present, *weights)


def weights_by_name(rule: str, weights: Any, names: list[str]) -> dict[str, float] | None:
    """Return the weight of each modality by name.

    Raises
    ------
    ValueError
        If the rule needs weights or takes none, if a name is unknown or left out, or if a weight
        is negative or all are zero.

    Examples
    --------
    >>> weights_by_name("weighted", [3, 1], ["audio", "face"])
    {'audio': 3.0, 'face': 1.0}
    """
    chosen_rule = LATE_RULES.get(rule)
    if weights is None:
        if chosen_rule is not None and chosen_rule.weights == "required":
            raise ValueError(
                f"rule={rule!r} needs weights, such as {dict.fromkeys(names, 1.0)}. "
                "MonteCarloFusionClassifier learns them."
            )
        return None
    serve = [name for name, each in LATE_RULES.items() if each.weights != "none"]
    if rule not in serve:
        raise ValueError(f"weights serve the rules {serve}, not rule={rule!r}.")
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
    _check_sum(chosen)
    return chosen


def _check_sum(weights: dict[str, float]) -> None:
    if sum(weights.values()) == 0:
        raise ValueError(
            f"The weights of the modalities {list(weights)} sum to zero; give one of them at "
            "least a weight above zero."
        )


def kept_weights(weights: dict[str, float] | None, kept: list[str]) -> Floats | None:
    """Return the weights of the modalities whose estimator could be fitted."""
    if weights is None:
        return None
    chosen = {name: weights[name] for name in kept}
    _check_sum(chosen)
    return np.array(list(chosen.values()))


def fit_final(final: Any, predictions: Floats, default: Any, training: Training) -> Any:
    """Fit the final estimator on the rows that have an out-of-fold prediction."""
    present = ~np.isnan(predictions[..., 0])
    rows = present.any(axis=1)
    weight = None if training.sample_weight is None else training.sample_weight[rows]
    parameters = fit_parameters(final, weight, what="final_estimator")
    features = stack_features(predictions[rows], present[rows], default)
    if training.classes is not None and len(np.unique(training.y[rows])) < len(training.classes):
        raise ValueError(
            "Stacking has out-of-fold predictions for some classes only; use fewer inner splits "
            "(cv), or rule='mean'."
        )
    return seeded_clone(final, training.seed).fit(features, training.y[rows], **parameters)


def stack_features(predictions: Floats, present: Any, default: Any) -> Floats:
    """Lay out the predictions of all modalities in one row, then whether each is present.

    Parameters
    ----------
    predictions : ndarray of shape (n_samples, n_modalities, n_outputs)
        Probabilities or numbers.
    present : ndarray of bool, shape (n_samples, n_modalities)
        Which are there.
    default : float or array-like of shape (n_outputs,)
        What stands where one is absent.

    Returns
    -------
    features : ndarray of shape (n_samples, n_modalities * n_outputs + n_modalities)

    Examples
    --------
    >>> predictions = np.array([[[0.8, 0.2], [np.nan, np.nan]]])
    >>> stack_features(predictions, np.array([[True, False]]), [0.5, 0.5]).tolist()
    [[0.8, 0.2, 0.5, 0.5, 1.0, 0.0]]
    """
    filled = np.where(present[..., None], predictions, default)
    return np.hstack([filled.reshape(len(predictions), -1), present.astype(np.float64)])


def stacked(final: Any, predictions: Floats, present: Any, default: Any) -> Floats:
    """Predict with the final estimator; NaN in rows without any prediction."""
    fused = np.full((len(predictions), predictions.shape[2]), np.nan)
    rows = present.any(axis=1)
    if rows.any():
        features = stack_features(predictions[rows], present[rows], default)
        predict = final.predict_proba if is_classifier(final) else final.predict
        fused[rows] = np.reshape(predict(features), (rows.sum(), -1))
    return fused
