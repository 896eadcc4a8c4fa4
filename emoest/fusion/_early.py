"""Early fusion: the modalities side by side, then any scikit-learn model."""

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.utils import Tags, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from emoest.fusion._concatenation import check_whole, fit_blocks, fuse_blocks
from emoest.fusion._default_estimators import CHOICES, default_classifier
from emoest.tables.groups import remember_groups, resolve_groups
from emoest.tables.names import SINGLE, name_no_modality
from emoest.tables.targets import class_prior, refuse_several_targets
from emoest.tables.vectors import Blocks, validate_blocks
from emoest.utils import constraints
from emoest.utils._sklearn import HasMethods, StrOptions, fit_context
from emoest.utils.messages import listed
from emoest.utils.routing import check_weight, fit_parameters
from emoest.utils.seeds import RandomState, seeded_clone, spawn_seeds
from emoest.utils.typing import Array, Floats, Mask
from emoest.utils.warn import warn_user


def _inner_has(method: str) -> Any:
    """Check whether the inner estimator, fitted or not, has a method."""

    def check(self: Any) -> bool:
        inner = self.estimator_ if hasattr(self, "estimator_") else self._inner()
        # Not hasattr: available_if shows the reason that the inner estimator itself gives.
        getattr(inner, method)
        return True

    return check


