"""What `evaluate` was given, checked and split into folds before anything is fitted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import is_classifier, is_regressor
from sklearn.pipeline import Pipeline
from sklearn.utils import check_consistent_length
from sklearn.utils.multiclass import type_of_target

from emoest.evaluation._cross_fitting import Groups, make_splitter
from emoest.evaluation._inputs.aligned import is_permuted
from emoest.evaluation._leakage import (
    pretrained_groups,
    seen_before,
    shared_groups,
)
from emoest.evaluation._leaks.alarm import refuse_or_warn
from emoest.evaluation._leaks.table import Leak, LeakCase, find_leaks
from emoest.evaluation._protocol import Task
from emoest.evaluation._protocols.checked_folds import make_splits
from emoest.evaluation._protocols.named_folds import named_cv
from emoest.evaluation._speakers import SPEAKER, Speakers, find_speakers
from emoest.tables.groups import (
    GROUP_LEVEL,
    NotSpeakerIndependentWarning,
    Split,
    describe_confounding,
    require_groups,
    resolve_groups,
)
from emoest.tables.names import is_context, tokens
from emoest.tables.spelling import describe_alike, find_alike
from emoest.tables.targets import is_label_distribution
from emoest.utils.messages import listed
from emoest.utils.seeds import RandomState, resolve_seed, spawn_seeds
from emoest.utils.warn import warn_user

_SCALES = (
    ["very low", "low", "medium", "mid", "middle", "moderate", "neutral", "high", "very high"],
    ["very negative", "negative", "neutral", "positive", "very positive"],
)
"""Names of ordered classes, the least first."""


@dataclass(frozen=True)
class Targets:
    """The target as the models get it, and as a table with one column a target."""

    y: Any
    frame: pd.DataFrame
    task: Task
    classes: dict[Any, list[Any]]
    multilabel: bool

    @property
    def labels(self) -> Any:
        """What splits are stratified by: of votes, the label that most raters gave."""
        votes = self.frame.shape[1] == 1 and np.ndim(self.y) == 2
        return self.frame.iloc[:, 0].to_numpy() if votes else self.y

    @property
    def stratify(self) -> bool:
        return self.task == "classification" and self.frame.shape[1] == 1


@dataclass(frozen=True)
class FoldPlan:
    """The targets, groups and folds of an evaluation, all checked."""

    targets: Targets
    groups: Groups
    splitter: Any
    splits: list[Split]
    shared: list[Any]
    seed: int
    speakers: Speakers
    leaks: list[Leak]


def plan_folds(
    models: dict[str, Any],
    X: Any,
    y: Any,
    *,
    groups: Any,
    group_column: str | None,
    cv: Any,
    random_state: RandomState,
    allow_overlap: bool = False,
) -> FoldPlan:
    """Check what is evaluated on what, and split it."""
    targets = check_targets(X, y, models)
    groups = _one_column(groups)
    check_alignment(X, groups, "groups")
    known = check_groups(X, resolve_groups(X, groups, group_column))
    speakers = find_speakers(X, known, groups, group_column)
    _check_names(targets, known, speakers)
    seed = resolve_seed(random_state)
    splitter = make_splitter(
        named_cv(cv, X, known),
        targets.labels,
        known,
        classifier=targets.task == "classification",
        stratify=targets.stratify,
        seed=seed,
    )
    splits = make_splits(splitter, X, targets.labels, known)
    shared = check_overlap(models, splits, known, allow_overlap)
    classes = targets.task == "classification"
    case = LeakCase(X, targets.frame, known, speakers, splits, models, classes)
    leaks = find_leaks(case)
    refuse_or_warn(case, leaks, allow_overlap)
    return FoldPlan(targets, known, splitter, splits, shared, seed, speakers, leaks)


def _one_column(groups: Any) -> Any:
    """Take the only column of a table of groups."""
    if np.ndim(groups) != 2:
        return groups
    if np.shape(groups)[1] != 1:
        raise ValueError(
            f"groups must be one column, got shape {np.shape(groups)}. Name one, for example "
            "groups=X['speaker']."
        )
    return groups.iloc[:, 0] if isinstance(groups, pd.DataFrame) else np.asarray(groups)[:, 0]


def _check_names(targets: Targets, groups: Groups, speakers: Speakers) -> None:
    """Warn of names that may be one, groups of one sample, labels that a speaker determines."""
    if groups is not None and (
        alike := find_alike(np.unique(groups.astype(str)).tolist(), titled=True)
    ):
        warn_user(
            f"Groups ({speakers.kind}s) whose names differ only by case, blanks, punctuation, "
            f"leading zeros or a word such as 'actor' are taken as different ones: "
            f"{describe_alike(alike)}. If they are one, it may be in the training and the test "
            "part: give it one name.",
        )
    if groups is not None and len(np.unique(groups)) == len(groups):
        warn_user(
            f"Every sample has a group ({speakers.kind}) of its own, so nothing is kept together: "
            "if samples are by one speaker, they may be in the training and the test part. Pass "
            "who each sample is from.",
            NotSpeakerIndependentWarning,
        )
    if targets.task == "regression":
        return
    for target, classes in targets.classes.items():
        if alike := find_alike(classes, inflected=True):
            warn_user(
                f"Labels of {target!r} that look like one are taken as different classes: "
                f"{describe_alike(alike)}. If they are one, give it one name.",
            )
        if groups is None:
            continue
        confounded = describe_confounding(targets.frame[target], groups, f"{speakers.kind}s")
        if confounded and not targets.multilabel:
            warn_user(
                f"{confounded} A model that recognizes {speakers.kind}s would seem to recognize "
                "labels, and normalization by speaker takes the labels away.",
            )


def check_bootstrap(n_resamples: int, confidence: float) -> None:
    if isinstance(n_resamples, bool) or not isinstance(n_resamples, int | np.integer):
        raise TypeError(f"n_resamples={n_resamples!r} must be a whole number.")
    if n_resamples < 1:
        raise ValueError(f"n_resamples must be at least 1, got {n_resamples}.")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence}.")


def check_seeds(seeds: Any, random_state: RandomState) -> list[int]:
    """Return the seeds of the runs; none for a single one without a name."""
    if isinstance(random_state, int | np.integer) and not 0 <= random_state < 2**32:
        raise ValueError(f"random_state={random_state} must lie between 0 and 2**32 - 1.")
    if seeds is None:
        return []
    if isinstance(seeds, int | np.integer) and not isinstance(seeds, bool) and seeds > 0:
        return spawn_seeds(resolve_seed(random_state), int(seeds))
    found = list(seeds) if np.ndim(seeds) == 1 and not isinstance(seeds, str) else []
    whole = all(isinstance(each, int | np.integer) and 0 <= each < 2**32 for each in found)
    if not found or not whole or len(set(found)) < len(found):
        raise ValueError(
            f"seeds={seeds!r} must be a number of runs, or different whole numbers, one for each, "
            "from 0 to 2**32 - 1."
        )
    return [int(each) for each in found]


def check_models(model: Any) -> dict[str, Any]:
    if isinstance(model, list | tuple):
        raise TypeError("Several models are passed as a dict, {'name': model}, not as a list.")
    if not isinstance(model, Mapping):
        last = model.steps[-1][1] if isinstance(model, Pipeline) else model
        model = {(last if isinstance(last, type) else type(last)).__name__: model}
    if not model:
        raise ValueError("There is no model to evaluate: the dict is empty.")
    names = [str(name) for name in model]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"Several models have one name: {listed(twice, quoted=True)}.")
    for name, each in model.items():
        if isinstance(each, type):
            raise TypeError(
                f"Model {name!r} is a class and has no fit and predict of its own: pass an "
                f"instance, {each.__name__}()."
            )
        if not (hasattr(each, "fit") and _predicts(each)):
            raise TypeError(f"Model {name!r} has no fit and predict: {each!r}.")
    return {str(name): each for name, each in model.items()}


def _predicts(model: Any) -> bool:
    # StackingClassifier shows no predict before it is fitted: its last estimator is not made yet.
    return hasattr(model, "predict") or (
        hasattr(type(model), "predict") and (is_classifier(model) or is_regressor(model))
    )


def check_targets(X: Any, y: Any, models: dict[str, Any]) -> Targets:
    check_consistent_length(X, y)
    if len(y) == 0:
        raise ValueError("There are no samples: X and y are empty.")
    check_alignment(X, y, "y")
    y = y if isinstance(y, pd.DataFrame | pd.Series) else np.asarray(y)
    if _holds_votes(y, models):
        return _targets_of_votes(y)
    if isinstance(y, pd.DataFrame) and y.shape[1] == 1:
        y = y.iloc[:, 0]
    frame = pd.DataFrame(y).reset_index(drop=True)
    if y.ndim == 1:
        frame.columns = [getattr(y, "name", None) or "y"]
    for column in frame:
        missing = np.flatnonzero(frame[column].isna())
        if len(missing):
            raise ValueError(
                f"Target {column!r} is missing in {len(missing)} sample(s), at position "
                f"{listed(missing, quoted=True)}. Drop these samples from X and y first."
            )
    task = _find_task(frame, models)
    classes = {}
    if task == "classification":
        classes = {column: _classes(frame[column]) for column in frame}
    multilabel = frame.shape[1] > 1 and all(set(c) <= {0, 1} for c in classes.values())
    return Targets(y, frame, task, classes, multilabel and task == "classification")


def _holds_votes(y: Any, models: dict[str, Any]) -> bool:
    """Check for proportions of labels; a table of zeros and ones is a multi-label target."""
    if any(is_regressor(model) for model in models.values()) or not is_label_distribution(y):
        return False
    return not y.isin([0, 1]).all(axis=None)


def _targets_of_votes(y: pd.DataFrame) -> Targets:
    """Score by the label that most raters gave; models learn from the proportions."""
    unrated = np.flatnonzero(y.isna().any(axis=1))
    if len(unrated):
        raise ValueError(
            f"{len(unrated)} sample(s) have no votes, at position {listed(unrated)}. Drop these "
            "samples from X and y first."
        )
    labels = np.array(y.columns.tolist())[y.to_numpy().argmax(axis=1)]
    frame = pd.DataFrame({"y": labels})
    return Targets(y, frame, "classification", {"y": _classes(frame["y"])}, False)


def _find_task(frame: pd.DataFrame, models: dict[str, Any]) -> Task:
    # In an object column type_of_target calls numbers "unknown".
    kinds = {type_of_target(frame[c].infer_objects().to_numpy()) for c in frame}
    continuous = any(kind.startswith("continuous") for kind in kinds)
    tasks: dict[str, Task] = {}
    for name, model in models.items():
        if is_classifier(model) and continuous:
            raise ValueError(f"y is continuous, but model {name!r} is a classifier.")
        regression = is_regressor(model) or (continuous and not is_classifier(model))
        tasks[name] = "regression" if regression else "classification"
    if len(set(tasks.values())) > 1:
        raise ValueError(f"Classifiers and regressors cannot be compared in one table: {tasks}.")
    alone: Task = "regression" if continuous else "classification"
    return next(iter(tasks.values()), alone)


def in_order(column: "pd.Series[Any]") -> list[Any]:
    """List the classes: ordered ones by their order, others sorted.

    Examples
    --------
    >>> in_order(pd.Series(["low", "high", "medium"])), in_order(pd.Series(["sad", "glad"]))
    (['low', 'medium', 'high'], ['glad', 'sad'])
    """
    classes: list[Any] = np.unique(column.infer_objects().to_numpy()).tolist()
    if isinstance(column.dtype, pd.CategoricalDtype):
        return [name for name in column.cat.categories.tolist() if name in set(classes)]
    for scale in _SCALES:
        if all(isinstance(name, str) and name.strip().lower() in scale for name in classes):
            return sorted(classes, key=lambda name: scale.index(name.strip().lower()))
    return classes


def _classes(column: "pd.Series[Any]") -> list[Any]:
    classes = in_order(column)
    if len(classes) < 2:
        raise ValueError(
            f"Target {column.name!r} holds one class only, {listed(classes, quoted=True)}: there "
            "is nothing to recognize. Check which samples and which target were chosen."
        )
    return classes


def check_alignment(X: Any, other: Any, what: str) -> None:
    """Raise on the one misalignment that is certain: the same index in another order."""
    if not isinstance(X, pd.DataFrame) or not isinstance(other, pd.DataFrame | pd.Series):
        return
    if is_permuted(X.index, other.index):
        rows = "X.index.droplevel('group')" if GROUP_LEVEL in X.index.names else "X.index"
        its_name = what.partition(" ")[0]
        raise ValueError(
            f"X and {what} have the same index in different orders. Align them first: "
            f"{its_name}.loc[{rows}]."
        )


def check_groups(X: Any, groups: Groups) -> Groups:
    if groups is None:
        columns = [c for c in X.columns if is_context(c)] if isinstance(X, pd.DataFrame) else []
        columns = [c for c in columns if tokens(c)[-1] not in ("split", "fold")]
        columns.sort(key=lambda c: tokens(c)[-1] != SPEAKER)
        hint = "".join(f" X has the column {c!r}: pass group_column={c!r}." for c in columns[:1])
        warn_user(
            "No groups were found, so this evaluation is not speaker-independent: the same speaker "
            f"may be in the training and the test part. Pass groups= or group_column=.{hint}",
            NotSpeakerIndependentWarning,
        )
        return None
    return require_groups(groups)


def describe_splitter(splitter: Any, n_splits: int) -> str:
    # Splits given by hand would be printed with all their indices.
    text = " ".join(repr(splitter).split())
    return text if len(text) <= 120 and "array(" not in text else f"{n_splits} splits given by hand"


def check_overlap(
    models: dict[str, Any], splits: list[Split], groups: Groups, allow_overlap: bool
) -> list[Any]:
    """List groups on both sides, or seen by a pretrained part; raise unless allowed."""
    if groups is None:
        return []
    found: set[Any] = set()
    pretrained = {name: pretrained_groups(model) for name, model in models.items()}
    codes, names = pd.factorize(groups, sort=True)
    for fold, split in enumerate(splits, start=1):
        shared = names[shared_groups(split, codes)].tolist()
        if shared and not allow_overlap:
            raise ValueError(
                f"Groups (speakers) are in both the training and the test part of fold {fold} of "
                f"{len(splits)}: {listed(shared, quoted=True)}. Use a splitter that keeps groups "
                "together, for example cv=GroupKFold(5), or say allow_overlap=True for a "
                "speaker-dependent score."
            )
        found.update(shared)
        for name, parts in pretrained.items():
            for part, seen in (seen_before(parts, groups[split[1]]) if parts else {}).items():
                if not allow_overlap:
                    raise ValueError(
                        f"Model {name!r}: {part} was trained on groups (speakers) of the test part "
                        f"of fold {fold} of {len(splits)}: {listed(seen, quoted=True)}. Train it "
                        "on other speakers, leave these out, or say allow_overlap=True."
                    )
                found.update(seen)
    return sorted(found, key=str)
