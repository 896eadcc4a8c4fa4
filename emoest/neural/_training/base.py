"""What every deep estimator shares: from a table of frames to a trained module and back."""

import functools
from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from sklearn import config_context
from sklearn.base import BaseEstimator
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted
from skorch.helper import predefined_split

from emoest.nets.batches import FrameDataset
from emoest.neural._training.callbacks import make_callbacks
from emoest.neural._training.compiling import compiler_settings
from emoest.neural._training.net_embedder import NetEmbedder
from emoest.neural._training.passes import Passes
from emoest.neural._training.predicting import RowPredictor
from emoest.neural._training.saving import (
    StatefulModule,
    make_module,
    plain,
    refuse_another_net,
    seeded_torch,
)
from emoest.neural._training.scaling import column_means, fill_numbers, fit_scales, make_dataset
from emoest.neural._training.skorch_habits import Readout, SkorchNames
from emoest.neural._training.skorch_net import (
    OPTIMIZERS,
    PRECISIONS,
    FrameNet,
    epochs_of,
    explain_end,
    optimizer_settings,
)
from emoest.neural._training.validation_rows import ValidationRows, given_together
from emoest.tables.frames import FrameTable, drop_absent_frames, rows_as_frames, settle_modalities
from emoest.tables.groups import resolve_groups
from emoest.tables.reading import validate_frames_or_blocks
from emoest.tables.vectors import Blocks
from emoest.utils import constraints
from emoest.utils._sklearn import (
    Interval,
    StrOptions,
    fit_context,
    num_samples,
)
from emoest.utils.devices import keep_freed_memory, resolve_device
from emoest.utils.interrupts import is_one_of_many_fits
from emoest.utils.messages import listed
from emoest.utils.routing import check_weight
from emoest.utils.seeds import spawn_seeds
from emoest.utils.state import restored_on_failure
from emoest.utils.warn import warn_user


