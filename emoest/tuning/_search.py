"""Hyperparameter search over any pipeline with Optuna, grouped by speaker and scored by UAR."""

import os
from contextlib import suppress
from copy import deepcopy
from numbers import Real
from typing import Any, Self

import numpy as np
from sklearn.base import clone
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from emoest.tables.groups import remember_groups
from emoest.tuning._folds import Rows, make_rows
from emoest.tuning._metrics import check_objectives, find_metrics
from emoest.tuning._run import Plan, TrialFailed, asks_for_folds, run_trial
from emoest.tuning._space import check_space, chosen_params, cloned
from emoest.tuning._storage import storage_errors
from emoest.tuning._study import Worker, open_study
from emoest.tuning._trials import (
    SECONDS,
    check_any_complete,
    cv_results,
    finished_trials,
    fold_values,
    frozen_study,
    quiet,
    trials_table,
    warn_failed,
)
from emoest.utils import constraints
from emoest.utils._sklearn import BaseSearchCV, HasMethods, StrOptions, fit_context
from emoest.utils.progress import progress
from emoest.utils.routing import fit_parameters
from emoest.utils.seeds import isolated_generators, seeded_clone


class OptunaSearchCV(BaseSearchCV):
    """Search hyperparameters with Optuna, by cross-validation that keeps speakers apart.

    Each trial is one set of parameters, cloned, fitted and scored on the same folds. Sampler and
    models are seeded anew for each trial from `random_state` and the number of trials done, so that
    a resumed search gives what an uninterrupted one gives.

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
    scoring : str, callable, list, dict or None, default="uar"
        ``"uar"``, ``"ccc"``, another name that scikit-learn knows, or a scorer; the larger the
        better. None takes the estimator's own ``score``. A list of names, or a dict from names to
        scorers, gives several metrics; `refit` then names the one that decides.
    objectives : list of str, default=None
        Metrics that the study maximizes together: ``study_.best_trials`` are those that no other
        one surpasses in all. None maximizes the metric that decides.
    n_trials : int or None, default=20
        Trials in all, with those that `storage` holds already and those of other processes on the
        same study (each may finish one more); None goes on until `timeout` or a callback's stop.
    timeout : float, default=None
        Seconds after which no further trial starts.
    sampler : class, callable or Optuna sampler, default=None
        What makes a sampler when called with ``seed=``, for example
        ``optuna.samplers.RandomSampler``; None is the tree-structured Parzen estimator. A sampler
        itself draws from its own generator, which a resumed search does not know.
    pruner : Optuna pruner, default=None
        Ends a trial after any of its folds if its mean so far is too bad beside that of others
        after as many folds; for example ``optuna.pruners.MedianPruner()``. None ends none.
    callbacks : list of callable, default=None
        Called with study and trial after each trial, for example
        ``optuna.terminator.TerminatorCallback()``; ``study.stop()`` ends the search.
    enqueue : list of dict, default=None
        Parameters that are tried first, as in `space` (Optuna's ``enqueue_trial``).
    storage : str, path or Optuna storage, default=None
        Where trials are kept: an address (``"sqlite:///search.db"``), a file that ends in ``.db``
        (SQLite), any other file (a journal, also for folders that machines share); None keeps them
        in memory. A search resumes its own trials and never those on other samples.
    study_name : str, default=None
        None names the study by the estimator and a digest of data, folds, estimator, space,
        scoring and seed. A name of your own is refused where it stands for another search.
    refit : bool or str, default=True
        Whether to fit `best_estimator_` on all samples; of several metrics, the one that decides.
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
        As of scikit-learn's searches, of every finished trial in their order: ``params``,
        ``param_*``, ``split*_test_score``, ``mean_test_score``, ``rank_test_score``,
        ``mean_fit_time`` and so on; with several metrics ``mean_test_uar``. Scores of one that
        failed, and of folds that were pruned, are NaN.
    trials_ : DataFrame
        One row a trial: number, state, value, seconds, parameters, scores by fold, the error of a
        failed one, and the process that ran it.
    study_ : optuna.study.Study
        The study, for Optuna's plots and importances; its attributes say model, metrics, numbers of
        samples and groups, and versions.
    scorer_ : callable or dict of callable
        The scorer; a dict with several metrics.
    multimetric_ : bool
        Whether there are several metrics.
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
    UserWarning
        If a stored study was begun with another version of emoest, scikit-learn or torch.

    Notes
    -----
    On a keyboard interrupt KeyboardInterrupt is raised as usual, but `study_`, `trials_`,
    `cv_results_` and, once a trial is complete, `best_params_`, `best_score_` and `best_index_`
    hold what was done. A trial whose process was killed is ended as failed by the next fit on that
    machine, counts for nothing, and is done again. Optuna's messages are silenced during the
    search; its verbosity is left as it was found.

    ``OptunaSearchCV`` of optuna-integration prunes by ``partial_fit`` only, hands no groups on to
    inner steps, and seeds the sampler once, so that a resumed search differs: hence this class.

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

    __metadata_request__fit = {"groups": True, "sample_weight": True}

    _parameter_constraints: constraints.Constraints = {
        "estimator": [HasMethods("fit")],
        "space": [dict, callable],
        **constraints.CV,
        "scoring": [str, callable, list, tuple, dict, None],
        "objectives": [list, tuple, None],
        "n_trials": [constraints.POSITIVE_INT, None],
        "timeout": [constraints.POSITIVE_REAL, None],
        "sampler": [callable, HasMethods("sample_independent"), None],
        "pruner": [HasMethods("prune"), None],
        "callbacks": [list, tuple, None],
        "enqueue": [list, tuple, None],
        "storage": [str, os.PathLike, HasMethods("create_new_study"), None],
        "study_name": [str, None],
        "refit": ["boolean", str],
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
        objectives=None,
        n_trials=20,
        timeout=None,
        sampler=None,
        pruner=None,
        callbacks=None,
        enqueue=None,
        storage=None,
        study_name=None,
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
        self.objectives = objectives
        self.n_trials = n_trials
        self.timeout = timeout
        self.sampler = sampler
        self.pruner = pruner
        self.callbacks = callbacks
        self.enqueue = enqueue
        self.storage = storage
        self.study_name = study_name
        self.refit = refit
        self.error_score = error_score
        self.group_column = group_column
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, sample_weight=None, groups=None) -> Self:
        """Run the trials and fit the best estimator on all samples.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, ...)
            The samples, in any form that `estimator` takes.
        y : array-like of shape (n_samples,)
            The target.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights for every fit; of a Pipeline the last step gets them. Scores are not weighted.
        groups : array-like of shape (n_samples,), default=None
            Who each sample is from; None takes `group_column`, else the index level ``group``.

        Returns
        -------
        self : OptunaSearchCV

        Raises
        ------
        ValueError
            If `space` or `enqueue` names an unknown parameter, nothing would end the search, no
            folds can be made, `study_name` stands for another search, or every trial fails.
        StudyStorageError
            If `storage` cannot be read or written: locked, full, of another kind.
        Exception
            Whatever a trial raises, with ``error_score="raise"``.
        """
        if self.n_trials is None and self.timeout is None and not self.callbacks:
            raise ValueError(
                "The search would never end: give n_trials, timeout or both, or a callback that "
                "stops it."
            )
        check_space(self.space, self.estimator)
        rows, self.grouped_ = make_rows(self, X, y, sample_weight, groups)
        metrics = find_metrics(self.estimator, self.scoring)
        self._decides, objectives = check_objectives(
            metrics, self.objectives, self.refit, pruned=self.pruner is not None
        )
        self.multimetric_ = len(metrics) > 1
        self.scorer_ = metrics if self.multimetric_ else metrics["score"]
        self.n_splits_ = len(rows.splits)
        self._search(rows, metrics, objectives)
        remember_groups(self, rows.groups)
        if self.refit:
            best = clone(self.estimator).set_params(**cloned(self.best_params_))
            best = seeded_clone(best, rows.seed, distinct=True)
            with isolated_generators(rows.seed):
                best.fit(rows.X, y, **fit_parameters(best, rows.weights, rows.groups))
            self.best_estimator_ = best
            if hasattr(best, "feature_names_in_"):
                self.feature_names_in_ = best.feature_names_in_
        return self

    def _search(self, rows: Rows, metrics: dict[str, Any], objectives: list[str]) -> None:
        import optuna

        from emoest.tuning._sampler import SeededSampler

        sampler = SeededSampler(self.sampler, rows.seed)
        with quiet(optuna, self.verbose), storage_errors(self.storage), Worker() as worker:
            self.study_ = open_study(self, rows, metrics, objectives, sampler)
            plan = Plan(
                estimator=self.estimator,
                space=self.space,
                rows=rows,
                scorers=metrics,
                objectives=objectives,
                error_score=self.error_score,
                n_jobs=self.n_jobs,
                prunes=self.pruner is not None,
                terminates=any(asks_for_folds(each) for each in self.callbacks or ()),
                sampler=sampler,
                worker=worker.name,
            )
            try:
                self._optimize(plan)
            except BaseException:
                # What was done is kept; a broken storage may not even be read.
                with suppress(Exception):
                    self._set_results(list(metrics))
                raise
            self._set_results(list(metrics))
        check_any_complete(self.study_)

    def _optimize(self, plan: Plan) -> None:
        left = self.n_trials
        if left is not None:
            left = max(left - len(finished_trials(self.study_)), 0)
        with progress(left, "trials", self.verbose) as bar:

            def after(study: Any, trial: Any) -> None:
                warn_failed(trial)
                bar.update()
                # Other workers on the same study have finished some of them.
                if self.n_trials is not None and len(finished_trials(study)) >= self.n_trials:
                    study.stop()

            if left != 0:
                self.study_.optimize(
                    lambda trial: run_trial(trial, plan),
                    n_trials=left,
                    timeout=self.timeout,
                    catch=(TrialFailed,),
                    callbacks=[after, *(self.callbacks or ())],
                )

    def _set_results(self, metrics: list[str]) -> None:
        """Set what follows from the study, also when the search was interrupted."""
        # Other workers may still add to the study, and the results must agree with each other.
        study = frozen_study(self.study_)
        self.trials_ = trials_table(study, metrics, self.n_splits_)
        finished = finished_trials(study)
        params = [chosen_params(trial, self.space) for trial in finished]
        n_splits = self.n_splits_
        scores = {name: fold_values(finished, "scores", name, n_splits) for name in metrics}
        seconds = {name: fold_values(finished, "seconds", name, n_splits) for name in SECONDS}
        self.cv_results_ = cv_results(params, scores, seconds)
        complete = [trial.state.name == "COMPLETE" for trial in finished]
        if any(complete):
            means = np.where(complete, self.cv_results_[f"mean_test_{self._decides}"], -np.inf)
            self.best_index_ = int(np.argmax(means))
            self.best_score_ = float(means[self.best_index_])
            self.best_params_ = params[self.best_index_]

    def score(self, X, y=None):
        """Score the best estimator with `scoring`, or with the metric that decides.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            Samples.
        y : array-like of shape (n_samples,), default=None
            Their targets.

        Returns
        -------
        score : float
            The larger, the better.
        """
        check_is_fitted(self, "best_estimator_")
        scorer = self.scorer_[self._decides] if self.multimetric_ else self.scorer_
        return scorer(self.best_estimator_, X, y)

    def get_metadata_routing(self):
        """Return what `fit` takes: weights, and groups, which this search uses itself.

        Returns
        -------
        routing : MetadataRequest
            For scikit-learn's metadata routing.
        """
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