class _EarlyFusion(BaseEstimator):
    """What the classifier and the regressor share."""

    __metadata_request__fit: ClassVar[dict[str, bool]] = {"groups": True}

    _parameter_constraints: dict = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        **constraints.MODALITIES,
        "normalize": [StrOptions({"zscore"}), HasMethods(["fit", "transform"]), None],
        **constraints.IMPUTE,
        "missing_indicator": ["boolean"],
        **constraints.GROUP_COLUMN,
        **constraints.RANDOM_STATE,
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        modalities: Any = "auto",
        normalize: Any = "zscore",
        impute: str = "mean",
        missing_indicator: bool = False,
        group_column: str | None = None,
        random_state: RandomState = None,
    ):
        self.estimator = estimator
        self.modalities = modalities
        self.normalize = normalize
        self.impute = impute
        self.missing_indicator = missing_indicator
        self.group_column = group_column
        self.random_state = random_state

    def _inner(self) -> Any:
        return self._default_estimator if self.estimator is None else self.estimator

    def _make_inner(
        self, fused: Any, y: Array, sample_weight: Floats | None, groups: Array | None
    ) -> Any:
        """Return the unfitted estimator of the concatenated vectors."""
        if self.estimator is None:
            return self._make_default(fused, y, sample_weight, groups)
        (seed,) = spawn_seeds(self.random_state, 1)
        return seeded_clone(self.estimator, seed)

    def _learn_target(self, y: Array, sample_weight: Floats | None) -> None:
        """Learn from the rows with a modality what a row without one is predicted."""
        raise NotImplementedError

    def _usual_target(self) -> Any:
        raise NotImplementedError

    _usual_name: ClassVar[str] = "most common class"

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Self:
        """Normalize and concatenate the modalities, and fit the inner estimator.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            Numeric columns; a whole block of NaN is a missing modality. Context columns are not
            used. Rows without any modality are left out.
        y : array-like of shape (n_samples,)
            The target.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, for the statistics of the blocks and for the inner estimator,
            which must take them.
        groups : array-like of shape (n_samples,), default=None
            Group of each row, handed on if the inner estimator takes groups (a search whose
            splitter uses them). None looks for `group_column`, then for the index level ``group``.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError
            If `y` has several columns, no row has any modality, `sample_weight` is given and the
            inner estimator takes none, or ``impute="raise"`` and a block is partly NaN.
        """
        refuse_several_targets(self, y)
        classifies = isinstance(self, ClassifierMixin)
        blocks, y = validate_blocks(
            self, X, y, reset=True, modalities=self.modalities, y_numeric=not classifies
        )
        if classifies:
            check_classification_targets(y)
        weight = check_weight(sample_weight, blocks.values)
        groups = resolve_groups(X, groups, self.group_column)
        remember_groups(self, groups)
        kept = self._rows_to_fit(blocks)
        self.modalities_ = blocks.modalities.names
        if isinstance(self.modalities, str) and name_no_modality(blocks.columns):
            warn_user(
                f"X names no modality, so {type(self).__name__} takes its {blocks.values.shape[1]} "
                "column(s) as one, also a number that stands for a speaker. Column names such as "
                "'audio__f0' or modalities={'audio': [...], ...} tell modalities apart; a step "
                "before that returns an array keeps names after "
                ".set_output(transform='pandas').",
            )
        self.blocks_ = fit_blocks(blocks, self.normalize, weight)
        fused = _rows(self._fuse(blocks), kept)
        y, weight, groups = (
            None if given is None else given[kept] for given in (y, weight, groups)
        )
        self._learn_target(y, weight)
        estimator = self._make_inner(fused, y, weight, groups)
        what = f"the estimator inside {type(self).__name__}"
        estimator.fit(fused, y, **fit_parameters(estimator, weight, groups, what=what))
        self.estimator_ = estimator
        return self

    def _rows_to_fit(self, blocks: Blocks) -> Mask:
        kept = ~blocks.missing.all(axis=1)
        if not kept.any():
            raise ValueError(
                f"{type(self).__name__} has nothing to learn from: every row misses every "
                f"modality ({listed(blocks.modalities)})."
            )
        if not kept.all():
            warn_user(
                f"{int((~kept).sum())} training row(s) have no modality at all and are left out: "
                f"{_labels(blocks, ~kept)}.",
            )
        return kept

    def _fuse(self, blocks: Blocks) -> Any:
        if self.impute == "raise":
            check_whole(blocks)
        return fuse_blocks(blocks, self.blocks_, self.missing_indicator)

    def predict(self, X: Any) -> Array:
        """Predict the target of each row.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            The columns of ``fit``.

        Returns
        -------
        y_pred : ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        return self._predictions("predict", X, self._usual_target())

    def _predictions(self, method: str, X: Any, prior: Any) -> Array:
        """Call a method of the inner estimator; rows without any modality get `prior`."""
        blocks = validate_blocks(self, X, reset=False, modalities=self.modalities)
        empty = blocks.missing.all(axis=1)
        fused = self._fuse(blocks)
        if not empty.any():
            return getattr(self.estimator_, method)(fused)
        warn_user(
            f"{int(empty.sum())} row(s) have no modality at all (row {_labels(blocks, empty)}) and "
            f"get the {self._usual_name} of training, {self._usual_target()!s}.",
        )
        if empty.all():
            return np.repeat(np.asarray(prior)[None], len(empty), axis=0)
        known = np.asarray(getattr(self.estimator_, method)(_rows(fused, ~empty)))
        predictions = np.empty((len(empty), *known.shape[1:]), dtype=known.dtype)
        predictions[~empty] = known
        # SVC(decision_function_shape="ovo") scores pairs of classes, which have no prior.
        predictions[empty] = prior if np.shape(prior) == known.shape[1:] else np.nan
        return predictions

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


class EarlyFusionClassifier(ClassifierMixin, _EarlyFusion):
    """Classify the modalities of a sample side by side: early (feature-level) fusion.

    Each modality's block is normalized on its own, missing values are filled by training
    statistics, and the blocks are concatenated in the order in which the modalities first appear in
    X (1024 acoustic and 768 linguistic columns make 1792). Then comes any scikit-learn classifier.

    Parameters
    ----------
    estimator : estimator, default=None
        The classifier of the concatenated vectors; it is cloned. None is a `LogisticRegression`
        whose C is 3.3 over the sum of the variances of the columns (after z-scores: over their
        number); where groups are known, 0.1, 1, 10 or 100 times that, chosen on held-out groups
        inside the training part, see `scoring`.
    modalities : "auto", list or dict, default="auto"
        Which columns belong to which modality, see `emoest.utils.find_modalities`.
    normalize : "zscore", None or transformer, default="zscore"
        What is done to each block: z-scores from the training rows that have the modality (a
        constant column becomes 0), nothing, or a clone of a transformer (``PCA(50)``), fitted on
        those rows.
    impute : {"mean", "raise"}, default="mean"
        What a partly NaN block means: missing values get the training mean of the column, or it is
        an error. A block that is missing as a whole is always the mean training row: 0
        after z-scores.
    missing_indicator : bool, default=False
        Whether to add one column per modality that is 1 where a row misses it.
    group_column : str, default=None
        A context column with the groups that are handed to an inner estimator which takes them,
        and by which the default chooses its penalty.
    random_state : int, RandomState instance or None, default=None
        Seeds every ``random_state`` inside `estimator` that is None.
    scoring : {"uar", "neg_log_loss"}, default="uar"
        What chooses the penalty of the default: the best classes, or the best probabilities (then
        also among 0.001 and 0.01 of the usual C), which are better where models are merged by
        theirs: columns that say nothing give the prior, and not noise.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels.
    estimator_ : estimator
        The fitted classifier.
    modalities_ : list of str
        The modalities, in the order of their blocks.
    blocks_ : dict of str to FusedBlock
        What was learned about each block.
    class_prior_ : ndarray of shape (n_classes,)
        (Weighted) proportion of each class in training; predicted for a row without any modality.
    seen_groups_ : list or None
        Groups of the training samples; None where nothing named any.
    n_features_in_ : int
        Number of columns seen in ``fit``, context included.
    feature_names_in_ : ndarray of str
        Their names, when X was a DataFrame.

    Warns
    -----
    UserWarning
        If a row has no modality at all (in ``fit`` it is left out, at prediction it gets the
        training prior), if no training row has a modality, or if no column names its modality.

    See Also
    --------
    EarlyFusionRegressor : The same for numbers.
    SegmentClassifier : Training on the frames of each sample.

    Notes
    -----
    ``predict_proba`` and ``decision_function`` are there if the inner classifier has them. The
    inner classifier gets a DataFrame when X is one, and parameters inside it are reached as
    ``estimator__C``. Several targets need one model each: `emoest.multioutput.MultiTarget`.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"audio__f0": [1.0, 1.2, 3.0, 3.1], "text__joy": [0.1, np.nan, 0.9, 0.8],
    ...                   "speaker": ["s1", "s2", "s1", "s2"]})
    >>> model = EarlyFusionClassifier().fit(X, ["low", "low", "high", "high"])
    >>> model.predict(X).tolist()
    ['low', 'low', 'high', 'high']
    >>> model.modalities_
    ['audio', 'text']
    """

    _parameter_constraints: dict = {
        **_EarlyFusion._parameter_constraints,
        "scoring": [StrOptions(set(CHOICES))],
    }

    _default_estimator: ClassVar[Any] = LogisticRegression(max_iter=1000)

    def __init__(
        self,
        estimator: Any = None,
        *,
        modalities: Any = "auto",
        normalize: Any = "zscore",
        impute: str = "mean",
        missing_indicator: bool = False,
        group_column: str | None = None,
        random_state: RandomState = None,
        scoring: str = "uar",
    ):
        super().__init__(
            estimator,
            modalities=modalities,
            normalize=normalize,
            impute=impute,
            missing_indicator=missing_indicator,
            group_column=group_column,
            random_state=random_state,
        )
        self.scoring = scoring

    def _make_default(self, *fused_and_known: Any) -> Any:
        return default_classifier(*fused_and_known, self.scoring)

    def _learn_target(self, y: Array, sample_weight: Floats | None) -> None:
        self.classes_, codes = np.unique(y, return_inverse=True)
        self.class_prior_ = class_prior(codes, len(self.classes_), sample_weight)

    def _usual_target(self) -> Any:
        return self.classes_[self.class_prior_.argmax()]

    @available_if(_inner_has("predict_proba"))
    def predict_proba(self, X: Any) -> Floats:
        """Predict the probability of each class.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            The columns of ``fit``.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``.
        """
        check_is_fitted(self)
        return self._predictions("predict_proba", X, self.class_prior_)

    @available_if(_inner_has("decision_function"))
    def decision_function(self, X: Any) -> Floats:
        """Return the scores of the inner classifier.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            The columns of ``fit``.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_scores)
            A row without any modality gets the logarithm of the prior (two classes: of its odds);
            NaN where the scores are not one per class.
        """
        check_is_fitted(self)
        scores = np.log(self.class_prior_)
        prior = scores[1] - scores[0] if len(scores) == 2 else scores
        return self._predictions("decision_function", X, prior)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        inner = get_tags(self._inner()).classifier_tags
        tags.classifier_tags.multi_class = inner is None or inner.multi_class
        return tags


def as_one_block(fusion: type[_EarlyFusion], **parameters: Any) -> Any:
    """Make early fusion for columns that all belong to one modality.

    Examples
    --------
    >>> as_one_block(EarlyFusionClassifier)
    EarlyFusionClassifier(modalities={'features': slice(None, None, None)})
    """
    return fusion(modalities={SINGLE: slice(None)}, **parameters)


def _rows(table: Any, mask: Mask) -> Any:
    return table[mask] if isinstance(table, np.ndarray) else table.loc[mask]


def _labels(blocks: Blocks, mask: Mask) -> str:
    rows = np.flatnonzero(mask)
    return listed(rows if blocks.context is None else blocks.context.index[rows], quoted=True)