class DeepEstimator(
    SkorchNames, Passes, ValidationRows, StatefulModule, RowPredictor, NetEmbedder, BaseEstimator
):
    """Base of deep classifiers and regressors.

    A subclass lists its parameters, among them all of `_parameter_constraints`, and writes
    ``_module_class`` (a class of `emoest.nets`), ``_describe_module`` (its parameters) and
    ``_criterion``. It may write ``_prepare_module`` (transfer), ``_parameter_groups`` (learning
    rates), ``_augmented``, ``_last_weights``, ``_own_net`` and ``_schedule`` (another course of
    training) and ``_outputs_prefix``. ``_several`` says whether it takes several modalities.
    """

    __metadata_request__fit: ClassVar[dict[str, bool]] = {
        "groups": True,
        "X_val": True,
        "y_val": True,
    }

    _several = False
    _decisive_score: ClassVar[str | None] = None

    _parameter_constraints: dict = {
        **constraints.MODALITIES,
        "normalize": [StrOptions({"zscore"}), None],
        **constraints.IMPUTE,
        "lr": [constraints.POSITIVE_REAL],
        "max_epochs": [constraints.POSITIVE_INT],
        "optimizer": [StrOptions(set(OPTIMIZERS)), type, functools.partial],
        "weight_decay": [constraints.NON_NEGATIVE_REAL],
        "gradient_clip": [constraints.POSITIVE_REAL, None],
        "patience": [constraints.POSITIVE_INT, None],
        "validation_fraction": [Interval(Real, 0, 0.5, closed="right"), None],
        "callbacks": [list, None],
        "warm_start": ["boolean"],
        "precision": [StrOptions(set(PRECISIONS))],
        "compile": ["boolean", dict],
        **constraints.GROUP_COLUMN,
        **constraints.BATCH_SIZE,
        **constraints.DEVICE,
        **constraints.RANDOM_STATE,
        **constraints.VERBOSE,
    }

    def _describe_module(self, dims: dict[str, int], n_outputs: int) -> dict[str, Any]:
        raise NotImplementedError

    def _criterion(self) -> torch.nn.Module:
        raise NotImplementedError

    def _learn_target(self, X: Any, y: Any, sample_weight: Any) -> tuple[Any, Any]:
        """Target as the criterion takes it, and the weight of each sample."""
        raise NotImplementedError

    def _learn_prior(self, target: npt.NDArray[Any], weight: npt.NDArray[Any]) -> None:
        """Learn what is predicted for a sample without any modality."""

    def _monitor(self, outputs: torch.Tensor, target: torch.Tensor) -> dict[str, float]:
        """Scores of the validation samples after an epoch."""
        return {}

    @property
    def _rate(self) -> float:
        """Learning rate of the parameters that no group names."""
        return float(self.lr)

    def _prepare_module(self, module: Any, data: FrameDataset, groups: Any) -> None:
        """Change the fresh module before training; torch is seeded."""

    def _parameter_groups(self) -> list[tuple[str, dict[str, Any]]]:
        """Patterns of parameter names with settings of the optimizer, as skorch takes them."""
        return []

    def _last_weights(self) -> list[tuple[str, Any]]:
        """Name the callbacks of `last_weights` that this training ends with."""
        return []

    def _augmented(self, data: FrameDataset) -> FrameDataset:
        """Say what training changes of the rows that it reads; held-out rows stay as they are."""
        return data

    def _own_net(self) -> tuple[type[FrameNet], dict[str, Any]]:
        """Class of the net, and what it is given beside the usual."""
        return FrameNet, {}

    def _schedule(self) -> list[Any]:
        """Callbacks that belong to the estimator, before those of the user."""
        return []

    @property
    def _readout(self) -> Readout | None:
        """How callbacks that score read outputs and targets."""
        return None

    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        groups: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
    ) -> Self:
        """Train the net.

        Parameters
        ----------
        X : DataFrame, Series or array-like of shape (n_samples, n_columns)
            Frames (one object column a modality; a cell is an array of shape (n_frames, n_dims) or
            the path of an ``.npy`` file, read when a batch needs it), or numbers, each row one
            frame. Context columns are not used. Samples without any modality are left out.
        y : array-like of shape (n_samples,)
            The target. Classifiers that learn by cross-entropy also take a DataFrame of proportions
            that sum to 1 in each row, with the classes as columns: the votes of raters, as
            `label_distribution` gives them. Early stopping then scores by the largest.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sample in the loss, and in the means and deviations that scale frames.
        groups : array-like of shape (n_samples,), default=None
            Group of each sample, kept together when samples are held out for early stopping. None
            looks for `group_column`, then for the index level ``group``.
        X_val : DataFrame, Series or array-like of shape (n_val, n_columns), default=None
            Rows that early stopping watches, read as X; none of X is held out then.
        y_val : array-like of shape (n_val,), default=None
            Their target, of the classes of `y`.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError
            If `y` has several columns, missing values or too few classes, a cell holds no frames or
            NaN, no sample has any modality, the net diverges in the first epoch, or ``warm_start``
            would go on with another net or other classes; the estimator is then what it was. If
            `X_val` and `y_val` are not both given, or do not fit X and `y`.
        MemoryError
            If a batch does not fit into memory; the message names it.

        Warns
        -----
        UserWarning
            If samples are left out, or a modality that no sample has; if early stopping is off; or
            if training ended by the keyboard or by a loss that is not finite: the best weights so
            far are kept then. Inside an evaluation, a search or an ensemble the keyboard ends all.
        NotSpeakerIndependentWarning
            If samples are held out and there are no groups; if groups are in X and in `X_val`.

        Notes
        -----
        torch has one random generator for all threads, so fits in several threads take turns; the
        processes of ``n_jobs`` train at the same time.
        """
        own = given_together(X_val, y_val)
        if not self.warm_start:
            # A fit that fails leaves an unfitted estimator, not the net of the fit before it.
            vars(self).pop("net_", None)
        # One that goes on is after a fit that fails what it was before.
        with restored_on_failure(self, when=self._goes_on):
            self._fit(X, y, sample_weight, groups, own)
        return self

    def _fit(self, X: Any, y: Any, sample_weight: Any, groups: Any, own: Any = None) -> None:
        seed, split_seed = spawn_seeds(self.random_state, 2)
        further = self._passing and self._goes_on
        if not further:
            self.device_ = resolve_device(self.device)
        table = self._read(X, reset=not further)
        target, weight = self._learn_target(X, y, sample_weight)
        groups = resolve_groups(X, groups, self.group_column)
        kept = self._rows_to_fit(table)
        if self._passing or own is not None:
            train_rows, valid_rows = kept, None
            self.grouped_ = getattr(self, "grouped_", None) if further else None
        else:
            train_rows, valid_rows = self._hold_out(kept, target, groups, split_seed)
        self._learn_frames(table, train_rows, self._weights_of_rows(X, sample_weight))
        data = self._dataset(table, self.scales_)
        data.target, data.weight = target, weight
        train = self._augmented(data.take(train_rows))
        valid = None if valid_rows is None else data.take(valid_rows)
        self._learn_prior(*self._with_seen(target[kept], weight[kept]))
        keep_freed_memory()
        before = self._seen_groups if self._goes_on else []
        new = [] if groups is None else pd.Series(groups[kept]).dropna().unique().tolist()
        self._seen_groups = list(dict.fromkeys([*before, *new]))
        if own is not None:
            valid = self._validation_rows(*own, None if groups is None else groups[kept])
        if further:
            self._train_further(train, seed)
            return
        with seeded_torch(seed):
            self._train(train, valid, None if groups is None else groups[train_rows], seed)

    @property
    def seen_groups_(self) -> list[Any]:
        """Groups of the samples that the net was fitted on; `evaluate` asks for them."""
        check_is_fitted(self)
        return list(self._seen_groups)

    @property
    def _goes_on(self) -> bool:
        """Whether training goes on from the weights of the last one."""
        return bool((self.warm_start or self._passing) and hasattr(self, "net_"))

    @property
    def _dims(self) -> dict[str, int]:
        """Dimensions of the frames by modality, for nets of one modality too."""
        return self.n_dims_ if self._several else dict.fromkeys(self.modalities_, self.n_dims_)

    def _learn_frames(self, table: FrameTable, rows: Any, weight: Any) -> None:
        """Learn widths, means of columns and scales; keep those of a net that goes on."""
        if self._goes_on:
            now = plain(self._describe_module(table.widths, self._n_outputs))
            then = self.module_params_, self.modalities_
            refuse_another_net(*then, now, list(table.widths), how=self._how)
        else:
            self.modalities_ = [*table.widths]
            widths = [*table.widths.values()]
            self.n_dims_ = dict(table.widths) if self._several else widths[0]
            self.column_means_ = column_means(table, rows, weight)
        fill_numbers(table, self.column_means_, self.impute)
        if not self._goes_on:
            frames = self._dataset(table, {}).take(rows)
            self.scales_ = fit_scales(frames, weight[rows]) if self.normalize == "zscore" else {}

    def _train(self, train: Any, valid: Any, groups: Any, seed: int) -> None:
        self.module_params_ = plain(self._describe_module(self._dims, self._n_outputs))
        module = make_module(self._module_class, self.module_params_)
        if self._goes_on:
            module.load_state_dict(self.net_.module_.state_dict())
        else:
            self._prepare_module(module, train, groups)
        net = self._make_net(module, valid, seed)
        with config_context(enable_metadata_routing=False):
            net.partial_fit(train, epochs=1 if self._passing else None)
        if net.ended == "interrupted" and (self._passing or is_one_of_many_fits()):
            raise KeyboardInterrupt
        # It would keep the held-out samples in memory as long as the estimator.
        net.train_split = None
        kept = dict(net.callbacks_)["keep_best"].best_epoch_
        notice = explain_end(net, type(self).__name__, kept)
        self.net_ = net
        self.history_ = epochs_of(net)
        self.n_iter_ = len(self.history_)
        if notice:
            warn_user(notice)

    def _make_net(self, module: Any, valid: FrameDataset | None, seed: int) -> FrameNet:
        callbacks = make_callbacks(
            self._monitor,
            self._decisive_score,
            gradient_clip=self.gradient_clip,
            bar=type(self).__name__ if self.verbose else None,
            own=[*self._schedule(), *(self.callbacks or [])],
            readout=self._readout,
            patience=self.patience,
            last_weights=self._last_weights(),
        )
        precision = self.precision
        if precision == "auto":
            precision = "bfloat16" if torch.device(self.device_).type == "cuda" else "float32"
        net_class, settings = self._own_net()
        net = net_class(
            module,
            criterion=self._criterion(),
            **optimizer_settings(self.optimizer, self.weight_decay),
            optimizer__param_groups=self._parameter_groups(),
            lr=self._rate,
            max_epochs=self.max_epochs,
            batch_size=self.batch_size,
            train_split=None if valid is None else predefined_split(valid),
            callbacks=callbacks,
            callbacks__print_log=None,
            device=self.device_,
            verbose=0,
            precision=precision,
            compiled_by=compiler_settings(self.compile),
            seed=seed,
            readout=self._readout,
            **settings,
        )
        return net.initialize()

    def _read(self, X: Any, *, reset: bool) -> FrameTable:
        """Read frames, or numbers as single frames; files of frames stay closed."""
        widths = self._dims if self._goes_on or not reset else None
        table = validate_frames_or_blocks(self, X, reset=reset, widths=widths, lazy=True)
        if isinstance(table, Blocks):
            table = settle_modalities(self, rows_as_frames(table), reset=reset, widths=widths)
        self._prepare_table(table)
        return table

    def _rows_to_fit(self, table: FrameTable) -> npt.NDArray[np.intp]:
        empty = np.flatnonzero(table.empty)
        if len(empty):
            left_out = listed((table.rows[i] for i in empty), quoted=True)
            warn_user(
                f"{len(empty)} training row(s) have no frames in any modality and are "
                f"left out: {left_out}."
            )
        return np.flatnonzero(~table.empty)

    def _prepare_table(self, table: FrameTable) -> None:
        """Check or change a table that was just read, in ``fit`` and in prediction."""
        if self._several:
            return
        # Time matters within a modality only, so absent frames need no place.
        drop_absent_frames(table)
        if len(table.names) > 1:
            raise ValueError(
                f"{type(self).__name__} reads one modality, X has {len(table.names)} "
                f"({listed(table.names)}). Name one with modalities=[{table.names[0]!r}],"
                " or take an estimator of several modalities, such as MFNClassifier."
            )

    def _dataset(self, table: FrameTable, scales: dict[str, Any]) -> FrameDataset:
        return make_dataset(table, several=self._several, scales=scales)

    def _weights_of_rows(self, X: Any, sample_weight: Any) -> npt.NDArray[np.float64]:
        rows = np.empty((num_samples(X), 1))
        weight = check_weight(sample_weight, rows)
        return np.ones(len(rows)) if weight is None else weight

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags
