"""The bases of decision-level fusion: one learner per modality, fitted on the rows that have it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit, softmax
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.utils.parallel import Parallel, delayed

from emoest.tables.groups import Split
from emoest.tables.samples import Fill, Table
from emoest.utils.routing import fit_parameters
from emoest.utils.typing import Floats, Rows
from emoest.utils.warn import warn_user

PROBA, SCORES, VOTES, VALUES = "proba", "scores", "votes", "values"
"""What a rule asks of a base: probabilities; probabilities, or scores squashed to look like them;
the predicted class; a number."""


@dataclass(frozen=True)
class Base:
    """An unfitted learner and the modalities it reads.

    Parameters
    ----------
    name : str
        Name of the modality, or of several joined by ``+``.
    members : tuple of str
        The modalities.
    estimator : estimator
        Not fitted.
    """

    name: str
    members: tuple[str, ...]
    estimator: Any


@dataclass(frozen=True)
class Plan:
    """How bases are fitted and asked.

    Parameters
    ----------
    answer : {"proba", "scores", "votes", "values"}
        What the rule needs.
    impute : {"mean", "raise"}
        What a partly NaN block means.
    calibrate : {"sigmoid", "isotonic"} or None
        Calibration of each base.
    seeds : tuple of int
        One for each base.
    n_jobs : int or None
        Bases fitted at a time.
    verbose : int
        Passed on to joblib.
    """

    answer: str
    impute: str
    calibrate: str | None
    seeds: tuple[int, ...]
    n_jobs: int | None
    verbose: int


@dataclass(frozen=True)
class Training:
    """What fit was given, validated.

    Parameters
    ----------
    table : Table
        The samples.
    y : ndarray of shape (n_samples,)
        The target.
    classes : ndarray or None
        The classes in sorted order; None for regression.
    sample_weight : ndarray of shape (n_samples,) or None
        Weights.
    groups : ndarray of shape (n_samples,) or None
        Groups, as resolved; they go on to bases that take them.
    splits : list of (train, test)
        Inner splits; empty where none are needed.
    """

    table: Table
    y: npt.NDArray[Any]
    classes: npt.NDArray[Any] | None
    sample_weight: Floats | None
    groups: npt.NDArray[Any] | None
    splits: list[Split]

    def positions(self) -> npt.NDArray[np.intp]:
        """Position of each row's class in `classes`."""
        return np.searchsorted(self.classes, self.y)


@dataclass(frozen=True)
class Branch:
    """A fitted base."""

    name: str
    members: tuple[str, ...]
    estimator: Any
    fill: Fill
    answer: str
    impute: str


def fit_branches(
    bases: Sequence[Base], training: Training, plan: Plan, factors: Floats | None = None
) -> list[Branch]:
    """Fit each base on the rows that have its modalities; leave out those that cannot be.

    Parameters
    ----------
    bases : sequence of Base
        The bases.
    training : Training
        The samples.
    plan : Plan
        How to fit.
    factors : ndarray of shape (n_samples, n_bases), default=None
        What the sample weights of each base are multiplied by.

    Raises
    ------
    ValueError
        If no base can be fitted.

    Warns
    -----
    UserWarning
        For each modality that no training row has, or whose rows hold one class only.
    """
    every = np.arange(len(training.table))
    fitted = _fit_all(bases, training, [every], plan, factors)[0]
    branches = []
    for base, branch in zip(bases, fitted, strict=True):
        if isinstance(branch, Branch):
            branches.append(branch)
        else:
            warn_user(
                f"The modality {base.name!r} {branch}; it is left out.",
            )
    if not branches:
        raise ValueError(
            f"No base could be fitted: none of the modalities {[base.name for base in bases]} has "
            "training rows of at least two classes."
            if training.classes is not None
            else f"No training row has any of the modalities {[base.name for base in bases]}."
        )
    return branches


def out_of_fold(
    bases: Sequence[Base], training: Training, plan: Plan, factors: Floats | None = None
) -> Floats:
    """Answers of bases that have not seen the row, from the inner splits.

    Returns
    -------
    answers : ndarray of shape (n_samples, n_bases, n_classes or 1)
        NaN where a base was not asked: its modality is missing, or no split tested the row.
    """
    parts = [train for train, _ in training.splits]
    fitted = _fit_all(bases, training, parts, plan, factors)
    width = 1 if training.classes is None else len(training.classes)
    answers = np.full((len(training.table), len(bases), width), np.nan)
    for (_, test), branches in zip(training.splits, fitted, strict=True):
        for j, branch in enumerate(branches):
            if isinstance(branch, Branch):
                answers[test, j] = ask(branch, training.table, training.classes, test)
    return answers


def ask_all(branches: Sequence[Branch], table: Table, classes: Any) -> Floats:
    """Ask every fitted base.

    Returns
    -------
    answers : ndarray of shape (n_samples, n_branches, n_classes or 1)
        NaN where a row misses the modality.
    """
    rows = np.arange(len(table))
    return np.stack([ask(branch, table, classes, rows) for branch in branches], axis=1)


def ask(branch: Branch, table: Table, classes: Any, rows: Rows) -> Floats:
    """Ask one fitted base about some rows; classes that it never saw get 0."""
    width = 1 if classes is None else len(classes)
    answers = np.full((len(rows), width), np.nan)
    there = table.present(branch.members)[rows]
    if there.any():
        X = table.take(branch.members, rows[there], branch.fill, branch.impute)
        answers[there] = _answers(branch, X, classes)
    return answers


