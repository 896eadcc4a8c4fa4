"""Base estimators of decision-level fusion: one per modality, fitted on the rows that have it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import expit, softmax
from sklearn.calibration import CalibratedClassifierCV

from emoest.fusion._rules import PROBA, SCORES, VOTES, mark_votes
from emoest.tables.groups import Split
from emoest.tables.samples import Fill, Samples
from emoest.tables.targets import class_prior
from emoest.utils.routing import fit_parameters
from emoest.utils.seeds import seeded_clone
from emoest.utils.typing import Array, Floats, Rows


@dataclass(frozen=True)
class Training:
    """What fit was given, validated.

    Parameters
    ----------
    table : Samples
        The samples.
    y : ndarray of shape (n_samples,)
        The target.
    classes : ndarray or None
        The classes in sorted order; None for regression.
    sample_weight : ndarray of shape (n_samples,) or None
        Weights.
    groups : ndarray of shape (n_samples,) or None
        Groups, as resolved; they go on to base estimators that take them.
    splits : list of (train, test)
        Inner splits; empty where none are needed.
    seed : int
        For splits, Monte Carlo samples and the final estimator of stacking.
    """

    table: Samples
    y: Array
    classes: Array | None
    sample_weight: Floats | None = None
    groups: Array | None = None
    splits: Sequence[Split] = ()
    seed: int = 0

    def positions(self) -> Rows:
        """Position of each row's class in `classes`."""
        return np.searchsorted(self.classes, self.y)

    def prior(self, rows: Rows) -> Floats | None:
        """Compute the (weighted) proportion of each class in some rows."""
        if self.classes is None:
            return None
        weight = None if self.sample_weight is None else self.sample_weight[rows]
        return class_prior(self.positions()[rows], len(self.classes), weight)

    def weighted_by(self, factors: Floats) -> "Training":
        """Multiply the sample weights."""
        given = self.sample_weight
        return replace(self, sample_weight=factors if given is None else given * factors)


