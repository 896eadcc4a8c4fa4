"""Hyperparameter search over any pipeline with Optuna, grouped by speaker and scored by UAR."""

import difflib
import math
import re
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np
from joblib import Parallel, delayed
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier
from sklearn.metrics import check_scoring
from sklearn.utils import get_tags, indexable
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted
from tqdm import tqdm

from emoest.evaluation import uar_scorer
from emoest.evaluation._cross_fitting import score_fold, with_group_level
from emoest.tables.groups import inner_splits, resolve_groups
from emoest.tuning._trials import (
    cloned,
    complete_trials,
    finished_trials,
    quiet,
    reseed,
    suggest,
    trial_seed,
    warn_failed,
)
from emoest.utils import constraints
from emoest.utils._sklearn import HasMethods, fit_context, num_samples
from emoest.utils.routing import fit_parameters
from emoest.utils.seeds import isolated_generators, resolve_seed, spawn_seeds


@dataclass(frozen=True)
class _Rows:
    """The rows of a search, how they are split, and its seed."""

    X: Any
    y: Any
    groups: Any
    splits: list[Any]
    seed: int


def _best_has(method: str) -> Callable[[Any], bool]:
    """Say whether the fitted, or else the given, estimator has `method`."""

    def check(self: Any) -> bool:
        getattr(getattr(self, "best_estimator_", self.estimator), method)
        return bool(self.refit)

    return check


