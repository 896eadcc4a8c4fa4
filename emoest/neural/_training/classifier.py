"""Deep classifiers and regressors: labels and values around `DeepEstimator`."""

from numbers import Real
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import softmax
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.metrics import recall_score
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from emoest.nets.losses.criteria import AbsoluteError, CrossEntropy, SquaredError
from emoest.neural._training.base import DeepEstimator
from emoest.neural._training.skorch_habits import Readout
from emoest.tables.targets import (
    class_prior,
    is_label_distribution,
    read_label_distribution,
    read_target,
)
from emoest.utils._sklearn import Interval, StrOptions


class DeepClassifier(ClassifierMixin, DeepEstimator):
    """Base of deep classifiers; a subclass has the parameter ``class_weight`` too."""

    _decisive_score: ClassVar[str | None] = "valid_uar"

    _parameter_constraints: dict = {
        **DeepEstimator._parameter_constraints,
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
    }

    # Those with losses of their own throughout have no such parameter.
    label_smoothing: float = 0.0

    def _criterion(self) -> torch.nn.Module:
        return CrossEntropy(float(self.label_smoothing))

    def _refuse_smoothing(self) -> None:
        if self.label_smoothing and type(self._criterion()) is not CrossEntropy:
            raise ValueError(
                f"label_smoothing={self.label_smoothing} is for cross-entropy; the loss of this "
                f"{type(self).__name__} is another (loss={getattr(self, 'loss', None)!r}). Set "
                "label_smoothing=0, or another loss."
            )

    @property
    def _n_outputs(self) -> int:
        return len(self.classes_)

    @property
    def _readout(self) -> Readout:
        return Readout(self._n_outputs)

    def _learn_target(self, X: Any, y: Any, sample_weight: Any) -> tuple[Any, Any]:
        self._refuse_smoothing()
        if is_label_distribution(y):
            return self._learn_votes(X, y, sample_weight)
        y = read_target(self, X, y, numeric=False)
        check_classification_targets(y)
        weight = self._weights_of_rows(X, sample_weight)
        classes, target = np.unique(y, return_inverse=True)
        self._learn_classes(classes)
        if self.class_weight is not None:
            weight = weight * compute_sample_weight(self.class_weight, y)
        return target.astype(np.int64), weight

    def _learn_votes(self, X: Any, y: Any, sample_weight: Any) -> tuple[Any, Any]:
        """Learn from how many raters gave each label: cross-entropy with these proportions."""
        if type(self._criterion()) is not CrossEntropy:
            raise ValueError(
                f"The loss of this {type(self).__name__} needs one label a sample; y holds the "
                "proportion of each label. Take the label of most raters (y.idxmax(axis=1)), or "
                "an estimator that learns by cross-entropy."
            )
        classes, target = read_label_distribution(self, X, y)
        self._learn_classes(classes)
        weight = self._weights_of_rows(X, sample_weight)
        if self.class_weight is not None:
            weight = weight * (target @ self._weights_of_classes(target))
        return target, weight

    def _weights_of_classes(self, target: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        if isinstance(self.class_weight, dict):
            return np.array([self.class_weight.get(name, 1.0) for name in self.classes_.tolist()])
        # "balanced", as scikit-learn counts: by the share of each label.
        share = target.mean(axis=0, dtype=np.float64)
        return 1 / (len(share) * np.maximum(share, 1e-12))

    def _learn_classes(self, classes: npt.NDArray[Any]) -> None:
        if len(classes) < 2:
            raise ValueError(
                f"{type(self).__name__} needs samples of at least two classes; y holds one class "
                f"only: {classes.tolist()[0]!r}."
            )
        if self._goes_on and classes.tolist() != self.classes_.tolist():
            raise ValueError(
                f"warm_start=True goes on from the last fit, whose classes were "
                f"{self.classes_.tolist()}; y holds {classes.tolist()}. Set warm_start=False."
            )
        self.classes_ = classes

    def _learn_prior(self, target: npt.NDArray[Any], weight: npt.NDArray[Any]) -> None:
        self.class_prior_ = class_prior(target, len(self.classes_), weight)

    def _monitor(self, outputs: torch.Tensor, target: torch.Tensor) -> dict[str, float]:
        answer = outputs.argmax(dim=1).numpy()
        truth = (target.argmax(dim=1) if target.ndim == 2 else target).numpy()
        labels = np.unique(truth)
        recall = recall_score(truth, answer, labels=labels, average="macro", zero_division=0)
        return {"uar": float(recall)}

    def predict_proba(self, X: Any) -> npt.NDArray[np.float32]:
        """Predict the probability of each class.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            The columns of ``fit``.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes), dtype float32
            In the order of ``classes_``; the training prior, with a warning, for a sample without
            any modality.
        """
        check_is_fitted(self)
        # The softmax of the logarithm of the prior is the prior; a class of weight 0 gives -inf.
        with np.errstate(divide="ignore"):
            scores = np.log(self.class_prior_).astype(np.float32)
        proba: npt.NDArray[np.float32] = softmax(self._predict_rows(X, scores), axis=1)
        return proba

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Predict the most probable class of each sample.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            The columns of ``fit``.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class DeepRegressor(RegressorMixin, DeepEstimator):
    """Base of deep regressors; the target is scaled inside, predictions are scaled back.

    A subclass has the parameter ``loss``.
    """

    _parameter_constraints: dict = {
        **DeepEstimator._parameter_constraints,
        "loss": [StrOptions({"absolute_error", "squared_error"})],
    }

    _n_outputs = 1

    @property
    def _readout(self) -> Readout:
        mean, std = self.target_scale_
        return Readout(mean=float(mean), std=float(std))

    def _criterion(self) -> torch.nn.Module:
        return {"absolute_error": AbsoluteError, "squared_error": SquaredError}[self.loss]()

    def _learn_target(self, X: Any, y: Any, sample_weight: Any) -> tuple[Any, Any]:
        y = read_target(self, X, y, numeric=True)
        weight = self._weights_of_rows(X, sample_weight)
        if not self._goes_on:
            mean = np.average(y, weights=weight)
            std = np.sqrt(np.average((y - mean) ** 2, weights=weight))
            self.target_scale_ = np.array([mean, std if std > 0 else 1.0])
        mean, std = self.target_scale_
        return ((y - mean) / std).astype(np.float32), weight

    def predict(self, X: Any) -> npt.NDArray[np.float32]:
        """Predict the value of each sample.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            The columns of ``fit``.

        Returns
        -------
        values : ndarray of shape (n_samples,), dtype float32
            The training mean, with a warning, for a sample without any modality.
        """
        check_is_fitted(self)
        mean, std = self.target_scale_.astype(np.float32)
        values: npt.NDArray[np.float32] = self._predict_rows(X, np.zeros(1))[:, 0] * std + mean
        return values
