"""Training on the frames of each sample, one prediction per sample by vote."""

from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags, get_tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from emoest.fusion._early import EarlyFusionClassifier, as_one_block
from emoest.fusion._segment_votes import average_segments, integer_upsampling
from emoest.tables.frame_columns import FrameColumn
from emoest.tables.groups import remember_groups, resolve_groups
from emoest.tables.reading import validate_frames_or_blocks
from emoest.tables.targets import class_prior, read_target
from emoest.tables.vectors import Blocks, fill_missing, weighted_mean
from emoest.utils import constraints
from emoest.utils._sklearn import HasMethods, StrOptions, fit_context
from emoest.utils.messages import listed
from emoest.utils.routing import check_weight, fit_parameters
from emoest.utils.seeds import RandomState, seeded_clone, spawn_seeds
from emoest.utils.typing import Floats, Rows
from emoest.utils.warn import warn_user


class Segments(NamedTuple):
    """The frames of all rows that are there, the row of each, and what all rows are called."""

    values: Floats
    owners: Rows
    rows: list[Any]

    @property
    def empty(self) -> Rows:
        """Positions of the rows without any frame."""
        return np.setdiff1d(np.arange(len(self.rows)), self.owners)

    def names(self, positions: Rows) -> str:
        """List the names of some rows for a message."""
        return listed([self.rows[i] for i in positions], quoted=True)