def _answers(branch: Branch, X: Any, classes: Any) -> Floats:
    model = branch.estimator
    if classes is None:
        return np.asarray(model.predict(X), dtype=np.float64).reshape(-1, 1)
    if branch.answer == VOTES:
        return np.eye(len(classes))[np.searchsorted(classes, model.predict(X))]
    if hasattr(model, "predict_proba"):
        known = np.asarray(model.predict_proba(X), dtype=np.float64)
    else:
        known = squash(np.asarray(model.decision_function(X), dtype=np.float64))
    if known.shape[1] != len(model.classes_):
        raise ValueError(
            f"The base of modality {branch.name!r} gives {known.shape[1]} scores for "
            f"{len(model.classes_)} classes. Calibrate it: calibrate='sigmoid'."
        )
    answers = np.zeros((len(known), len(classes)))
    answers[:, np.searchsorted(classes, model.classes_)] = known
    return answers


def squash(scores: Floats) -> Floats:
    """Turn decision scores into numbers that sum to one: sigmoid (two classes) or softmax.

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


def check_answers(bases: Sequence[Base], plan: Plan, rule: str) -> None:
    """Refuse a base that cannot give what the rule needs, before anything is fitted.

    Raises
    ------
    ValueError
        Naming the modality and the remedy.
    """
    for base in bases:
        proba = hasattr(base.estimator, "predict_proba")
        scores = hasattr(base.estimator, "decision_function")
        if plan.answer in {VOTES, VALUES} or proba or (plan.calibrate and scores):
            continue
        if plan.answer == SCORES and scores:
            continue
        remedy = (
            "Pass calibrate='sigmoid', or wrap it in CalibratedClassifierCV"
            if scores
            else "Take one that has it, or wrap it in CalibratedClassifierCV"
        )
        needs = "predict_proba or decision_function" if plan.answer == SCORES else "predict_proba"
        raise ValueError(
            f"{rule} needs {needs}, which the base of modality {base.name!r} "
            f"({type(base.estimator).__name__}) has not. {remedy}."
        )


def _fit_all(
    bases: Sequence[Base],
    training: Training,
    parts: Sequence[Rows],
    plan: Plan,
    factors: Floats | None,
) -> list[list[Branch | str]]:
    each = [
        training if factors is None else reweighted(training, factors[:, j])
        for j in range(len(bases))
    ]
    fitted = Parallel(n_jobs=plan.n_jobs, verbose=plan.verbose)(
        delayed(fit_branch)(base, own, rows, plan, seed)
        for rows in parts
        for base, own, seed in zip(bases, each, plan.seeds, strict=True)
    )
    return [fitted[i : i + len(bases)] for i in range(0, len(fitted), len(bases))]


def fit_branch(base: Base, training: Training, rows: Rows, plan: Plan, seed: int) -> Branch | str:
    """Fit one base on those of `rows` that have its modalities, or say why that cannot be."""
    rows = rows[training.table.present(base.members)[rows]]
    if training.sample_weight is not None and len(rows) and not training.sample_weight[rows].any():
        return "has weight zero in every training row that has it"
    if len(rows) == 0:
        return "is missing in every training row"
    y = training.y[rows]
    if training.classes is not None and len(np.unique(y)) < 2:
        return f"is present in training rows of one class only ({y.tolist()[0]!r})"
    fill = training.table.learn_fill(base.members, rows, training.sample_weight)
    X = training.table.take(base.members, rows, fill, plan.impute)
    model = seeded_clone(base.estimator, seed)
    parameters = fit_parameters(
        model,
        None if training.sample_weight is None else training.sample_weight[rows],
        None if training.groups is None else training.groups[rows],
        what=f"the base of modality {base.name!r}",
    )
    if plan.calibrate:
        splits = restrict_splits(training.splits, rows, training.y)
        if not splits:
            raise ValueError(
                f"The base of modality {base.name!r} cannot be calibrated: no inner split of its "
                f"{len(rows)} training rows has every class in its training part. Pass "
                "calibrate=None, or more rows or groups."
            )
        model = CalibratedClassifierCV(model, method=plan.calibrate, cv=splits)
    try:
        model.fit(X, y, **parameters)
    except Exception as error:
        error.add_note(f"This happened while fitting the base of modality {base.name!r}.")
        raise
    return Branch(base.name, base.members, model, fill, plan.answer, plan.impute)


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


def seeded_clone(estimator: Any, seed: int) -> Any:
    """Clone an estimator and give every `random_state` in it that is None a seed.

    Examples
    --------
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> seeded_clone(RandomForestClassifier(), 7).random_state
    7
    >>> seeded_clone(RandomForestClassifier(random_state=1), 7).random_state
    1
    """
    model = clone(estimator)
    open_seeds = {
        name: seed
        for name, value in sorted(model.get_params(deep=True).items())
        if value is None and re.search(r"(^|__)random_state$", name)
    }
    return model.set_params(**open_seeds) if open_seeds else model


def reweighted(training: Training, weights: Floats) -> Training:
    """Multiply the sample weights."""
    given = training.sample_weight
    return replace(training, sample_weight=weights if given is None else given * weights)
