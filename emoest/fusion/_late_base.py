"""The base classes of decision-level fusion: one estimator per modality, then a fusion of them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import ClassifierMixin, is_classifier
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from emoest.fusion._early import EarlyFusionClassifier, as_one_block
from emoest.fusion._modality_estimators import ModalityEstimator, Training
from emoest.fusion._rules import VOTES, vote_rule
from emoest.tables.groups import Split, inner_splits, remember_groups, resolve_groups
from emoest.tables.samples import read_samples
from emoest.tables.targets import class_prior
from emoest.utils import constraints
from emoest.utils._sklearn import BaseComposition, HasMethods, StrOptions, fit_context
from emoest.utils.messages import listed
from emoest.utils.routing import check_weight
from emoest.utils.seeds import spawn_seeds
from emoest.utils.state import forget_fit
from emoest.utils.typing import Array, Floats, Rows
from emoest.utils.warn import warn_user


class _LateFusion(BaseComposition):
    """Everything but the fusion itself, which a subclass writes.

    A subclass has the parameters of `_parameter_constraints`, and writes `_needs` (what the base
    estimators must give), `_learns_fusion` (whether the fusion is learned from out-of-fold
    predictions), `_fit_fusion` and `_fuse`; `_learn_target` and `_prior` differ between
    classifiers and regressors.
    """

    __metadata_request__fit: ClassVar[dict[str, bool]] = {"groups": True}

    _parameter_constraints: dict = {
        "estimators": [list, HasMethods(["fit", "predict"]), None],
        **constraints.MODALITIES,
        "context": [list, tuple],
        **constraints.IMPUTE,
        **constraints.CV,
        **constraints.GROUP_COLUMN,
        **constraints.N_JOBS,
        **constraints.RANDOM_STATE,
        **constraints.VERBOSE,
    }

    _default_estimator: ClassVar[Any] = as_one_block(EarlyFusionClassifier, scoring="neg_log_loss")
    _prior_name: ClassVar[str] = "training prior"

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Get the parameters, those of the base estimators included (``audio__C``).

        Parameters
        ----------
        deep : bool, default=True
            Whether to include those of the base estimators.

        Returns
        -------
        params : dict
        """
        if isinstance(self.estimators, list):
            return self._get_params("estimators", deep=deep)
        return super().get_params(deep=deep)

    def set_params(self, **params: Any) -> Any:
        """Set parameters, those of the base estimators included (``audio__C``, or ``audio``).

        Parameters
        ----------
        **params : dict
            Names and values.

        Returns
        -------
        self : estimator
        """
        if isinstance(params.get("estimators", self.estimators), list):
            return self._set_params("estimators", **params)
        return super().set_params(**params)

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Self:
        """Fit each base estimator on the rows that have its modality, then the fusion.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            The samples: media, frames or vectors.
        y : array-like of shape (n_samples,)
            Their classes, or numbers for a regressor.
        sample_weight : array-like of shape (n_samples,), default=None
            Goes to every base estimator (in a Pipeline, to its last step), and counts where the
            fusion is learned.
        groups : array-like of shape (n_samples,), default=None
            Who each sample is from, for inner splits and for base estimators that take groups.

        Returns
        -------
        self : estimator
        """
        forget_fit(self)
        self._fit_fusion(*self._begin(X, y, sample_weight, groups))
        return self

    def _begin(
        self, X: Any, y: Any, sample_weight: Any, groups: Any
    ) -> tuple[Training, list[ModalityEstimator]]:
        """Validate what fit was given, and make the unfitted estimators and the inner splits."""
        table, y = read_samples(self, X, y, classifier=is_classifier(self))
        sample_weight = check_weight(sample_weight, X)
        classes = self._learn_target(y, sample_weight)
        groups = resolve_groups(X, groups, self.group_column)
        remember_groups(self, groups)
        if len(table.names) == 1:
            warn_user(
                f"X has one modality ({table.names[0]!r}), so {type(self).__name__} predicts as "
                "its base estimator does. Column names such as 'audio__f0' or "
                "modalities={'audio': [...], ...} tell modalities apart.",
            )
        estimators = self._make_estimators(table.names)
        *seeds, own = spawn_seeds(self.random_state, len(estimators) + 1)
        estimators = [
            replace(each, seed=seed) for each, seed in zip(estimators, seeds, strict=True)
        ]
        for each in estimators:
            each.check_output(self._needs()[1])
        training = Training(table, y, classes, sample_weight, groups, seed=own)
        calibrates = any(each.calibrate for each in estimators)
        if calibrates or (self._learns_fusion() and len(estimators) > 1):
            training = replace(training, splits=self._make_splits(training))
        return training, estimators

    def _make_estimators(self, names: Sequence[str]) -> list[ModalityEstimator]:
        """Pair each modality with its unfitted estimator, in the order of the modalities."""
        given = self._given_estimators(names)
        output, _ = self._needs()
        calibrate = getattr(self, "calibrate", None)
        return [
            ModalityEstimator(name, (name,), given[name], output, self.impute, calibrate)
            for name in names
            if given[name] != "drop"
        ]

    def _given_estimators(self, names: Sequence[str]) -> dict[str, Any]:
        """Return the estimator or ``"drop"`` of each modality, checked."""
        if not isinstance(self.estimators, list):
            single = self._default_estimator if self.estimators is None else self.estimators
            return dict.fromkeys(names, single)
        if not self.estimators or any(
            not isinstance(pair, tuple | list) or len(pair) != 2 for pair in self.estimators
        ):
            raise ValueError(
                "estimators is a list of (modality, estimator) pairs, such as "
                f"[('audio', SVC()), ('text', 'drop')]; got {self.estimators!r}."
            )
        self._validate_names([name for name, _ in self.estimators])
        given = dict(self.estimators)
        unknown = [name for name in given if name not in names]
        without = [name for name in names if name not in given]
        if unknown:
            raise ValueError(
                f"estimators names the modality {unknown[0]!r}, which X does not have; it has "
                f"{list(names)}."
            )
        if without:
            raise ValueError(
                f"The modality {without[0]!r} of X has no estimator. Add ({without[0]!r}, "
                f"estimator), or ({without[0]!r}, 'drop') to leave it out."
            )
        for name, estimator in given.items():
            # A class has `fit` too, so that it needs a look of its own.
            if estimator != "drop" and (
                isinstance(estimator, type) or not hasattr(estimator, "fit")
            ):
                raise TypeError(
                    f"The base estimator of modality {name!r} must be an estimator (an instance) "
                    f"or 'drop'; got {estimator!r}."
                )
        if all(estimator == "drop" for estimator in given.values()):
            raise ValueError("Every modality is dropped; keep the estimator of one at least.")
        return given

    def _make_splits(self, training: Training) -> list[Split]:
        """Make the inner splits and record in `grouped_` whether groups were kept apart."""
        splits, self.grouped_ = inner_splits(
            np.zeros((len(training.y), 1)),
            training.y,
            groups=training.groups,
            cv=self.cv,
            classifier=training.classes is not None,
            random_state=training.seed,
        )
        if not splits:
            raise ValueError(
                f"{type(self).__name__} needs inner splits here, and none can be made of "
                f"{len(training.y)} samples: each needs two groups at least and every class in its "
                "training part. Give more samples or groups, another cv, or parameters that need "
                "none."
            )
        return splits

    def _fit_modalities(
        self,
        training: Training,
        estimators: list[ModalityEstimator],
        factors: Floats | None = None,
    ) -> list[ModalityEstimator]:
        """Fit and store the estimators; return the unfitted ones of those that could be fitted.

        Those whose modality no training row has, or rows of one class only, are left out with a
        warning. `factors` (n_samples, n_estimators) multiply the sample weights of each.
        """
        every = np.arange(len(training.table))
        (found,) = self._fit_parts(training, estimators, [every], factors)
        for each, fitted in zip(estimators, found, strict=True):
            if isinstance(fitted, str):
                warn_user(f"The modality {each.name!r} {fitted}; it is left out.")
        self._fitted = [fitted for fitted in found if not isinstance(fitted, str)]
        if not self._fitted:
            names = [each.name for each in estimators]
            raise ValueError(
                f"No base estimator could be fitted: none of the modalities {names} has training "
                "rows of at least two classes."
                if training.classes is not None
                else f"No training row has any of the modalities {names}."
            )
        self._layout = training.table.layout
        self.estimators_ = {fitted.name: fitted.estimator for fitted in self._fitted}
        self.modalities_ = list(self.estimators_)
        return [each for each in estimators if each.name in self.estimators_]

    def _out_of_fold(
        self,
        training: Training,
        estimators: list[ModalityEstimator],
        factors: Floats | None = None,
    ) -> Floats:
        """Predict for each row with estimators that have not seen it, by the inner splits.

        Returns
        -------
        predictions : ndarray of shape (n_samples, n_estimators, n_classes or 1)
            NaN where the modality is missing, or where no split tested the row.
        """
        parts = [train for train, _ in training.splits]
        width = 1 if training.classes is None else len(training.classes)
        predictions = np.full((len(training.table), len(estimators), width), np.nan)
        every = self._fit_parts(training, estimators, parts, factors)
        for (_, test), found in zip(training.splits, every, strict=True):
            for j, fitted in enumerate(found):
                if not isinstance(fitted, str):
                    predictions[test, j] = fitted.predict(training.table, training.classes, test)
        return predictions

    def _fit_parts(
        self,
        training: Training,
        estimators: list[ModalityEstimator],
        parts: Sequence[Rows],
        factors: Floats | None,
    ) -> list[list[ModalityEstimator | str]]:
        """Fit every estimator on every part of the rows."""
        weighted = [
            training if factors is None else training.weighted_by(factors[:, j])
            for j in range(len(estimators))
        ]
        # All parts in one call, so that n_jobs is of use with two modalities too.
        found = Parallel(n_jobs=self.n_jobs, verbose=int(self.verbose))(
            delayed(each.fit)(own, rows)
            for rows in parts
            for each, own in zip(estimators, weighted, strict=True)
        )
        return [found[i : i + len(estimators)] for i in range(0, len(found), len(estimators))]

    def _predictions(self, X: Any) -> Floats:
        """Predict with every fitted estimator and fuse: (n_samples, n_classes or 1), no NaN."""
        check_is_fitted(self)
        table, _ = read_samples(self, X, layout=self._layout)
        classes = getattr(self, "classes_", None)
        predictions = np.stack([each.predict(table, classes) for each in self._fitted], axis=1)
        present = ~np.isnan(predictions[..., 0])
        if len(self._fitted) > 1:
            fused = self._fuse(predictions, present)
        else:
            # One estimator alone is not fused: a rule would clip or round what it says.
            fused = predictions[:, 0]
            if self._needs()[0] == VOTES:
                fused = vote_rule(predictions, present)
        empty = np.isnan(fused[:, 0])
        if empty.any():
            rows = np.flatnonzero(empty)
            labels = table.data.index[rows] if hasattr(table.data, "index") else rows
            warn_user(
                f"{len(rows)} row(s) have no modality with a fitted estimator (row "
                f"{listed(labels, quoted=True)}) and get the {self._prior_name}.",
            )
        return np.where(empty[:, None], self._prior(), fused)

    def _needs(self) -> tuple[str, str]:
        """Return what base estimators must give, and for messages what needs it."""
        raise NotImplementedError

    def _learns_fusion(self) -> bool:
        return False

    def _fit_fusion(self, training: Training, estimators: list[ModalityEstimator]) -> None:
        raise NotImplementedError

    def _fuse(self, predictions: Floats, present: Any) -> Floats:
        raise NotImplementedError

    def _learn_target(self, y: Array, sample_weight: Floats | None) -> Array | None:
        """Learn what a row without any modality is predicted; return the classes, if any."""
        raise NotImplementedError

    def _prior(self) -> Any:
        raise NotImplementedError

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


