"""What the decision-level classes share: nested parameters, how fit begins, how predict ends."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from emoest.fusion._modality_estimators import Base, Branch, Plan, Training, ask_all, fit_branches
from emoest.tables.groups import inner_splits, resolve_groups
from emoest.tables.samples import Table, read_table
from emoest.utils import constraints
from emoest.utils._sklearn import HasMethods, StrOptions, check_sample_weight
from emoest.utils.seeds import spawn_seeds
from emoest.utils.typing import Floats
from emoest.utils.warn import warn_user

CONSTRAINTS: dict[str, list[Any]] = {
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

CALIBRATE: dict[str, list[Any]] = {"calibrate": [StrOptions({"sigmoid", "isotonic"}), None]}


class ModalityBases:
    """Nested parameters of an estimator whose `estimators` are named or one; NaN is allowed."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Get the parameters, those of the bases included (``audio__C``).

        Parameters
        ----------
        deep : bool, default=True
            Whether to include those of the bases.

        Returns
        -------
        params : dict
        """
        if isinstance(self.estimators, list):
            return self._get_params("estimators", deep=deep)
        return super().get_params(deep=deep)

    def set_params(self, **params: Any) -> Any:
        """Set parameters, those of the bases included (``audio__C``, or ``audio`` for a base).

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

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def _keep(self, branches: list[Branch], training: Training) -> None:
        """Store what every class of this room stores after its bases are fitted."""
        self.branches_ = branches
        self.layout_ = training.table.layout
        self.modalities_ = [branch.name for branch in branches]
        self.estimators_ = {branch.name: branch.estimator for branch in branches}


class FusedProba:
    """`predict_proba` and `predict` of a classifier that fuses the answers of its bases."""

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
        check_is_fitted(self)
        table, _ = read_table(self, X, layout=self.layout_)
        answers = ask_all(self.branches_, table, self.classes_)
        present = ~np.isnan(answers[..., 0])
        fused = answers[:, 0] if len(self.branches_) == 1 else self._fuse(answers, present)
        return fill_rows(fused, self.class_prior_, table, "training prior")

    def predict(self, X: Any) -> Any:
        """Predict the likeliest class of each row.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            The samples.

        Returns
        -------
        y_pred : ndarray of shape (n_samples,)
        """
        positions = self.predict_proba(X).argmax(axis=1)
        return self.classes_[positions]


def fill_rows(fused: Floats, default: Any, table: Table, what: str) -> Floats:
    """Give rows without an answer the training default, and say so."""
    none = np.isnan(fused[:, 0])
    if not none.any():
        return fused
    rows = np.flatnonzero(none)
    labels = list(table.data.index[rows]) if hasattr(table.data, "index") else rows.tolist()
    shown = ", ".join(repr(label) for label in labels[:5]) + (", ..." if len(labels) > 5 else "")
    warn_user(
        f"{len(labels)} row(s) have no modality that could be asked and get the {what}: {shown}.",
    )
    return np.where(none[:, None], default, fused)


def read_training(
    owner: Any, X: Any, y: Any, sample_weight: Any, groups: Any, *, classifier: bool = True
) -> Training:
    """Validate what fit was given, and set `classes_` and `class_prior_` of a classifier."""
    table, y = read_table(owner, X, y, classifier=classifier)
    weight = None
    if sample_weight is not None:
        weight = check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    classes = None
    if classifier:
        check_classification_targets(y)
        classes = np.unique(y)
        if len(classes) < 2:
            raise ValueError(
                f"{type(owner).__name__} needs at least two classes; y holds one class only "
                f"({classes.tolist()[0]!r})."
            )
        owner.classes_ = classes
        counts = np.bincount(np.searchsorted(classes, y), weight, len(classes))
        owner.class_prior_ = counts / counts.sum()
    known = resolve_groups(X, groups, owner.group_column)
    if len(table.names) == 1:
        warn_user(
            f"X has one modality ({table.names[0]!r}), so {type(owner).__name__} answers as its "
            "base does. Column names such as 'audio__f0' or modalities={'audio': [...], ...} tell "
            "modalities apart.",
        )
    return Training(table, y, classes, weight, known, [])


def with_splits(owner: Any, training: Training, seed: int) -> Training:
    """Make the inner splits and record in `grouped_` whether groups were kept apart."""
    splits, owner.grouped_ = inner_splits(
        np.zeros((len(training.y), 1)),
        training.y,
        groups=training.groups,
        cv=owner.cv,
        classifier=training.classes is not None,
        random_state=seed,
    )
    if not splits:
        raise ValueError(
            f"{type(owner).__name__} needs inner splits here, and none can be made of "
            f"{len(training.y)} samples: each needs two groups at least and every class in its "
            "training part. Give more samples or groups, another cv, or settings that need none."
        )
    return replace(training, splits=splits)


def make_bases(owner: Any, names: Sequence[str], default: Any = None) -> list[Base]:
    """Give each modality its unfitted learner, in the order of the modalities.

    Raises
    ------
    ValueError
        If a name belongs to no modality, a modality has no learner, or all are dropped.
    """
    if not isinstance(owner.estimators, list):
        single = default or LogisticRegression(max_iter=1000)
        single = single if owner.estimators is None else owner.estimators
        return [Base(name, (name,), single) for name in names]
    if not owner.estimators or any(
        not isinstance(pair, tuple | list) or len(pair) != 2 for pair in owner.estimators
    ):
        raise ValueError(
            "estimators is a list of (modality, estimator) pairs, such as "
            f"[('audio', SVC()), ('text', 'drop')]; got {owner.estimators!r}."
        )
    owner._validate_names([name for name, _ in owner.estimators])
    given = dict(owner.estimators)
    unknown = [name for name in given if name not in names]
    without = [name for name in names if name not in given]
    if unknown:
        raise ValueError(
            f"estimators names the modality {unknown[0]!r}, which X does not have; it has "
            f"{list(names)}."
        )
    if without:
        raise ValueError(
            f"The modality {without[0]!r} of X has no estimator. Add ({without[0]!r}, estimator), "
            f"or ({without[0]!r}, 'drop') to leave it out."
        )
    for name, estimator in given.items():
        if estimator != "drop" and (isinstance(estimator, type) or not hasattr(estimator, "fit")):
            raise TypeError(
                f"The base of modality {name!r} must be an estimator (an instance) or 'drop'; got "
                f"{estimator!r}."
            )
    bases = [Base(name, (name,), given[name]) for name in names if given[name] != "drop"]
    if not bases:
        raise ValueError("Every modality is dropped; keep the estimator of one at least.")
    return bases


def make_plan(owner: Any, n_bases: int, answer: str) -> tuple[Plan, int]:
    """Make the plan, and one more seed for splits and draws."""
    *seeds, own = spawn_seeds(owner.random_state, n_bases + 1)
    plan = Plan(
        answer=answer,
        impute=owner.impute,
        calibrate=getattr(owner, "calibrate", None),
        seeds=tuple(seeds),
        n_jobs=owner.n_jobs,
        verbose=int(owner.verbose),
    )
    return plan, own


def fit_kept(
    owner: Any, bases: list[Base], training: Training, plan: Plan, factors: Floats | None = None
) -> tuple[list[Base], Plan]:
    """Fit the bases, store them, and return those that could be fitted, with their plan."""
    owner._keep(fit_branches(bases, training, plan, factors), training)
    kept = [j for j, base in enumerate(bases) if base.name in owner.estimators_]
    return [bases[j] for j in kept], replace(plan, seeds=tuple(plan.seeds[j] for j in kept))
