"""Deep classifiers and regressors: labels and values around `DeepEstimator`."""

from numbers import Real
from typing import Any, ClassVar, Self

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
from emoest.neural._training.passes import rows_of_prior, where_passes
from emoest.neural._training.skorch_habits import Readout
from emoest.tables.targets import (
    class_prior,
    is_label_distribution,
    read_label_distribution,
    read_target,
)
from emoest.utils._sklearn import Interval, StrOptions, fit_context
from emoest.utils.messages import listed


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

    @where_passes
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None, groups: Any = None
    ) -> Self:
        """Train for one pass over the given rows, on the net that is there.

        Weights, scales and the state of the optimizer stay; the first call makes the net, and
        learns scales, means and widths from its rows. Nothing is held out. A pass that fails or is
        interrupted leaves the net as it was.

        Parameters
        ----------
        X : DataFrame, Series or array-like of shape (n_samples, n_columns)
            As in ``fit``.
        y : array-like of shape (n_samples,)
            The target, as in ``fit``.
        classes : array-like of shape (n_classes,), default=None
            All classes, those of later calls as well; needed in the first call.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sample.
        groups : array-like of shape (n_samples,), default=None
            Group of each sample, which `seen_groups_` remembers.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError
            If data or parameters belong to another net than the one that is there, `classes` are
            missing or others, `class_weight` is ``"balanced"``, or the
            net diverges.

        Notes
        -----
        Of the parameters `lr` and `batch_size` may change between calls. Pickles and saved weights
        go on with a new optimizer.
        """
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all samples, and partial_fit sees some. Pass the "
                "weights as a dict, or as sample_weight."
            )
        if classes is None and not hasattr(self, "net_"):
            raise ValueError("classes must be passed on the first call to partial_fit.")
        with self._pass():
            if classes is not None:
                self._learn_classes(np.unique(classes))
            self._fit(X, y, sample_weight, groups)
        return self

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
    def _trained_classes(self) -> npt.NDArray[Any]:
        """Classes in the order of the outputs of the net."""
        classes: npt.NDArray[Any] = self.classes_
        return classes

    @property
    def _readout(self) -> Readout:
        return Readout(self._n_outputs)

    def _learn_target(self, X: Any, y: Any, sample_weight: Any) -> tuple[Any, Any]:
        self._refuse_smoothing()
        if self._passing:
            return self._code_target(X, y, sample_weight)
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

    def _code_target(
        self, X: Any, y: Any, sample_weight: Any, name: str = "y"
    ) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Convert labels or votes of classes that are known already, and weigh the samples."""
        known = self._trained_classes.tolist()
        votes = is_label_distribution(y)
        if votes:
            self._refuse_votes()
            found, target = read_label_distribution(self, X, y)
        else:
            y = read_target(self, X, y, numeric=False)
            check_classification_targets(y)
            found = np.unique(y)
        unknown = [label for label in found.tolist() if label not in known]
        if unknown or (votes and len(found) < len(known)):
            raise ValueError(
                f"{name} holds {listed(unknown or found.tolist(), quoted=True)}; the classes are "
                f"{listed(known, quoted=True)}, and votes need a column of each."
            )
        weight = self._weights_of_rows(X, sample_weight)
        shares = target if votes else np.eye(len(known))[np.searchsorted(self._trained_classes, y)]
        if self.class_weight is not None:
            weight = weight * (shares @ self._weights_of_classes(shares, known))
        return target if votes else shares.argmax(axis=1), weight

    def _learn_votes(self, X: Any, y: Any, sample_weight: Any) -> tuple[Any, Any]:
        """Learn from how many raters gave each label: cross-entropy with these proportions."""
        self._refuse_votes()
        classes, target = read_label_distribution(self, X, y)
        self._learn_classes(classes)
        weight = self._weights_of_rows(X, sample_weight)
        if self.class_weight is not None:
            weight = weight * (target @ self._weights_of_classes(target, classes.tolist()))
        return target, weight

    def _refuse_votes(self) -> None:
        if type(self._criterion()) is not CrossEntropy:
            raise ValueError(
                f"The loss of this {type(self).__name__} needs one label a sample; y holds the "
                "proportion of each label. Take the label of most raters (y.idxmax(axis=1)), or "
                "an estimator that learns by cross-entropy."
            )

    def _weights_of_classes(
        self, target: npt.NDArray[Any], names: list[Any]
    ) -> npt.NDArray[np.float64]:
        if isinstance(self.class_weight, dict):
            return np.array([self.class_weight.get(name, 1.0) for name in names])
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
                f"{self._how} goes on from the last fit, whose classes were "
                f"{self.classes_.tolist()}; {'classes are' if self._passing else 'y holds'} "
                f"{classes.tolist()}. "
                f"{'Begin anew by fit' if self._passing else 'Set warm_start=False'}."
            )
        self.classes_ = classes

    def _with_seen(self, target: Any, weight: Any) -> tuple[Any, Any]:
        seen = getattr(self, "_seen_weight", 0.0) if self._passing and self._goes_on else 0.0
        self._seen_weight = seen + float(weight.sum())
        return rows_of_prior(self.class_prior_, seen, target, weight) if seen else (target, weight)

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

    @where_passes
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Self:
        """Train for one pass over the given rows, on the net that is there.

        Weights, scales and the state of the optimizer stay; the first call makes the net, and
        learns scales, means and widths from its rows. Nothing is held out. A pass that fails or is
        interrupted leaves the net as it was.

        Parameters
        ----------
        X : DataFrame, Series or array-like of shape (n_samples, n_columns)
            As in ``fit``.
        y : array-like of shape (n_samples,)
            The target, as in ``fit``.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sample.
        groups : array-like of shape (n_samples,), default=None
            Group of each sample, which `seen_groups_` remembers.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError
            If data or parameters belong to another net than the one that is there, or the
            net diverges.

        Notes
        -----
        Of the parameters `lr` and `batch_size` may change between calls. Pickles and saved weights
        go on with a new optimizer.
        """
        with self._pass():
            self._fit(X, y, sample_weight, groups)
        return self

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
        return self._scaled_target(y), weight

    def _code_target(
        self, X: Any, y: Any, sample_weight: Any, name: str = "y"
    ) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Scale values as those of training were, and weigh the samples."""
        y = read_target(self, X, y, numeric=True)
        return self._scaled_target(y), self._weights_of_rows(X, sample_weight)

    def _scaled_target(self, y: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        mean, std = self.target_scale_
        scaled: npt.NDArray[np.float32] = ((y - mean) / std).astype(np.float32)
        return scaled

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
