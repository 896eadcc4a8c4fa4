"""Training on windows of trials, one prediction per trial, trials kept whole wherever rows part."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.calibration import CalibratedClassifierCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.utils.validation import check_is_fitted

from emoest.fusion._segment import SegmentClassifier, Segments
from emoest.tables.groups import Split, inner_splits
from emoest.tables.names import is_context, tokens
from emoest.tables.vectors import fill_missing, weighted_mean
from emoest.utils import constraints
from emoest.utils._sklearn import HasMethods, StrOptions
from emoest.utils.messages import listed
from emoest.utils.routing import fit_parameters
from emoest.utils.seeds import RandomState, spawn_seeds
from emoest.utils.typing import Floats, Rows
from emoest.utils.warn import warn_user


class TrialAggregatingClassifier(SegmentClassifier):
    """Train a classifier on windows of trials, and average what it says of each trial's windows.

    X has one row a trial, with its windows as frames; or one row a window, and an index level or a
    context column that names the trial. The windows of a trial resemble each other, so they are
    never parted: neither where probabilities are calibrated, nor in a search inside.

    Parameters
    ----------
    estimator : estimator, default=None
        The classifier of windows; it is cloned. None is a scaler and a linear SVM,
        ``make_pipeline(StandardScaler(), LinearSVC())``.
    trial : str, default="trial"
        Index level, or first token of a context column (``trial__group``), that names the trial of
        each row. Without it each row is a trial.
    vote : {"mean_proba", "majority"}, default="mean_proba"
        The largest mean probability of a trial's windows, or the label that most of them got.
    calibrate : {"sigmoid", "isotonic"} or None, default="sigmoid"
        How decisions on windows of trials that were left out become probabilities
        (`sklearn.calibration.CalibratedClassifierCV`); None takes those of `estimator`.
    cv : int, splitter or iterable, default=5
        Inner splits for `calibrate`: by group where there are two or more, else by trial.
    modalities : "auto" or list of one str, default="auto"
        Which modality's frames are read; ``"auto"`` needs X to have one.
    group_column : str, default=None
        A context column that says which trials belong together, such as those of a person.
    random_state : int, RandomState instance or None, default=None
        Seeds inner splits and every ``random_state`` inside `estimator` that is None.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels.
    estimator_ : estimator
        The fitted classifier of windows, calibrated if asked for.
    n_trials_ : int
        Number of trials in ``fit``.
    frames_, n_dims_, fill_, modalities_, class_prior_
        See `SegmentClassifier`.
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of str
        Their names, when X was a DataFrame.

    Raises
    ------
    ValueError
        In ``fit``, if a trial has two labels or belongs to two groups, if `estimator` gives
        nothing to calibrate, or no inner split has every class in its training part.

    Warns
    -----
    UserWarning
        If rows are numbers and nothing names their trials; if a trial has no windows: it is left
        out in ``fit``, and gets the training prior at prediction.

    See Also
    --------
    SegmentClassifier : Majority votes, without calibration.
    emoest.features.LinearDynamicSmoother : Smooths windows along a trial.

    Notes
    -----
    With one row a window every row of a trial gets the trial's prediction, so that scores of
    scikit-learn count long trials more; `predict_trials` gives one row a trial. Split such rows by
    ``groups=X.index.get_level_values("trial")``.

    Examples
    --------
    >>> index = pd.Index([0, 0, 1, 1, 2, 2, 3, 3], name="trial")
    >>> X = pd.DataFrame({"eeg__alpha": [1.0, 2.0, 8.0, 9.0, 1.5, 9.5, 8.5, 9.0]}, index=index)
    >>> y = ["sad", "sad", "happy", "happy", "sad", "sad", "happy", "happy"]
    >>> model = TrialAggregatingClassifier(cv=2, random_state=0).fit(X, y)
    >>> model.predict_trials(X[:4]).to_dict()
    {0: 'sad', 1: 'happy'}
    """

    balance = None

    _parameter_constraints: dict = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "trial": [str],
        "vote": [StrOptions({"majority", "mean_proba"})],
        "calibrate": [StrOptions({"sigmoid", "isotonic"}), None],
        **constraints.CV,
        "modalities": [StrOptions({"auto"}), list, tuple],
        **constraints.GROUP_COLUMN,
        **constraints.RANDOM_STATE,
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        trial: str = "trial",
        vote: str = "mean_proba",
        calibrate: str | None = "sigmoid",
        cv: Any = 5,
        modalities: Any = "auto",
        group_column: str | None = None,
        random_state: RandomState = None,
    ):
        self.estimator = estimator
        self.trial = trial
        self.vote = vote
        self.calibrate = calibrate
        self.cv = cv
        self.modalities = modalities
        self.group_column = group_column
        self.random_state = random_state

    def _inner(self) -> Any:
        if self.estimator is None:
            return make_pipeline(StandardScaler(), LinearSVC())
        return self.estimator

    def _check_vote(self, inner: Any) -> None:
        if self.calibrate is None:
            super()._check_vote(inner)
        elif not hasattr(inner, "decision_function") and not hasattr(inner, "predict_proba"):
            raise ValueError(
                f"calibrate={self.calibrate!r} needs decision_function or predict_proba, which "
                f"{type(inner).__name__} has not. Use calibrate=None and vote='majority'."
            )

    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None
    ) -> "TrialAggregatingClassifier":
        """Fit the inner classifier on the windows of all trials.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            One row a trial, its windows as frames; or numbers, one row a window.
        y : array-like of shape (n_samples,)
            The labels; the same in all rows of a trial.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows; each window gets its row's weight.
        groups : array-like of shape (n_samples,), default=None
            Group of each row. None looks for `group_column`, then for the index level ``group``.

        Returns
        -------
        self : TrialAggregatingClassifier
        """
        self._trials = _trial_names(X, self.trial)
        try:
            super().fit(X, y, sample_weight=sample_weight, groups=groups)
            if self._trials is None and self.frames_ is None:
                warn_user(
                    "Nothing names the trials of the rows of X, so each row is a trial of its own. "
                    f"Put them into an index level {self.trial!r}, or name a column by trial=."
                )
        finally:
            del self._trials
        return self

    def _fit_inner(self, inner: Any, segments: Segments, y: Any, weight: Any, groups: Any) -> None:
        values, owners, rows = segments
        trials, names = _number_trials(self._trials, rows)
        self.n_trials_ = len(names)
        _check_trials(trials, names, y, "label")
        together = trials
        if groups is not None and len(pd.unique(groups)) > 1:
            _check_trials(trials, names, groups, "group")
            together = np.asarray(groups)
        self.n_dims_ = values.shape[1]
        self.fill_ = weighted_mean(values, None if weight is None else weight[owners])
        # Before the calibrator is put around it: that one takes weights whatever is inside.
        parameters = fit_parameters(
            inner,
            None if weight is None else weight[owners],
            together[owners],
            what=f"the estimator inside {type(self).__name__}",
        )
        if self.calibrate is not None:
            splits = self._splits(y[owners], together[owners], trials[owners])
            inner = CalibratedClassifierCV(inner, method=self.calibrate, cv=splits)
        inner.fit(fill_missing(values, self.fill_), y[owners], **parameters)
        self.estimator_ = inner

    def _splits(self, y: Any, together: Any, trials: Any) -> list[Split]:
        """Inner splits of windows; by trial where groups leave no split."""
        seed = spawn_seeds(self.random_state, 2)[1]
        for groups in (together, trials):
            splits, _ = inner_splits(y, y, groups=groups, cv=self.cv, random_state=seed)
            if splits:
                return splits
        raise ValueError(
            f"{type(self).__name__} cannot be calibrated: no inner split of "
            f"{len(np.unique(trials))} trial(s) has every class in its training part. Pass "
            "calibrate=None with an estimator that has predict_proba, or more trials of each class."
        )

    def predict_proba(self, X: Any) -> Floats:
        """Predict the mean probabilities, or the proportions of votes, of each row's trial.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            The columns of ``fit``.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``; the same in all rows of a trial.
        """
        return self._by_trial(X)[0]

    def predict_trials(self, X: Any) -> "pd.Series[Any]":
        """Predict one label per trial.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            The columns of ``fit``.

        Returns
        -------
        y_pred : Series of shape (n_trials,)
            Indexed by trial, in order of appearance; by row where nothing names trials.
        """
        proba, codes, names = self._by_trial(X)
        first = np.unique(codes, return_index=True)[1]
        labels = self.classes_[proba[first].argmax(axis=1)]
        return pd.Series(labels, index=pd.Index(names, name=self.trial))

    def _by_trial(self, X: Any) -> tuple[Floats, Rows, Any]:
        """Probabilities and trial of each row, and what trials are called."""
        check_is_fitted(self)
        segments = self._segments(X, reset=False)
        codes, names = _number_trials(_trial_names(X, self.trial), segments.rows)
        trials = Segments(segments.values, codes[segments.owners], names)
        return self._average(trials, self._votes(segments))[codes], codes, names


def _trial_names(X: Any, trial: str) -> "pd.Series[Any] | None":
    """Names of the trials of the rows of a table; None where nothing names them."""
    if not isinstance(X, pd.DataFrame):
        return None
    if trial in X.index.names:
        return pd.Series(X.index.get_level_values(trial))
    for column in X.columns:
        if is_context(column) and (column == trial or tokens(column)[0] == trial):
            return X[column].reset_index(drop=True)
    return None


def _number_trials(named: "pd.Series[Any] | None", rows: Any) -> tuple[Rows, list[Any]]:
    """Number of each row's trial, in order of appearance, and what trials are called."""
    if named is None:
        return np.arange(len(rows)), list(rows)
    if named.isna().any():
        raise ValueError(f"{int(named.isna().sum())} row(s) of X have no name of their trial.")
    codes, names = pd.factorize(named)
    return codes, list(names)


def _check_trials(trials: Rows, names: list[Any], values: Any, what: str) -> None:
    """Raise if the rows of a trial differ in a value."""
    pairs = pd.DataFrame({"trial": trials, "value": np.asarray(values)})
    several = pairs.groupby("trial")["value"].nunique() > 1
    if several.any():
        mixed = [names[code] for code in several.index[several]]
        raise ValueError(
            f"{len(mixed)} trial(s) have more than one {what}, for example "
            f"{listed(mixed, quoted=True)}. Give trials of different persons or sessions different "
            "names."
        )