class SegmentClassifier(ClassifierMixin, BaseEstimator):
    """Train a classifier on the frames of each sample, and vote per sample.

    Every frame row (a chunk, a window, a patch) becomes a training sample with the label, weight
    and group of the row it belongs to. At prediction the frames of a row are classified and the
    row gets one label. A Pipeline cannot change the number of rows; this class does it inside.

    Parameters
    ----------
    estimator : estimator, default=None
        The classifier of frames; it is cloned. None is `EarlyFusionClassifier` with its
        defaults: z-scores and a logistic regression.
    vote : {"majority", "mean_proba"}, default="majority"
        The label that most frames got, or that with the largest mean probability. Of equal labels
        the first in sorted order wins.
    balance : None or "integer", default=None
        ``"integer"`` repeats the training frames of class c ``max_count // n_c`` times.
    modalities : "auto" or list of one str, default="auto"
        Which modality's frames are read; ``"auto"`` needs X to have one. Columns of others are not
        used.
    group_column : str, default=None
        A context column with the groups that are handed to an inner estimator which takes them.
    random_state : int, RandomState instance or None, default=None
        Seeds every ``random_state`` inside `estimator` that is None.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels.
    estimator_ : estimator
        The fitted classifier of frames.
    frames_ : FrameColumn or None
        Where the frames stand in X; None if X held numbers.
    n_dims_ : int
        Width of the frames.
    fill_ : ndarray of shape (n_dims,)
        Training mean of each dimension; stands for single NaN in frames.
    modalities_ : list of str
        The modality that is read (of numbers: all).
    class_prior_ : ndarray of shape (n_classes,)
        (Weighted) proportion of each class in training; predicted for a row without frames.
    seen_groups_ : list or None
        Groups of the training samples; None where nothing named any.
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of str
        Their names, when X was a DataFrame.

    Warns
    -----
    UserWarning
        If a row has no frames: in ``fit`` it is left out, at prediction it gets the training
        prior.

    See Also
    --------
    TrialAggregatingClassifier : The same for windows of trials, with calibrated probabilities.
    emoest.aggregation.WeightedAggregator : One vector per sample before the classifier.

    Notes
    -----
    A numeric table counts as one frame per row. Frames that are NaN throughout are left out.
    With ``vote="majority"``, ``predict_proba`` gives the proportions of the votes.

    With ``balance="integer"``, a linear SVM and the majority vote this is the classifier of the
    official ComParE 2020 Elderly baseline (`emoest.systems.make_compare2020_baseline`); it is
    rebuilt from that baseline's published script.

    Examples
    --------
    >>> from emoest.tables.cells import object_column
    >>> cells = [np.full((n, 2), n, dtype="float32") for n in (1, 2, 3, 6, 7, 8)]
    >>> X = object_column(cells, range(6), "audio__frames").to_frame()
    >>> model = SegmentClassifier().fit(X, ["low"] * 3 + ["high"] * 3)
    >>> model.predict(X).tolist()
    ['low', 'low', 'low', 'high', 'high', 'high']
    """

    __metadata_request__fit: ClassVar[dict[str, bool]] = {"groups": True}

    _parameter_constraints: dict = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "vote": [StrOptions({"majority", "mean_proba"})],
        "balance": [StrOptions({"integer"}), None],
        "modalities": [StrOptions({"auto"}), list, tuple],
        **constraints.GROUP_COLUMN,
        **constraints.RANDOM_STATE,
    }

    def __init__(
        self,
        estimator: Any = None,
        vote: str = "majority",
        balance: str | None = None,
        *,
        modalities: Any = "auto",
        group_column: str | None = None,
        random_state: RandomState = None,
    ):
        self.estimator = estimator
        self.vote = vote
        self.balance = balance
        self.modalities = modalities
        self.group_column = group_column
        self.random_state = random_state

    def _inner(self) -> Any:
        if self.estimator is None:
            return as_one_block(EarlyFusionClassifier)
        return self.estimator

    @fit_context(prefer_skip_nested_validation=False)
    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None
    ) -> "SegmentClassifier":
        """Fit the inner classifier on the frames of all rows.

        Parameters
        ----------
        X : DataFrame of shape (n_samples, n_columns)
            One column of frames, with its auxiliary columns and context; or numbers, one frame a
            row.
        y : array-like of shape (n_samples,)
            The labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows; each of a row's frames gets its row's weight.
        groups : array-like of shape (n_samples,), default=None
            Group of each row, handed on frame by frame if the inner estimator takes groups (a
            search whose splitter uses them). None looks for `group_column`, then for the index
            level ``group``.

        Returns
        -------
        self : SegmentClassifier

        Raises
        ------
        ValueError
            If `y` has several columns, no row has frames, the widths of frames differ, or the
            inner estimator lacks what it needs here.
        """
        inner = seeded_clone(self._inner(), spawn_seeds(self.random_state, 1)[0])
        self._check_vote(inner)
        segments = self._segments(X, reset=True)
        y = read_target(self, X, y, numeric=False)
        check_classification_targets(y)
        if len(segments.values) == 0:
            raise ValueError(f"{type(self).__name__}: none of the {len(y)} rows of X has frames.")
        weight = check_weight(sample_weight, X)
        self._learn_prior(segments, y, weight)
        groups = resolve_groups(X, groups, self.group_column)
        remember_groups(self, groups)
        self._fit_inner(inner, segments, y, weight, groups)
        return self

    def _check_vote(self, inner: Any) -> None:
        if self.vote == "mean_proba" and not hasattr(inner, "predict_proba"):
            raise ValueError(
                f"vote='mean_proba' needs predict_proba, which {type(inner).__name__} has not. Use "
                "vote='majority', or wrap it in CalibratedClassifierCV."
            )

    def _segments(self, X: Any, *, reset: bool) -> Segments:
        table = validate_frames_or_blocks(self, X, reset=reset, allow="nan")
        if isinstance(table, Blocks):
            names, column = table.modalities.names, None
            values, owners = table.values, np.arange(len(table.values))
        else:
            names = table.names
            if len(names) != 1:
                raise ValueError(
                    f"{type(self).__name__} reads the frames of one modality, and X has {names}. "
                    f"Choose one, for example modalities=[{names[0]!r}]."
                )
            column = table.columns[names[0]]
            values, owners = table.stacked(names[0])
        if reset:
            self.modalities_ = names
            self.frames_: FrameColumn | None = column
        present = ~np.isnan(values).all(axis=1)
        return Segments(values[present], owners[present], table.rows)

    def _learn_prior(self, segments: Segments, y: Any, weight: Any) -> None:
        used = np.unique(segments.owners)
        if len(segments.empty):
            warn_user(
                f"{len(segments.empty)} training row(s) have no frames and are left out: "
                f"{segments.names(segments.empty)}.",
            )
        self.classes_, codes = np.unique(y[used], return_inverse=True)
        kept = None if weight is None else weight[used]
        self.class_prior_ = class_prior(codes, len(self.classes_), kept)

    def _fit_inner(self, inner: Any, segments: Segments, y: Any, weight: Any, groups: Any) -> None:
        values, owners, _ = segments
        self.n_dims_ = values.shape[1]
        self.fill_ = weighted_mean(values, None if weight is None else weight[owners])
        rows = np.arange(len(owners))
        if self.balance == "integer":
            rows = integer_upsampling(y[owners])
        owners = owners[rows]
        parameters = fit_parameters(
            inner,
            None if weight is None else weight[owners],
            None if groups is None else groups[owners],
            what=f"the estimator inside {type(self).__name__}",
        )
        inner.fit(fill_missing(values, self.fill_)[rows], y[owners], **parameters)
        self.estimator_ = inner

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Predict one label per row.

        Parameters
        ----------
        X : DataFrame of shape (n_samples, n_columns)
            The columns of ``fit``.

        Returns
        -------
        y_pred : ndarray of shape (n_samples,)
        """
        positions = self.predict_proba(X).argmax(axis=1)
        return self.classes_[positions]

    def predict_proba(self, X: Any) -> Floats:
        """Predict the proportions of the votes, or the mean probabilities, per row.

        Parameters
        ----------
        X : DataFrame of shape (n_samples, n_columns)
            The columns of ``fit``.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``.
        """
        check_is_fitted(self)
        segments = self._segments(X, reset=False)
        return self._average(segments, self._votes(segments))

    def _votes(self, segments: Segments) -> Floats:
        """Probabilities of each frame, or 1 for the class that it votes for."""
        if not len(segments.values):
            return np.empty((0, len(self.classes_)))
        values = fill_missing(segments.values, self.fill_)
        if self.vote == "mean_proba":
            return np.asarray(self.estimator_.predict_proba(values), dtype=np.float64)
        predicted = np.searchsorted(self.classes_, self.estimator_.predict(values))
        return np.eye(len(self.classes_))[predicted]

    def _average(self, segments: Segments, votes: Floats) -> Floats:
        proba = average_segments(votes, segments.owners, len(segments.rows))
        if len(segments.empty):
            warn_user(
                f"{len(segments.empty)} row(s) have no frames (row "
                f"{segments.names(segments.empty)}) and get the training prior.",
            )
            proba[segments.empty] = self.class_prior_
        return proba

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        inner = get_tags(self._inner()).classifier_tags
        tags.classifier_tags.multi_class = inner is None or inner.multi_class
        return tags