class OptunaSearch(MetaEstimatorMixin, BaseEstimator):
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
    scoring : str, callable or None, default=uar_scorer
        The larger the better.
    n_trials : int or None, default=20
        Trials in all, with those that `storage` holds already; None goes on until `timeout`.
    timeout : float, default=None
        Seconds after which no further trial starts.
    storage : str or optuna storage, default=None
        Where trials are kept, for example ``"sqlite:///search.db"``; None keeps them in memory. The
        name of the study is derived from data, folds, estimator, space, scoring and seed, so that a
        search resumes its own trials and never those on other rows (another outer fold).
    refit : bool, default=True
        Whether to fit `best_estimator_` on all rows.
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
        Fitted on all rows with the best parameters; only with `refit`.
    best_params_ : dict
        Parameters of the best trial.
    best_score_ : float
        Its mean score over the folds.
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
    On a keyboard interrupt KeyboardInterrupt is raised as usual, but `study_`, `trials_` and, once
    a trial is complete, `best_params_` and `best_score_` hold what was done. Optuna's messages are
    silenced during the search; its verbosity is left as it was found.

    Examples
    --------
    >>> from optuna.distributions import FloatDistribution
    >>> from sklearn.linear_model import LogisticRegression
    >>> X, y = np.array([[0.0], [9.0]] * 6), np.array(["sad", "happy"] * 6)
    >>> search = OptunaSearch(
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
        scoring=uar_scorer,
        n_trials=20,
        timeout=None,
        storage=None,
        refit=True,
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
        self.group_column = group_column
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, groups=None):
        """Run the trials and fit the best estimator on all rows.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, ...)
            The samples, in any zone that `estimator` takes.
        y : array-like of shape (n_samples,)
            The target.
        groups : array-like of shape (n_samples,), default=None
            Who each sample is from; None takes `group_column`, else the index level ``group``.

        Returns
        -------
        self : OptunaSearch

        Raises
        ------
        ValueError
            If `space` names an unknown parameter, neither `n_trials` nor `timeout` is given, no
            folds can be made, or every trial fails.
        """
        if self.n_trials is None and self.timeout is None:
            raise ValueError("The search would never end: give n_trials, timeout or both.")
        self._check_space()
        rows = self._check_rows(X, y, groups)
        self.scorer_ = check_scoring(self.estimator, scoring=self.scoring)
        self.n_splits_ = len(rows.splits)
        self._search(rows)
        if self.refit:
            best = clone(self.estimator).set_params(**cloned(self.best_params_))
            with isolated_generators(rows.seed):
                self.best_estimator_ = best.fit(
                    rows.X, y, **fit_parameters(best, groups=rows.groups)
                )
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
        classifier = classifier and np.ndim(y) == 1
        splits, self.grouped_ = inner_splits(
            X, y, groups=groups, cv=self.cv, classifier=classifier, random_state=seed
        )
        if not splits:
            raise ValueError(
                f"cv={self.cv!r} gives no fold of the n_samples={num_samples(X)} rows whose "
                "training part holds every class. A search needs two groups (speakers) with each "
                "class, or two rows of each class."
            )
        return _Rows(with_group_level(X, groups), y, groups, splits, seed)

    def _check_space(self) -> None:
        if callable(self.space):
            return
        if not self.space:
            raise ValueError("space is empty: name at least one parameter to search.")
        from optuna.distributions import BaseDistribution

        known = self.estimator.get_params()
        for name, choices in self.space.items():
            if not isinstance(choices, BaseDistribution | list | tuple) or choices in ([], ()):
                raise ValueError(
                    f"space[{name!r}] must be an Optuna distribution or a list of choices, got "
                    f"{choices!r}."
                )
            replaced = any(name.startswith(f"{other}__") for other in self.space)
            if name not in known and not replaced:
                close = difflib.get_close_matches(name, known, n=3)
                hint = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
                raise ValueError(
                    f"space names {name!r}, which is not a parameter of the estimator.{hint}"
                )

    def _search(self, rows: _Rows) -> None:
        import optuna

        with quiet(optuna, self.verbose):
            name = None if self.storage is None else self._study_name(rows)
            self.study_ = optuna.create_study(
                storage=self.storage, study_name=name, direction="maximize", load_if_exists=True
            )
            done = len(finished_trials(self.study_))
            left = None if self.n_trials is None else max(self.n_trials - done, 0)
            with tqdm(total=left, desc="trials", leave=False, disable=not self.verbose) as bar:

                def after(study: Any, trial: Any) -> None:
                    warn_failed(trial)
                    reseed(study, rows.seed)
                    bar.update()

                reseed(self.study_, rows.seed)
                try:
                    if left != 0:
                        self.study_.optimize(
                            lambda trial: self._score(trial, rows),
                            n_trials=left,
                            timeout=self.timeout,
                            catch=(Exception,),
                            callbacks=[after],
                        )
                finally:
                    self._keep()
        self._check_any_complete()

    def _score(self, trial: Any, rows: _Rows) -> float:
        """Fit and score one set of parameters on every fold."""
        try:
            params = self._params(trial)
            model = clone(self.estimator).set_params(**cloned(params))
            number = len(finished_trials(trial.study))
            seeds = spawn_seeds(trial_seed(rows.seed, number), len(rows.splits))
            scores = Parallel(n_jobs=self.n_jobs)(
                delayed(score_fold)(
                    model, rows.X, rows.y, rows.groups, split=split, scorer=self.scorer_, seed=seed
                )
                for split, seed in zip(rows.splits, seeds, strict=True)
            )
            if math.isnan(mean := float(np.mean(scores))):
                raise ValueError(f"a score is not a number: {scores}")
        except Exception as error:
            trial.set_user_attr("error", f"{type(error).__name__}: {error}")
            raise
        for fold, score in enumerate(scores, start=1):
            trial.set_user_attr(f"fold_{fold}", float(score))
        return mean

    def _params(self, trial: Any) -> dict[str, Any]:
        """Ask `trial` for each parameter; a finished trial answers what it was."""
        if callable(self.space):
            return dict(self.space(trial))
        return {name: suggest(trial, name, choices) for name, choices in self.space.items()}

    def _keep(self) -> None:
        """Set what follows from the study, also when the search was interrupted."""
        kept = ("number", "state", "value", "duration", "params", "user_attrs")
        trials = self.study_.trials_dataframe(attrs=kept)
        trials.columns = [column.removeprefix("user_attrs_") for column in trials.columns]
        self.trials_ = trials.rename(columns={"duration": "seconds"})
        if len(trials):
            self.trials_["seconds"] = self.trials_["seconds"].dt.total_seconds()
        if complete_trials(self.study_):
            best = self.study_.best_trial
            self.best_score_ = float(best.value)
            self.best_params_ = self._params(best)

    def _check_any_complete(self) -> None:
        if complete_trials(self.study_):
            return
        errors = [trial.user_attrs["error"] for trial in finished_trials(self.study_)]
        if not errors:
            raise ValueError("No trial was complete before the timeout; give it more seconds.")
        kind = TypeError if errors[0].startswith("TypeError") else ValueError
        raise kind(f"Every trial failed ({len(errors)}). The first: {errors[0]}")

    def _study_name(self, rows: _Rows) -> str:
        """Name a study by all that its trials depend on."""
        space = getattr(self.space, "__qualname__", repr(self.space))
        settings = f"{type(self.estimator)} {self.estimator.get_params()} {self.scorer_} {space}"
        settings = re.sub(r" at 0x[0-9a-f]+", "", settings)
        X = rows.X if issparse(rows.X) else np.asarray(rows.X)
        parts = [X, np.asarray(rows.y), rows.groups, rows.splits, settings, rows.seed]
        return f"emoest-{joblib.hash(parts)}"

    @available_if(_best_has("predict"))
    def predict(self, X):
        """Predict with the best estimator."""
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_.predict(X)

    @available_if(_best_has("predict_proba"))
    def predict_proba(self, X):
        """Give the class probabilities of the best estimator."""
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_.predict_proba(X)

    @available_if(_best_has("decision_function"))
    def decision_function(self, X):
        """Give the decision function of the best estimator."""
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_.decision_function(X)

    @available_if(_best_has("transform"))
    def transform(self, X):
        """Transform with the best estimator."""
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_.transform(X)

    def score(self, X, y=None):
        """Score the best estimator with `scoring`."""
        check_is_fitted(self, "best_estimator_")
        return self.scorer_(self.best_estimator_, X, y)

    @property
    def classes_(self):
        """Classes of the best estimator."""
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_.classes_

    @property
    def n_features_in_(self):
        """Number of columns that the best estimator was fitted on."""
        return self._of_best("n_features_in_")

    @property
    def feature_names_in_(self):
        """Names of the columns that the best estimator was fitted on."""
        return self._of_best("feature_names_in_")

    def _of_best(self, name: str) -> Any:
        if not hasattr(self, "best_estimator_"):
            raise AttributeError(f"{type(self).__name__} has no {name!r} before it is fitted.")
        return getattr(self.best_estimator_, name)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "best_estimator_" if self.refit else "best_params_")

    def __sklearn_tags__(self):
        tags, inner = super().__sklearn_tags__(), get_tags(self.estimator)
        tags.estimator_type = inner.estimator_type
        tags.classifier_tags = deepcopy(inner.classifier_tags)
        tags.regressor_tags = deepcopy(inner.regressor_tags)
        tags.target_tags = deepcopy(inner.target_tags)
        tags.input_tags = deepcopy(inner.input_tags)
        return tags