class _LateFusionClassifier(ClassifierMixin, _LateFusion):
    """What the classifiers of decision-level fusion share."""

    _parameter_constraints: dict = {
        **_LateFusion._parameter_constraints,
        "calibrate": [StrOptions({"sigmoid", "isotonic"}), None],
    }

    def _learn_target(self, y: Array, sample_weight: Floats | None) -> Array:
        check_classification_targets(y)
        classes = np.unique(y)
        if len(classes) < 2:
            raise ValueError(
                f"{type(self).__name__} needs at least two classes; y holds one class only "
                f"({classes.tolist()[0]!r})."
            )
        self.classes_ = classes
        self.class_prior_ = class_prior(np.searchsorted(classes, y), len(classes), sample_weight)
        return classes

    def _prior(self) -> Floats:
        return self.class_prior_

    def predict_proba(self, X: Any) -> Floats:
        """Fuse the probabilities of the modalities that each row has.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            The samples; a missing modality has weight zero.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            In the order of `classes_`; the training prior for a row with no modality.

        Warns
        -----
        UserWarning
            If rows have no modality.
        """
        return self._predictions(X)

    def predict(self, X: Any) -> Array:
        """Predict the likeliest class of each row.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            The samples.

        Returns
        -------
        y_pred : ndarray of shape (n_samples,)
        """
        positions = self._predictions(X).argmax(axis=1)
        return self.classes_[positions]
