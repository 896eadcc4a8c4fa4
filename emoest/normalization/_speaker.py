"""Z-scores over the samples of each speaker."""

from typing import Any, ClassVar

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from emoest.normalization._base import BlockTransformer
from emoest.normalization._statistics import column_statistics, zscore
from emoest.tables.groups import describe_confounding, remember_groups, resolve_groups
from emoest.utils import constraints
from emoest.utils._sklearn import StrOptions, fit_context, num_samples
from emoest.utils.messages import listed
from emoest.utils.routing import check_weight
from emoest.utils.typing import Array, Floats, Rows
from emoest.utils.warn import warn_user


class SpeakerZScoreNormalizer(BlockTransformer):
    """Standardize each column to zero mean and unit variance over the samples of each speaker.

    It removes what is constant about a speaker (pitch, loudness, vocabulary) and leaves how he
    deviates from himself. Groups are found by `emoest.utils.resolve_groups`: the argument
    `groups`, else `group_column`, else the index level ``group`` (`emoest.utils.with_groups`).

    A speaker seen in ``fit`` is normalized by his training statistics. Under speaker-independent
    cross-validation every speaker of a test fold is unseen. With ``unseen="own"`` he is normalized
    by the statistics of his own samples in the X that is given: that is **transductive and
    label-free**. No label is used, and samples of other speakers change nothing, but the result of
    a sample depends on the other samples of its speaker in the same call, so it cannot be had for
    one utterance alone. Where that is not allowed, take ``unseen="global"``.

    Parameters
    ----------
    unseen : {"own", "global", "raise"}, default="own"
        A speaker that was not in ``fit`` is normalized by his own samples, by the statistics of all
        training samples, or is an error.
    min_rows : int, default=2
        A speaker's statistics of a column count from this many present values on; with fewer the
        statistics of all training samples take their place. One value alone would always become 0.
    group_column : str, default=None
        A context column of X that says who speaks, by its full name or last token.
    modalities : "auto", list or dict, default="auto"
        Which columns belong to which modality, see `emoest.utils.find_modalities`. It is checked;
        the result does not depend on it, since statistics are per column.

    Attributes
    ----------
    mean_, scale_ : ndarray of shape (n_columns,)
        Mean and standard deviation over all training samples.
    groups_ : ndarray of shape (n_groups,)
        The speakers of the training samples in order of appearance; empty when nothing named any.
    group_mean_, group_scale_ : ndarray of shape (n_groups, n_columns)
        Mean and standard deviation of each training speaker, those of all samples where he has
        fewer than `min_rows` values.
    modalities_ : list of str
        The modalities found in ``fit``.
    seen_groups_ : list or None
        Groups of the training samples; None where nothing named any.
    n_features_in_ : int
        Number of columns seen in ``fit``, context included.
    feature_names_in_ : ndarray of str
        Their names, when X was a DataFrame.

    Warns
    -----
    UserWarning
        If X names no groups, in ``fit`` or after a ``fit`` that had some: the statistics of all
        training samples are used for every sample. If ``fit`` is given labels that speakers
        determine.

    Notes
    -----
    Missing values are left out and stay NaN, and a column that is constant for a speaker becomes
    0. A sample whose group is missing (NaN, None) is normalized by the statistics of all samples.

    Examples
    --------
    >>> X = pd.DataFrame({"audio__f0": [100.0, 120.0, 210.0, 230.0],
    ...                   "speaker": ["s1", "s1", "s2", "s2"]})
    >>> normalizer = SpeakerZScoreNormalizer(group_column="speaker")
    >>> normalizer.fit_transform(X)["audio__f0"].tolist()
    [-1.0, 1.0, -1.0, 1.0]
    >>> new = pd.DataFrame({"audio__f0": [300.0, 340.0], "speaker": ["s9", "s9"]})
    >>> normalizer.transform(new)["audio__f0"].tolist()
    [-1.0, 1.0]
    """

    __metadata_request__fit: ClassVar[dict[str, bool]] = {"groups": True}
    __metadata_request__transform: ClassVar[dict[str, bool]] = {"groups": True}

    _parameter_constraints: dict = {
        "unseen": [StrOptions({"own", "global", "raise"})],
        "min_rows": [constraints.POSITIVE_INT],
        **constraints.GROUP_COLUMN,
        **constraints.MODALITIES,
    }

    def __init__(
        self,
        unseen: str = "own",
        min_rows: int = 2,
        *,
        group_column: str | None = None,
        modalities: Any = "auto",
    ):
        self.unseen = unseen
        self.min_rows = min_rows
        self.group_column = group_column
        self.modalities = modalities

    @property
    def _emoest_transductive(self) -> bool:
        """Check whether samples of a test fold are normalized together; reports say so."""
        return self.unseen == "own"

    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self, X: Any, y: Any = None, sample_weight: Any = None, groups: Any = None
    ) -> "SpeakerZScoreNormalizer":
        """Learn the statistics of all samples and of each speaker's.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            Numeric columns; a whole block of NaN is a missing modality.
        y : array-like of shape (n_samples,), default=None
            Labels, to warn if speakers determine them; nothing is learned from them.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples; a sample of weight zero does not count towards `min_rows`.
        groups : array-like of shape (n_samples,), default=None
            Speaker of each sample.

        Returns
        -------
        self : SpeakerZScoreNormalizer
        """
        blocks = self._read(X, reset=True)
        weight = check_weight(sample_weight, blocks.values)
        overall = column_statistics(blocks.values, weight)
        self.mean_, self.scale_ = overall.mean, overall.scale
        found = resolve_groups(X, groups, self.group_column)
        remember_groups(self, found)
        self._warn_of_confounding(y, found)
        codes, self.groups_ = self._code_groups(X, groups)
        shape = (len(self.groups_), len(self.mean_))
        self.group_mean_, self.group_scale_ = np.empty(shape), np.empty(shape)
        for code in range(len(self.groups_)):
            mine = codes == code
            part = None if weight is None else weight[mine]
            found = self._own_statistics(blocks.values[mine], part)
            self.group_mean_[code], self.group_scale_[code] = found
        return self

    def fit_transform(
        self, X: Any, y: Any = None, sample_weight: Any = None, groups: Any = None
    ) -> Any:
        """Fit to `X` and transform it, with the same `groups`.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            See ``fit``.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            See ``fit``.
        groups : array-like of shape (n_samples,), default=None
            Speaker of each sample.

        Returns
        -------
        X_out : DataFrame or ndarray of shape (n_samples, n_columns)
        """
        return self.fit(X, y, sample_weight, groups).transform(X, groups)

    def transform(self, X: Any, groups: Any = None) -> Any:
        """Normalize each sample by the statistics of its speaker.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            The columns of ``fit``.
        groups : array-like of shape (n_samples,), default=None
            Speaker of each sample; None looks for them in `X`, as ``fit`` did.

        Returns
        -------
        X_out : DataFrame or ndarray of shape (n_samples, n_columns)
            A DataFrame (same index, context last) if `X` is one.

        Raises
        ------
        ValueError
            If a speaker was not in ``fit`` and ``unseen="raise"``.
        """
        check_is_fitted(self)
        blocks = self._read(X, reset=False)
        codes, names = self._code_groups(X, groups, warn=len(self.groups_) > 0)
        known = pd.Index(self.groups_).get_indexer(pd.Index(names))
        self._check_unseen([name for name, row in zip(names, known, strict=True) if row < 0])
        scores = zscore(blocks.values, self.mean_, self.scale_)
        for code, row in enumerate(known):
            mine = codes == code
            values = blocks.values[mine]
            if row >= 0:
                scores[mine] = zscore(values, self.group_mean_[row], self.group_scale_[row])
            elif self.unseen == "own":
                scores[mine] = zscore(values, *self._own_statistics(values))
        return blocks.rebuild(scores)

    def _warn_of_confounding(self, y: Any, groups: Any) -> None:
        """Say that what is constant about a speaker may be all that tells his label."""
        if y is None or groups is None or np.ndim(y) != 1:
            return
        confounded = describe_confounding(y, groups)
        if confounded is not None:
            warn_user(
                f"{confounded} SpeakerZScoreNormalizer takes away what is constant about a "
                "speaker, and the label with it: scores may fall below chance. Take "
                "ZScoreNormalizer, or a corpus whose speakers have several labels.",
            )

    def _code_groups(self, X: Any, groups: Any, warn: bool = True) -> tuple[Rows, Array]:
        """Encode the groups of the samples, -1 where missing, and return their names."""
        found = resolve_groups(X, groups, self.group_column)
        if found is not None:
            # numpy.unique has no code for a missing label and fails on labels of mixed types.
            codes, names = pd.factorize(found)
            return codes, names
        if warn:
            warn_user(
                "SpeakerZScoreNormalizer found no groups, so every sample is normalized by the "
                "statistics of all training samples, not by those of its speaker. Put the speaker "
                "into the index with emoest.utils.with_groups(X, 'speaker') before fit, name "
                "group_column=, or pass groups=.",
            )
        return np.full(num_samples(X), -1, dtype=np.intp), np.empty(0, dtype=object)

    def _own_statistics(self, values: Floats, weight: Any = None) -> tuple[Floats, Floats]:
        own = column_statistics(values, weight)
        # Per column, since a speaker may lack one modality and have the others.
        enough = own.count >= self.min_rows
        return np.where(enough, own.mean, self.mean_), np.where(enough, own.scale, self.scale_)

    def _check_unseen(self, unseen: list[Any]) -> None:
        if unseen and self.unseen == "raise":
            raise ValueError(
                f"{len(unseen)} of the speakers were not in fit: {listed(unseen, quoted=True)}. "
                "Under speaker-independent splits every test speaker is new: use unseen='own' (his "
                "own samples, transductive) or unseen='global' (all training samples)."
            )
