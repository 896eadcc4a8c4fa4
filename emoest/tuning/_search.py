"""Hyperparameter search over any pipeline with Optuna, grouped by speaker and scored by UAR."""

import math
from copy import deepcopy
from dataclasses import dataclass
from numbers import Real
from typing import Any

import joblib
import numpy as np
from joblib import delayed
from scipy.sparse import issparse
from sklearn.base import clone, is_classifier
from sklearn.utils import get_tags, indexable
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted
from tqdm import tqdm

from emoest.evaluation._cross_fitting import run_parallel, with_group_level
from emoest.evaluation._scorers import find_scorer
from emoest.tables.groups import inner_splits, remember_groups, resolve_groups
from emoest.tuning._space import (
    check_space,
    chosen_params,
    cloned,
    suggest_params,
    without_addresses,
)
from emoest.tuning._trials import (
    check_any_complete,
    complete_trials,
    cv_results,
    finished_trials,
    open_storage,
    quiet,
    reseed,
    score_or_error,
    trial_seed,
    trials_table,
    warn_failed,
)
from emoest.utils import constraints
from emoest.utils._sklearn import BaseSearchCV, HasMethods, StrOptions, fit_context, num_samples
from emoest.utils.routing import fit_parameters
from emoest.utils.seeds import isolated_generators, resolve_seed, seeded_clone, spawn_seeds


@dataclass(frozen=True)
class _Rows:
    """The samples of a search, how they are split, and its seed."""

    X: Any
    y: Any
    groups: Any
    splits: list[Any]
    seed: int


class OptunaSearchCV(BaseSearchCV):
    """Search hyperparameters with Optuna, by cross-validation that keeps speakers apart.

    Each trial is one set of parameters, cloned, fitted and scored on the same folds. The search is
    Optuna's tree-structured Parzen estimator, seeded anew before each trial from `random_state` and
    the number of trials done, so that a resumed search gives what an uninterrupted one gives.

    Parameters
    ----------
    estimator : estimator
        What to tune; never fitted itself.
    space : dict or callable
        From nested parameter names to Optuna distributions, or to a list of choices (which may be
        estimators); or a function from a trial to a dict of parameters.
    cv : int, splitter or iterable of (train, test), default=5
        An integer makes a shuffled StratifiedGroupKFold, of at most as many folds as there are
        groups (StratifiedKFold without groups).
    scoring : str, callable or None, default="uar"
        ``"uar"``, ``"ccc"``, another name that scikit-learn knows, or a scorer; the larger the
        better. None takes the estimator's own ``score``.
    n_trials : int or None, default=20
        Trials in all, with those that `storage` holds already and those of other processes on the
        same study (each may finish one more); None goes on until `timeout`.
    timeout : float, default=None
        Seconds after which no further trial starts.
    storage : str or optuna storage, default=None
        Where trials are kept, for example ``"sqlite:///search.db"``; None keeps them in memory. The
        name of the study is derived from data, folds, estimator, space, scoring and seed, so that a
        search resumes its own trials and never those on other samples (another outer fold).
    refit : bool, default=True
        Whether to fit `best_estimator_` on all samples.
    error_score : "raise" or float, default=NaN
        Score of a fold in which fitting or scoring fails. NaN leaves the whole trial out, with a
        warning; ``"raise"`` ends the search.
    group_column : str, default=None
        A context column of X with the groups, where ``fit`` gets none and the index has none.
    n_jobs : int, default=None
        Folds at a time inside a trial. Trials follow each other, so results do not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds folds, trials and models without a `random_state` of their own. To resume from
        `storage` it must be an integer.
    verbose : int, default=0
        Above zero shows a progress bar, above one Optuna's own messages too.

    Attributes
    ----------
    best_estimator_ : estimator
        Fitted on all samples with the best parameters; only with `refit`.
    best_params_ : dict
        Parameters of the best trial.
    best_score_ : float
        Its mean score over the folds.
    seen_groups_ : list or None
        Groups of the training samples; None where nothing named any.
    best_index_ : int
        Its position in `cv_results_`.
    cv_results_ : dict of array
        As of scikit-learn's searches, without times: ``params``, ``param_*``,
        ``split*_test_score``, ``mean_test_score``, ``std_test_score`` and ``rank_test_score`` of
        every finished trial, in their order; scores of one that failed are NaN.
    trials_ : DataFrame
        One row a trial: number, state, value, seconds, parameters, scores by fold, and the error of
        a failed one.
    study_ : optuna.study.Study
        The study, for Optuna's plots and importances.
    scorer_ : callable
        The scorer.
    n_splits_ : int
        Number of folds.
    grouped_ : bool
        Whether groups were kept apart.

    Warns
    -----
    FailedTrialWarning
        If a trial fails, with its number, parameters and error.
    NotSpeakerIndependentWarning
        If nothing names groups.

    Notes
    -----
    On a keyboard interrupt KeyboardInterrupt is raised as usual, but `study_`, `trials_`,
    `cv_results_` and, once a trial is complete, `best_params_`, `best_score_` and `best_index_`
    hold what was done. Optuna's messages are silenced during the search; its verbosity is left as
    it was found.

    Examples
    --------
    >>> from optuna.distributions import FloatDistribution
    >>> from sklearn.linear_model import LogisticRegression
    >>> X, y = np.array([[0.0], [9.0]] * 6), np.array(["sad", "happy"] * 6)
    >>> search = OptunaSearchCV(
    ...     LogisticRegression(), {"C": FloatDistribution(0.1, 10, log=True)}, cv=3, n_trials=2,
    ...     random_state=0,
    ... )
    >>> search.fit(X, y, groups=np.repeat([1, 2, 3, 4, 5, 6], 2)).best_score_
    1.0
    """

    __metadata_request__fit = {"groups": True}

    _parameter_constraints: constraints.Constraints = {
        "estimator": [HasMethods("fit")],
        "space": [dict, callable],
        **constraints.CV,
        "scoring": [str, callable, None],
        "n_trials": [constraints.POSITIVE_INT, None],
        "timeout": [constraints.POSITIVE_REAL, None],
        "storage": [str, HasMethods("create_new_study"), None],
        "refit": ["boolean"],
        "error_score": [StrOptions({"raise"}), Real],
        **constraints.GROUP_COLUMN,
        **constraints.N_JOBS,
        **constraints.RANDOM_STATE,
        **constraints.VERBOSE,
    }

    def __init__(
        self,
        estimator,
        space,
        *,
        cv=5,
        scoring="uar",
        n_trials=20,
        timeout=None,
        storage=None,
        refit=True,
        error_score=np.nan,
        group_column=None,
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.estimator = estimator
        self.space = space
        self.cv = cv
        self.scoring = scoring
        self.n_trials = n_trials
        self.timeout = timeout
        self.storage = storage
        self.refit = refit
        self.error_score = error_score
        self.group_column = group_column
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, groups=None):
        """Run the trials and fit the best estimator on all samples.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, ...)
            The samples, in any form that `estimator` takes.
        y : array-like of shape (n_samples,)
            The target.
        groups : array-like of shape (n_samples,), default=None
            Who each sample is from; None takes `group_column`, else the index level ``group``.

        Returns
        -------
        self : OptunaSearchCV

        Raises
        ------
        ValueError
            If `space` names an unknown parameter, neither `n_trials` nor `timeout` is given, no
            folds can be made, or every trial fails.
        Exception
            Whatever a trial raises, with ``error_score="raise"``.
        """
        if self.n_trials is None and self.timeout is None:
            raise ValueError("The search would never end: give n_trials, timeout or both.")
        check_space(self.space, self.estimator)
        rows = self._check_rows(X, y, groups)
        self.scorer_ = find_scorer(self.estimator, self.scoring)
        self.n_splits_ = len(rows.splits)
        self._search(rows)
        remember_groups(self, rows.groups)
        if self.refit:
            best = clone(self.estimator).set_params(**cloned(self.best_params_))
            best = seeded_clone(best, rows.seed, distinct=True)
            with isolated_generators(rows.seed):
                best.fit(rows.X, y, **fit_parameters(best, groups=rows.groups))
            self.best_estimator_ = best
            if hasattr(best, "feature_names_in_"):
                self.feature_names_in_ = best.feature_names_in_
        return self

    def _check_rows(self, X, y, groups) -> _Rows:
        classifier = is_classifier(self.estimator)
        if y is None and get_tags(self.estimator).target_tags.required:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        X, y, groups = indexable(X, y, groups)
        if classifier:
            check_classification_targets(np.asarray(y))
        groups = resolve_groups(X, groups, self.group_column)
        seed = resolve_seed(self.random_state)
        options = {"cv": self.cv, "classifier": classifier and np.ndim(y) == 1}
        splits, self.grouped_ = inner_splits(X, y, groups=groups, random_state=seed, **options)
        if not splits:
            raise ValueError(
                f"cv={self.cv!r} gives no fold of the n_samples={num_samples(X)} samples whose "
                "training part holds every class. A search needs two groups (speakers) with each "
                "class, or two samples of each class."
            )
        return _Rows(with_group_level(X, groups), y, groups, splits, seed)

    def _search(self, rows: _Rows) -> None:
        import optuna

        with quiet(optuna, self.verbose):
            name = None if self.storage is None else self._study_name(rows)
            self.study_ = optuna.create_study(
                storage=open_storage(self.storage),
                study_name=name,
                direction="maximize",
                load_if_exists=True,
            )
            done = len(finished_trials(self.study_))
            left = None if self.n_trials is None else max(self.n_trials - done, 0)
            with tqdm(total=left, desc="trials", leave=False, disable=not self.verbose) as bar:

                def after(study: Any, trial: Any) -> None:
                    warn_failed(trial)
                    bar.update()
                    # Other workers on the same study have finished some of them.
                    if self.n_trials is not None and len(finished_trials(study)) >= self.n_trials:
                        study.stop()

                try:
                    if left != 0:
                        self.study_.optimize(
                            lambda trial: self._score(trial, rows),
                            n_trials=left,
                            timeout=self.timeout,
                            catch=() if self.error_score == "raise" else (Exception,),
                            callbacks=[after],
                        )
                finally:
                    # Also after an interrupt: what was done is kept.
                    self._set_results()
        check_any_complete(self.study_)

    def _score(self, trial: Any, rows: _Rows) -> float:
        """Fit and score one set of parameters on every fold."""
        try:
            # trial.number counts interrupted trials too, and a resumed search would differ by them.
            number = reseed(trial, rows.seed)
            model = clone(self.estimator)
            model.set_params(**cloned(suggest_params(trial, self.space)))
            seeds = spawn_seeds(trial_seed(rows.seed, number), len(rows.splits))
            options = {"scorer": self.scorer_, "error_score": self.error_score}
            calls = [
                delayed(score_or_error)(
                    model, rows.X, rows.y, rows.groups, split=split, seed=seed, **options
                )
                for split, seed in zip(rows.splits, seeds, strict=True)
            ]
            outcomes = run_parallel(calls, self.n_jobs)
            scores, errors = zip(*outcomes, strict=True)
            if math.isnan(mean := float(np.mean(scores))):
                raise ValueError(f"a score is not a number: {list(scores)}")
        except Exception as error:
            trial.set_user_attr("error", f"{type(error).__name__}: {error}")
            raise
        for error in filter(None, errors):
            trial.set_user_attr("error", error)
        for fold, score in enumerate(scores, start=1):
            trial.set_user_attr(f"fold_{fold}", float(score))
        return mean

    def _set_results(self) -> None:
        """Set what follows from the study, also when the search was interrupted."""
        self.trials_ = trials_table(self.study_)
        finished = finished_trials(self.study_)
        params = [chosen_params(trial, self.space) for trial in finished]
        folds = [f"fold_{fold}" for fold in range(1, self.n_splits_ + 1)]
        scores = [[trial.user_attrs.get(fold, np.nan) for fold in folds] for trial in finished]
        self.cv_results_ = cv_results(params, np.reshape(scores, (-1, self.n_splits_)))
        if complete_trials(self.study_):
            best = self.study_.best_trial
            self.best_score_ = float(best.value)
            self.best_index_ = [trial.number for trial in finished].index(best.number)
            self.best_params_ = params[self.best_index_]

    def _study_name(self, rows: _Rows) -> str:
        """Name a study by all that its trials depend on."""
        space = getattr(self.space, "__qualname__", repr(self.space))
        given = f"{type(self.estimator)} {self.estimator.get_params()} {self.scorer_} {space}"
        if self.error_score != "raise" and not math.isnan(self.error_score):
            given += f" {self.error_score}"
        X = rows.X if issparse(rows.X) else np.asarray(rows.X)
        parts = [np.asarray(rows.y), rows.groups, rows.splits, without_addresses(given), rows.seed]
        return f"emoest-{joblib.hash([X, *parts])}"

    def score(self, X, y=None):
        """Score the best estimator with `scoring`."""
        check_is_fitted(self, "best_estimator_")
        return self.scorer_(self.best_estimator_, X, y)

    def get_metadata_routing(self):
        """Return what `fit` takes: groups, which this search uses itself."""
        # A router, as in scikit-learn's searches, would refuse groups where cv is a number.
        return super(BaseSearchCV, self).get_metadata_routing()

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "best_estimator_" if self.refit else "best_params_")

    def __sklearn_tags__(self):
        tags, inner = super().__sklearn_tags__(), get_tags(self.estimator)
        kinds = ("estimator_type", "classifier_tags", "regressor_tags", "target_tags", "input_tags")
        for kind in kinds:
            setattr(tags, kind, deepcopy(getattr(inner, kind)))
        tags.array_api_support = False
        return tags
