"""`evaluate`: models evaluated on held-out speakers."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from joblib import delayed

from emoest.evaluation._bootstrap import warn_few
from emoest.evaluation._checks import (
    FoldPlan,
    Targets,
    check_bootstrap,
    check_models,
    check_seeds,
    describe_splitter,
    plan_folds,
)
from emoest.evaluation._context import without_unused_context
from emoest.evaluation._cross_fitting import (
    FoldFailure,
    FoldOutput,
    FoldTask,
    Groups,
    run_fold,
    run_parallel,
    with_group_level,
)
from emoest.evaluation._leakage import (
    inner_folds_without_groups,
    of_unknown_speakers,
    transductive_steps,
)
from emoest.evaluation._predictions import predictions_table
from emoest.evaluation._protocol import Protocol
from emoest.evaluation._protocols.checked_outputs import describe_bad_output
from emoest.evaluation._protocols.coverage import (
    untested_classes,
    untrained_classes,
    warn_of_untrained,
)
from emoest.evaluation._protocols.fingerprint import corpus_digest
from emoest.evaluation._report.independence import is_independent
from emoest.evaluation._result import EvaluationResult
from emoest.tables.groups import Split
from emoest.tables.inputs import as_pandas
from emoest.utils._sklearn import num_samples
from emoest.utils.messages import listed, short_repr
from emoest.utils.progress import progress
from emoest.utils.seeds import RandomState, spawn_seeds
from emoest.utils.versions import versions


class EvaluationError(RuntimeError):
    """A model failed in a fold.

    Parameters
    ----------
    message : str
        What went wrong.
    partial : EvaluationResult or None
        The folds done before; None if there are none.
    model : str
        Name of the model.
    fold : int
        The fold, counted from 1.

    Attributes
    ----------
    partial, model, fold
        As given.
    """

    def __init__(self, message: str, partial: EvaluationResult | None, model: str, fold: int):
        super().__init__(message)
        self.partial = partial
        self.model = model
        self.fold = fold


class EvaluationInterrupted(KeyboardInterrupt):
    """An evaluation was interrupted from the keyboard.

    Parameters
    ----------
    message : str
        What is left.
    partial : EvaluationResult or None
        The folds done before; None if there are none.

    Attributes
    ----------
    partial
        As given.
    """

    def __init__(self, message: str, partial: EvaluationResult | None):
        super().__init__(message)
        self.partial = partial


def evaluate(
    model: Any,
    X: Any,
    y: Any,
    *,
    groups: Any = None,
    group_column: str | None = None,
    cv: Any = None,
    seeds: int | Sequence[int] | None = None,
    allow_overlap: bool = False,
    proba: bool = True,
    n_resamples: int = 2000,
    confidence: float = 0.95,
    n_jobs: int | None = None,
    random_state: RandomState = None,
    verbose: int | None = None,
) -> EvaluationResult:
    """Evaluate one or several models on speakers that they were not trained on.

    Every sample is predicted by a model whose training part holds none of its speaker's samples.
    The main score is UAR over all predictions together, with an interval from resampling speakers
    (see `uar_interval`); scores of single folds are given too. Continuous targets are evaluated by
    CCC in the same way.

    Parameters
    ----------
    model : estimator or dict of str to estimator
        What to evaluate; never fitted itself, but cloned for each fold. Several models see the
        same folds and are compared speaker by speaker.
    X : DataFrame (pandas or polars) or array-like of shape (n_samples, ...)
        The samples: media, frames or vectors. Where groups are known and its index has no level
        ``group``, the models get a copy that has one, so that inner splits find the speakers.
        Context columns (``speaker``, ``session``, ...) that no part of a model names, as
        ``group_column=`` does, are left out.
    y : array-like of shape (n_samples,), or DataFrame of shape (n_samples, n_targets)
        Classes or continuous targets. A DataFrame gives one row of the table for each target; one
        of zeros and ones is taken as a multi-label target, and one of proportions that sum to 1
        (`label_distribution`) as the votes of raters: models learn from them, as nets can, and are
        scored by the label that most raters gave (of two, the first column's).
    groups : array-like of shape (n_samples,), default=None
        Who each sample is from. None takes `group_column`, else the index level ``group`` of `X`.
    group_column : str, default=None
        A context column of `X`, for example ``"speaker"``.
    cv : int, splitter, str or iterable of (train, test), default=None
        None makes five folds. None and integers make a shuffled, seeded StratifiedGroupKFold
        (GroupKFold for continuous or several targets; without groups StratifiedKFold or KFold).
        ``"loso"`` leaves one group out at a time. The name of a context column of `X`, such as
        ``"fold"`` or ``"split"``, takes the official folds that it holds: each value is tested
        once, or, if the values are called train, dev and test, the test part (the dev part where
        there is none) against all the others; samples without a value are only trained on.
    seeds : int or sequence of int, default=None
        Repeats everything, splits and models, with each of these seeds; an integer draws so many.
        Scores are then means over the runs, and a resample draws the same groups in all of them.
    allow_overlap : bool, default=False
        Whether a group may be in both parts of a fold, and a finished part of a model may have
        seen test samples; the result says that it is not speaker-independent.
    proba : bool, default=True
        Whether to predict probabilities too, where a model can.
    n_resamples : int, default=2000
        How often the groups are resampled.
    confidence : float, default=0.95
        Of the intervals.
    n_jobs : int, default=None
        Folds at a time (joblib). Results and their order do not depend on it; under a backend of
        threads one fold follows on the other.
    random_state : int, RandomState instance or None, default=None
        Seeds the splits, the resamples and, by fold, every part of a model whose `random_state` is
        None. None draws a seed and names it in the result.
    verbose : int, default=None
        Above zero shows a progress bar; None shows one in a terminal and in a notebook only.

    Returns
    -------
    result : EvaluationResult
        Its ``.predictions`` have the columns ``model`` (if a dict was given), ``target`` (if there
        are several), ``row`` (the index of `X` without the level ``group``), ``position``
        (counted from 0), ``seed`` (if there are `seeds`), ``fold`` (from 1), ``group``, ``y``,
        ``y_pred`` and, for each class, ``proba_<class>`` (0 for a class that the training part
        lacked).

    Raises
    ------
    ValueError
        If lengths differ, a target or group is missing, y holds one class only, there are fewer
        groups than folds, a group is in both parts of a fold, or a finished part of a model has
        seen a group (``seen_groups_``) or samples (it keeps them, or their means) of a test fold.
    EvaluationError
        If a model fails in a fold, or predicts what cannot be scored: no value, texts for numbers,
        several values a sample, probabilities that are missing, negative or do not sum to 1. Its
        ``.partial`` holds the result of the folds before.
    EvaluationInterrupted
        On a keyboard interrupt (it is a KeyboardInterrupt); with ``.partial`` too.

    Warns
    -----
    NotSpeakerIndependentWarning
        If nothing names groups, or groups are something else and speakers are in both parts.
    UserWarning
        If fewer than 10 groups are tested, samples are the same, a column is the label, or a
        training part lacks a class that is tested.

    Notes
    -----
    In a resample that misses a class, UAR is the mean recall over the others. The interval says
    how the score varies with the speakers tested; it does not hold the variation between training
    sets or seeds.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.linear_model import LogisticRegression
    >>> X = pd.DataFrame({"audio__f0": [0.0, 9.0] * 6, "speaker": np.repeat(list("abcdef"), 2)})
    >>> y = pd.Series(["sad", "happy"] * 6)
    >>> model = LogisticRegression()
    >>> result = evaluate(model, X[["audio__f0"]], y, groups=X["speaker"], cv=3, random_state=0)
    >>> result.table.loc["LogisticRegression", ["uar", "uar_low", "uar_high"]].tolist()
    [1.0, 1.0, 1.0]
    """
    check_bootstrap(n_resamples, confidence)
    models = check_models(model)
    X, y = as_pandas(X, lists=False), as_pandas(y, lists=False)
    options = {"groups": groups, "group_column": group_column, "allow_overlap": allow_overlap}
    runs = check_seeds(seeds, random_state)
    if hasattr(cv, "__next__"):
        # A generator of splits would be used up by the first run.
        cv = list(cv)
    plan = plan_folds(models, X, y, cv=cv, random_state=_first(runs, random_state), **options)
    known = plan.groups
    warn_few(None if known is None else _n_tested(known, plan.splits))
    splits = [plan.splits]
    with warnings.catch_warnings():
        # What the first run warned of is so in all.
        warnings.simplefilter("ignore")
        splits += [
            plan_folds(models, X, y, cv=cv, random_state=run, **options).splits for run in runs[1:]
        ]
    asked = {"seeds": runs, "n_resamples": n_resamples, "confidence": confidence}
    protocol = _protocol(models, X, plan, splits, asked)
    warn_of_untrained(protocol.untrained)
    several = isinstance(model, Mapping)
    samples = _Samples(X, plan.targets, known, splits, protocol, several)
    return _run(models, samples, proba=proba, n_jobs=n_jobs, verbose=verbose)


def _protocol(
    models: dict[str, Any],
    X: Any,
    plan: FoldPlan,
    splits: list[list[Split]],
    asked: dict[str, Any],
) -> Protocol:
    """Describe how models are evaluated, with the seed of the first run."""
    targets, known = plan.targets, plan.groups
    protocol = Protocol(
        task=targets.task,
        splitter=describe_splitter(plan.splitter, len(plan.splits)),
        n_splits=len(plan.splits),
        n_rows=num_samples(X),
        n_groups=None if known is None else len(np.unique(known)),
        speaker_independent=False,
        shared=plan.shared,
        seed=plan.seed,
        transductive={name: transductive_steps(each) for name, each in models.items()},
        targets=list(targets.frame.columns),
        classes=targets.classes,
        multilabel=targets.multilabel,
        group_kind=plan.speakers.kind,
        known_speakers=plan.speakers.share_known(plan.splits),
        models={name: short_repr(each) for name, each in models.items()},
        ungrouped_folds={name: inner_folds_without_groups(each) for name, each in models.items()},
        unknown_training={name: of_unknown_speakers(each) for name, each in models.items()},
        leaks=[vars(leak) for leak in plan.leaks],
        untrained=untrained_classes(targets, splits),
        untested=untested_classes(targets, plan.splits),
        versions=versions(),
        digest=corpus_digest(X, targets.frame, known),
        **asked,
    )
    return replace(protocol, speaker_independent=is_independent(protocol))


def _first(runs: list[int], random_state: RandomState) -> RandomState:
    return runs[0] if runs else random_state


def _n_tested(groups: npt.NDArray[Any], splits: list[Split]) -> int:
    """Count the groups that some fold tests."""
    return len(np.unique(groups[np.concatenate([test for _, test in splits])]))


@dataclass(frozen=True)
class _Samples:
    """The samples and how they are split in each run; `several` if the models came in a dict."""

    X: Any
    targets: Targets
    groups: Groups
    splits: list[list[Split]]
    protocol: Protocol
    several: bool


def _run(
    models: dict[str, Any],
    samples: _Samples,
    *,
    proba: bool,
    n_jobs: int | None,
    verbose: int | None,
) -> EvaluationResult:
    runs: list[int | None] = [*samples.protocol.seeds] or [None]
    tasks = [
        FoldTask(name, fold, model, *split, seed, run)
        for name, model in models.items()
        for run, splits in zip(runs, samples.splits, strict=True)
        for fold, split, seed in _seeded(splits, samples.protocol.seed if run is None else run)
    ]
    done: list[FoldOutput] = []
    try:
        with progress(len(tasks), "folds", verbose) as bar:
            for output in _outputs(tasks, samples, proba, n_jobs):
                if isinstance(output, FoldFailure):
                    raise _failure(output, samples, done) from output.error
                done.append(output)
                bar.update()
    except KeyboardInterrupt as stop:
        message = f"Interrupted after {len(done)} of {len(tasks)} folds; .partial holds them."
        raise EvaluationInterrupted(message, _partial(done, samples)) from stop
    return _result(done, samples)


def _seeded(splits: list[Split], seed: int) -> list[tuple[int, Split, int]]:
    """Number the folds, and give each its seed: the same for all models."""
    seeds = spawn_seeds(seed, len(splits))
    return [(i + 1, split, each) for i, (split, each) in enumerate(zip(splits, seeds, strict=True))]


def _outputs(
    tasks: list[FoldTask], samples: _Samples, proba: bool, n_jobs: int | None
) -> Iterator[FoldOutput | FoldFailure]:
    X = with_group_level(samples.X, samples.groups)
    seen = {task.model: without_unused_context(X, task.estimator) for task in tasks}
    y, names = samples.targets.y, samples.protocol.targets
    calls = [
        delayed(run_fold)(
            task, seen[task.model], y, groups=samples.groups, targets=names, proba=proba
        )
        for task in tasks
    ]
    for output in run_parallel(calls, n_jobs):
        yield output if isinstance(output, FoldFailure) else _checked(output, samples)


def _checked(output: FoldOutput, samples: _Samples) -> FoldOutput | FoldFailure:
    wrong = describe_bad_output(output, samples.targets.frame, samples.protocol.task)
    return FoldFailure(output.task, ValueError(wrong), "") if wrong else output


def _failure(failure: FoldFailure, samples: _Samples, done: list[FoldOutput]) -> EvaluationError:
    task, error = failure.task, failure.error
    if error.__traceback__ is None and failure.trace:
        error.add_note(failure.trace)
    groups = samples.groups
    reason = str(error).rstrip(". ")
    tested = "" if groups is None else listed(np.unique(groups[task.test]), quoted=True)
    return EvaluationError(
        f"Model {task.model!r} failed in fold {task.fold} of {samples.protocol.n_splits}"
        f"{'' if task.run is None else f', seed {task.run}'}"
        f"{f' (groups tested: {tested})' if tested else ''}: {type(error).__name__}: {reason}. "
        f"The {len(done)} fold(s) done before are kept in .partial of this error.",
        _partial(done, samples),
        task.model,
        task.fold,
    )


def _partial(done: list[FoldOutput], samples: _Samples) -> EvaluationResult | None:
    return _result(done, samples) if done else None


def _result(done: list[FoldOutput], samples: _Samples) -> EvaluationResult:
    return EvaluationResult(predictions_table(done, samples), samples.protocol)