@dataclass(frozen=True)
class ModalityEstimator:
    """The estimator of one modality, or of several together; `fit` gives a fitted one.

    Parameters
    ----------
    name : str
        Name of the modality, or of several joined by ``+``.
    members : tuple of str
        The modalities.
    estimator : estimator
        Not fitted, or fitted.
    output : {"proba", "scores", "votes", "values"}
        What the fusion rule needs, see `emoest.fusion._rules`.
    impute : {"mean", "raise"}
        What a partly NaN block means.
    calibrate : {"sigmoid", "isotonic"} or None
        Calibration on the inner splits.
    seed : int
        For every `random_state` in it that is None.
    fill : dict of str to ndarray or None
        What stands for single NaN; None before `fit`.
    prior : ndarray of shape (n_classes,) or None
        (Weighted) proportion of each class in the rows it was fitted on; None before `fit`, and for
        regression.
    """

    name: str
    members: tuple[str, ...]
    estimator: Any
    output: str = PROBA
    impute: str = "mean"
    calibrate: str | None = None
    seed: int = 0
    fill: Fill | None = None
    prior: Floats | None = None

    def fit(self, training: Training, rows: Rows) -> "ModalityEstimator | str":
        """Fit a clone on those of `rows` that have the modalities; a str says why it cannot be."""
        rows = rows[training.table.present(self.members)[rows]]
        obstacle = _obstacle(training, rows)
        if obstacle is not None:
            return obstacle
        fill = training.table.learn_fill(self.members, rows, training.sample_weight)
        X = training.table.take(self.members, rows, fill, self.impute)
        model = seeded_clone(self.estimator, self.seed)
        # Before the calibrator is put around it: that one takes weights whatever is inside.
        parameters = fit_parameters(
            model,
            None if training.sample_weight is None else training.sample_weight[rows],
            None if training.groups is None else training.groups[rows],
            what=f"the base estimator of modality {self.name!r}",
        )
        if self.calibrate:
            splits = self._splits(training, rows)
            model = CalibratedClassifierCV(model, method=self.calibrate, cv=splits)
        try:
            model.fit(X, training.y[rows], **parameters)
        except Exception as error:
            # A note keeps the type of the error for whoever catches it.
            error.add_note(
                f"This happened while fitting the base estimator of modality {self.name!r}."
            )
            raise
        return replace(self, estimator=model, fill=fill, prior=training.prior(rows))

    def _splits(self, training: Training, rows: Rows) -> list[Split]:
        splits = restrict_splits(training.splits, rows, training.y)
        if not splits:
            raise ValueError(
                f"The base estimator of modality {self.name!r} cannot be calibrated: no inner "
                f"split of its {len(rows)} training rows has every class in its training part. "
                "Pass calibrate=None, or more rows or groups."
            )
        return splits

    def predict(self, table: Samples, classes: Any, rows: Rows | None = None) -> Floats:
        """Predict for some rows (None: all), as the rule needs it.

        Returns
        -------
        predictions : ndarray of shape (n_rows, n_classes or 1)
            NaN in rows that miss a modality; 0 for classes that the estimator has not seen.
        """
        rows = np.arange(len(table)) if rows is None else rows
        predictions = np.full((len(rows), 1 if classes is None else len(classes)), np.nan)
        present = table.present(self.members)[rows]
        if present.any():
            X = table.take(self.members, rows[present], self.fill, self.impute)
            predictions[present] = self._output(X, classes)
        return predictions

    def _output(self, X: Any, classes: Any) -> Floats:
        model = self.estimator
        if classes is None:
            return np.asarray(model.predict(X), dtype=np.float64).reshape(-1, 1)
        scores = self._scores(X)
        if self.output == VOTES:
            voted = np.searchsorted(classes, model.predict(X))
            usable = scores is not None and scores.shape[1] == len(model.classes_)
            return mark_votes(voted, self._spread(scores, classes) if usable else self.prior)
        # SVC(decision_function_shape="ovo") scores pairs of classes.
        if scores.shape[1] != len(model.classes_):
            raise ValueError(
                f"The base estimator of modality {self.name!r} gives {scores.shape[1]} scores for "
                f"{len(model.classes_)} classes. Calibrate it: calibrate='sigmoid'."
            )
        return self._spread(scores, classes)

    def _scores(self, X: Any) -> Floats | None:
        """Return numbers that rank classes and sum to one, of an estimator that gives any."""
        if hasattr(self.estimator, "predict_proba"):
            return np.asarray(self.estimator.predict_proba(X), dtype=np.float64)
        if hasattr(self.estimator, "decision_function"):
            return squash(np.asarray(self.estimator.decision_function(X), dtype=np.float64))
        return None

    def _spread(self, scores: Floats, classes: Any) -> Floats:
        """Give classes that the estimator has not seen the probability 0."""
        spread = np.zeros((len(scores), len(classes)))
        spread[:, np.searchsorted(classes, self.estimator.classes_)] = scores
        return spread

    def check_output(self, rule: str) -> None:
        """Raise `ValueError` before anything is fitted if the estimator lacks what `rule` needs."""
        proba = hasattr(self.estimator, "predict_proba")
        scores = hasattr(self.estimator, "decision_function")
        if self.output not in {PROBA, SCORES} or proba:
            return
        if scores and (self.calibrate or self.output == SCORES):
            return
        remedy = (
            "Pass calibrate='sigmoid', or wrap it in CalibratedClassifierCV"
            if scores
            else "Take one that has it, or wrap it in CalibratedClassifierCV"
        )
        needs = "predict_proba or decision_function" if self.output == SCORES else "predict_proba"
        raise ValueError(
            f"{rule} needs {needs}, which the base estimator of modality {self.name!r} "
            f"({type(self.estimator).__name__}) has not. {remedy}."
        )


def _obstacle(training: Training, rows: Rows) -> str | None:
    """Return why no estimator can be fitted on `rows`, for a message; None if one can."""
    if training.sample_weight is not None and len(rows) and not training.sample_weight[rows].any():
        return "has weight zero in every training row that has it"
    if len(rows) == 0:
        return "is missing in every training row"
    y = training.y[rows]
    if training.classes is not None and len(np.unique(y)) < 2:
        return f"is present in training rows of one class only ({y.tolist()[0]!r})"
    return None


def squash(scores: Floats) -> Floats:
    """Convert decision scores to numbers that sum to one: sigmoid (two classes) or softmax.

    Examples
    --------
    >>> squash(np.array([0.0])).tolist()
    [[0.5, 0.5]]
    >>> squash(np.array([[1.0, 1.0]])).tolist()
    [[0.5, 0.5]]
    """
    if scores.ndim == 1:
        right = expit(scores)
        return np.column_stack([1 - right, right])
    return softmax(scores, axis=1)


def restrict_splits(splits: Sequence[Split], rows: Rows, y: Any) -> list[Split]:
    """Restrict splits to `rows`, as positions in them; keep those that train on every class.

    Examples
    --------
    >>> splits = [(np.array([0, 1, 2, 3]), np.array([4, 5]))]
    >>> restricted = restrict_splits(splits, np.array([0, 1, 4]), np.array([0, 1, 0, 1, 0, 1]))
    >>> [part.tolist() for part in restricted[0]]
    [[0, 1], [2]]
    """
    n_classes = len(np.unique(y[rows]))
    kept = []
    for train, test in splits:
        inside = np.flatnonzero(np.isin(rows, train))
        outside = np.flatnonzero(np.isin(rows, test))
        if len(outside) and len(np.unique(y[rows[inside]])) == n_classes:
            kept.append((inside, outside))
    return kept
