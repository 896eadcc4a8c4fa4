"""Drop or corrupt modalities: in training, as augmentation, or at test time, to see what breaks."""

from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from emoest.tables.frames import FrameTable
from emoest.tables.vectors import Blocks, weighted_mean, weighted_std
from emoest.utils import constraints
from emoest.utils._sklearn import StrOptions, fit_context
from emoest.utils.seeds import private_generator
from emoest.validity._base import ModalityTransformer, check_names, copy_table
from emoest.validity._corruption import KINDS, corrupt_block, corrupt_cells, drop_modalities
from emoest.validity._frame_summaries import set_missing


class _Augmenter(ModalityTransformer):
    """Base of the transformers that treat training samples and new samples differently.

    A Pipeline calls ``fit_transform`` in training and ``transform`` at prediction. A subclass has
    ``_when`` ("fit", "predict" or "always") and writes ``_learn`` (what it needs of the training
    samples) and ``_change`` (the table that comes out).
    """

    @fit_context(prefer_skip_nested_validation=True)
    def _begin(self, X: Any) -> Blocks | FrameTable:
        table = self._read(X, reset=True)
        self._learn(table)
        return table

    def fit(self, X: Any, y: Any = None) -> "_Augmenter":
        """Learn the names of the modalities, and what is needed of their values.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            Numbers, where a wholly NaN block is a missing modality, or a DataFrame of frames.
        y : None
            Ignored.

        Returns
        -------
        self : estimator
        """
        self._begin(X)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Fit, and change the training samples; see the class for when it does.

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
        table = self._begin(X)
        return self._change(table) if self._when != "predict" else copy_table(table)

    def transform(self, X: Any) -> Any:
        """Change new samples; see the class for when it does.

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
        table = self._read(X, reset=False)
        return self._change(table) if self._when != "fit" else copy_table(table)


class ModalityDropout(_Augmenter):
    """Drop modalities of training samples at random.

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
    Of frames whole cells are dropped.

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
    _when = "fit"

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

    def _learn(self, table: Blocks | FrameTable) -> None:
        if isinstance(self.p, dict):
            check_names("p", self.p, self._known_names())
            wrong = {k: v for k, v in self.p.items() if not 0 <= v <= 1}
            if wrong:
                raise ValueError(f"p must hold chances between 0 and 1; found {wrong}.")

    def _change(self, table: Blocks | FrameTable) -> Any:
        p = self.p if isinstance(self.p, dict) else dict.fromkeys(self.modalities_, self.p)
        dropped = drop_modalities(
            table.missing,
            np.array([p.get(name, 0.0) for name in self.modalities_]),
            keep_one=self.keep_one,
            rng=private_generator(self.random_state),
        )
        return set_missing(table, ~dropped, np.arange(len(dropped)))


class CorruptModality(_Augmenter):
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
        Proportion of the samples, drawn for each modality anew.
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

    @property
    def _when(self) -> str:
        return self.when

    def _learn(self, table: Blocks | FrameTable) -> None:
        check_names("modality", self._chosen(), self._known_names())
        framed = isinstance(table, FrameTable)
        self._moments = {}
        for name in self.modalities_:
            values = table.stacked(name)[0] if framed else table.block(name)
            mean = weighted_mean(values)
            self._moments[name] = mean, weighted_std(values, mean)
        self.means_, self.stds_ = np.zeros((2, sum(map(len, table.modalities.values()))))
        for name, positions in table.modalities.items():
            self.means_[positions], self.stds_[positions] = self._moments[name]

    def _chosen(self) -> list[str]:
        if self.modality is None:
            return list(self.modalities_)
        given = [self.modality] if isinstance(self.modality, str) else list(self.modality)
        return [name for name in given if name not in self._left_out]

    def _change(self, table: Blocks | FrameTable) -> Any:
        rng = private_generator(self.random_state)
        if isinstance(table, FrameTable):
            cells = table.cells
            changes = {n: corrupt_cells(cells[n], **self._how(n, rng)) for n in self._chosen()}
            return table.rebuild(changes)
        values = table.values.copy()
        for name in self._chosen():
            block, _ = corrupt_block(table.block(name), **self._how(name, rng))
            values[:, table.modalities[name]] = block
        return table.rebuild(values)

    def _how(self, name: str, rng: np.random.RandomState) -> dict[str, Any]:
        """Collect the arguments of `corrupt_block` and `corrupt_cells` for one modality."""
        mean, std = self._moments[name]
        return {
            "kind": self.kind,
            "mean": mean,
            "std": std,
            "fraction": self.fraction,
            "snr": self.snr,
            "gain": self.gain,
            "random_state": rng,
        }

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.non_deterministic = True
        return tags
