"""Drop or corrupt modalities: in training, as augmentation, or at test time, to see what breaks."""

from numbers import Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from emoest.tables.frames import FrameTable, validate_zone
from emoest.tables.vectors import Blocks, weighted_mean, weighted_std
from emoest.utils import constraints
from emoest.utils._sklearn import StrOptions, fit_context
from emoest.utils.seeds import private_generator
from emoest.validity._base import BlocksInBlocksOut
from emoest.validity._corruption import KINDS, corrupt_block, corrupt_cells, drop_modalities
from emoest.validity._frame_rows import reject


class ModalityDropout(BlocksInBlocksOut, TransformerMixin, BaseEstimator):
    """Make modalities of training samples missing at random.

    A model that has learned without one modality or the other does better when one is missing at
    test time. Only ``fit_transform`` drops, which is what a Pipeline calls in training;
    ``transform``, which it calls at prediction, leaves X as it is. The number of samples stays.

    Parameters
    ----------
    modalities : "auto", list of str or dict, default="auto"
        Which columns belong to which modality; see `emoest.utils.find_modalities`.
    p : float in [0, 1] or dict of str to float, default=0.2
        Chance of each modality of each sample to be dropped; a dict gives it by name, 0 for those
        it leaves out.
    keep_one : bool, default=True
        Whether a sample that would lose all it has keeps one modality, drawn at random.
    random_state : int, RandomState instance or None, default=None
        Draws what is dropped.

    Attributes
    ----------
    modalities_ : list of str
        Names of the modalities.
    n_features_in_ : int
        Number of columns seen in ``fit``, context included.
    feature_names_in_ : ndarray of str
        Their names, when X had any.

    Raises
    ------
    ValueError
        If `p` names no modality of X or holds a number outside [0, 1].

    Notes
    -----
    ``fit_transform(X)`` differs from ``fit(X).transform(X)``: deliberately, and in this class only.
    Of frames (zone 2) whole cells are dropped.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"audio__f0": [1.0, 2.0, 3.0, 4.0], "text__w": [5.0, 6.0, 7.0, 8.0]})
    >>> dropout = ModalityDropout(p={"audio": 1.0})
    >>> dropout.fit_transform(X).isna().mean().to_dict()
    {'audio__f0': 1.0, 'text__w': 0.0}
    >>> dropout.transform(X).equals(X)
    True
    """

    _parameter_constraints: dict = {
        **constraints.MODALITIES,
        "p": [constraints.UNIT_INTERVAL, dict],
        "keep_one": ["boolean"],
        **constraints.RANDOM_STATE,
    }

    def __init__(
        self,
        *,
        modalities: Any = "auto",
        p: Any = 0.2,
        keep_one: bool = True,
        random_state: Any = None,
    ) -> None:
        self.modalities = modalities
        self.p = p
        self.keep_one = keep_one
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> "ModalityDropout":
        """Learn the names of the modalities.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            Numbers, where a wholly NaN block is a missing modality, or a DataFrame of frames.
        y : None
            Ignored.

        Returns
        -------
        self : ModalityDropout
        """
        self._fit(X)
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def _fit(self, X: Any, y: Any = None) -> Blocks | FrameTable:
        table = validate_zone(self, X, reset=True)
        self.modalities_ = table.modalities.names
        if isinstance(self.p, dict):
            unknown = [name for name in self.p if name not in self.modalities_]
            if unknown:
                raise ValueError(
                    f"p names {unknown[0]!r}, which is no modality of X: {self.modalities_}."
                )
            wrong = {k: v for k, v in self.p.items() if not 0 <= v <= 1}
            if wrong:
                raise ValueError(f"p must hold chances between 0 and 1; found {wrong}.")
        return table

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Fit, and drop modalities of the training samples.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            Numbers, where a wholly NaN block is a missing modality, or a DataFrame of frames.
        y : None
            Ignored.

        Returns
        -------
        X : DataFrame or ndarray of shape (n_samples, n_columns)
            A copy with NaN blocks or empty cells, context columns last.
        """
        table = self._fit(X)
        p = self.p if isinstance(self.p, dict) else dict.fromkeys(self.modalities_, self.p)
        dropped = drop_modalities(
            table.missing,
            np.array([p.get(name, 0.0) for name in self.modalities_]),
            keep_one=self.keep_one,
            rng=private_generator(self.random_state),
        )
        if isinstance(table, FrameTable):
            return table.rebuild(reject(table, ~dropped, np.arange(len(dropped))))
        values = table.values.copy()
        for rows, positions in zip(dropped.T, table.modalities.values(), strict=True):
            values[np.ix_(rows, positions)] = np.nan
        return table.rebuild(values)

    def transform(self, X: Any) -> Any:
        """Leave X as it is.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            The columns seen in ``fit``.

        Returns
        -------
        X : DataFrame or ndarray of shape (n_samples, n_columns)
            A copy, context columns last.
        """
        check_is_fitted(self)
        table = validate_zone(self, X, reset=False)
        return table.rebuild({} if isinstance(table, FrameTable) else table.values.copy())

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


class CorruptModality(BlocksInBlocksOut, TransformerMixin, BaseEstimator):
    """Corrupt modalities of some samples, for experiments.

    No public corpus says which modality of which sample is useless, so how well a system bears it
    is measured by making it so. As the first step of a Pipeline it corrupts at prediction only and
    leaves training clean.

    Parameters
    ----------
    modality : str or list of str, default=None
        Which modalities; None takes all.
    kind : {"zeros", "mean", "noise", "permute", "additive", "gain", "nan"}, default="noise"
        What goes wrong; see `corrupt_block`.
    fraction : float in [0, 1], default=1.0
        Share of the samples, drawn for each modality anew.
    snr : float, default=0.0
        Signal-to-noise ratio of ``"additive"`` in decibel, per feature.
    gain : float, default=3.0
        Factor of ``"gain"``.
    when : {"predict", "fit", "always"}, default="predict"
        ``"predict"`` corrupts in ``transform``, ``"fit"`` in ``fit_transform`` only.
    modalities : "auto", list of str or dict, default="auto"
        Which columns belong to which modality; see `emoest.utils.find_modalities`.
    random_state : int, RandomState instance or None, default=None
        Draws samples and noise; an int draws the same at each call.

    Attributes
    ----------
    modalities_ : list of str
        Names of the modalities.
    means_, stds_ : ndarray of shape (n_columns,)
        Training mean and standard deviation of each column, context left out; of frames, of each
        dimension of each modality.
    n_features_in_ : int
        Number of columns seen in ``fit``, context included.
    feature_names_in_ : ndarray of str
        Their names, when X had any.

    Raises
    ------
    ValueError
        If `modality` names no modality of X.

    See Also
    --------
    emoest.validity.corrupt_block : The same on one array; says which rows it corrupted.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"audio__f0": [1.0, 2.0, 3.0, 4.0], "text__w": [5.0, 6.0, 7.0, 8.0]})
    >>> corrupt = CorruptModality("audio", kind="mean").fit(X)
    >>> corrupt.transform(X).iloc[0].to_dict()
    {'audio__f0': 2.5, 'text__w': 5.0}
    >>> corrupt.fit_transform(X).equals(X)
    True
    """

    _parameter_constraints: dict = {
        "modality": [str, list, tuple, None],
        "kind": [StrOptions(set(KINDS))],
        "fraction": [constraints.UNIT_INTERVAL],
        "snr": [Real],
        "gain": [Real],
        "when": [StrOptions({"predict", "fit", "always"})],
        **constraints.MODALITIES,
        **constraints.RANDOM_STATE,
    }

    def __init__(
        self,
        modality: Any = None,
        *,
        kind: str = "noise",
        fraction: float = 1.0,
        snr: float = 0.0,
        gain: float = 3.0,
        when: str = "predict",
        modalities: Any = "auto",
        random_state: Any = None,
    ) -> None:
        self.modality = modality
        self.kind = kind
        self.fraction = fraction
        self.snr = snr
        self.gain = gain
        self.when = when
        self.modalities = modalities
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> "CorruptModality":
        """Learn the mean and spread of each column.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            Numbers, where a wholly NaN block is a missing modality, or a DataFrame of frames.
        y : None
            Ignored.

        Returns
        -------
        self : CorruptModality
        """
        self._fit(X)
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def _fit(self, X: Any, y: Any = None) -> Blocks | FrameTable:
        table = validate_zone(self, X, reset=True)
        self.modalities_ = table.modalities.names
        unknown = [name for name in self._chosen() if name not in self.modalities_]
        if unknown:
            raise ValueError(
                f"modality names {unknown[0]!r}, which is no modality of X: {self.modalities_}."
            )
        if isinstance(table, FrameTable):
            parts = {name: table.stacked(name)[0] for name in table.names}
        else:
            parts = {name: table.block(name) for name in table.modalities}
        self._moments = {}
        self.means_, self.stds_ = np.zeros((2, sum(part.shape[1] for part in parts.values())))
        for name, part in parts.items():
            mean = weighted_mean(part)
            self._moments[name] = mean, weighted_std(part, mean)
            positions = table.modalities[name]
            self.means_[positions], self.stds_[positions] = self._moments[name]
        return table

    def _chosen(self) -> list[str]:
        if self.modality is None:
            return list(self.modalities_)
        return [self.modality] if isinstance(self.modality, str) else list(self.modality)

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Fit, and corrupt the training samples unless ``when="predict"``.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            Numbers, where a wholly NaN block is a missing modality, or a DataFrame of frames.
        y : None
            Ignored.

        Returns
        -------
        X : DataFrame or ndarray of shape (n_samples, n_columns)
            A copy, context columns last.
        """
        return self._corrupt(self._fit(X), self.when != "predict")

    def transform(self, X: Any) -> Any:
        """Corrupt samples unless ``when="fit"``.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            The columns seen in ``fit``.

        Returns
        -------
        X : DataFrame or ndarray of shape (n_samples, n_columns)
            A copy, context columns last.
        """
        check_is_fitted(self)
        return self._corrupt(validate_zone(self, X, reset=False), self.when != "fit")

    def _corrupt(self, table: Blocks | FrameTable, now: bool) -> Any:
        rng = private_generator(self.random_state)
        chosen = self._chosen() if now else []
        if isinstance(table, FrameTable):
            cells = table.cells
            return table.rebuild({n: corrupt_cells(cells[n], **self._how(n, rng)) for n in chosen})
        values = table.values.copy()
        for name in chosen:
            block, _ = corrupt_block(table.block(name), **self._how(name, rng))
            values[:, table.modalities[name]] = block
        return table.rebuild(values)

    def _how(self, name: str, rng: np.random.RandomState) -> dict[str, Any]:
        """Arguments of `corrupt_block` and `corrupt_cells` for one modality."""
        mean, std = self._moments[name]
        seen = len(mean) > 0
        return {
            "kind": self.kind,
            "mean": mean if seen else np.zeros(1),
            "std": std if seen else np.zeros(1),
            "fraction": self.fraction,
            "snr": self.snr,
            "gain": self.gain,
            "random_state": rng,
        }

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.non_deterministic = True
        return tags
