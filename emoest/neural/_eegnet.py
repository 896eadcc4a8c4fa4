"""EEGNetClassifier: classes from raw EEG by EEGNet, or by any other net for windows of EEG."""

from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from emoest.media.eeg import read_eeg
from emoest.media.eeg_montage import first_montage
from emoest.media.eeg_windows import check_flat, place_windows
from emoest.nets.eegnet import EEGWindowNet
from emoest.neural._training.media_classifier import MediaClassifier
from emoest.utils import constraints
from emoest.utils._sklearn import Interval
from emoest.utils.seeds import RandomState


class EEGNetClassifier(MediaClassifier):
    """Classify trials of raw EEG by EEGNet, a compact convolutional net.

    Each trial is cut into windows of equal length; the net classifies windows, and the
    probabilities of a trial's windows are averaged, in training as well. All trials have one
    sampling rate and the same channels; `emoest.features.EEGFilter` brings them to a rate.

    Parameters
    ----------
    module : callable, default=None
        Another net, such as a class of a library of nets for EEG: called with ``n_chans=``,
        ``n_outputs=`` and ``n_times=``, it gives a torch module from windows of shape (n_windows,
        n_chans, n_times) to logits (n_windows, n_outputs). None is EEGNet.
    window : float, default=4.0
        Length of a window in seconds.
    step : float, default=None
        Seconds from one window to the next; None places window after window. Samples that fill no
        window at the end of a trial are left out.
    n_filters : int, default=8
        Filters over time of EEGNet.
    depth : int, default=2
        Filters over channels for each of them.
    kernel : int, default=None
        Samples of a filter over time; None is half a second.
    dropout : float, default=0.5
        Fraction of units that training drops.
    standardize : bool, default=True
        Whether each channel of each window is brought to mean 0 and deviation 1.
    channels : int or list of str, default=None
        Number or names of the channels; None takes those of the first trial in ``fit``.
    sampling_rate : float, default=None
        Rate in Hz of arrays and files, which bring none. A tuple brings its own.
    lr, max_epochs, optimizer, weight_decay, gradient_clip
        See `SequenceClassifier`.
    patience, validation_fraction, class_weight, label_smoothing
        See `SequenceClassifier`.
    callbacks, warm_start, precision, compile, group_column
        See `SequenceClassifier`.
    errors : {"raise", "missing"}, default="raise"
        What an item means that cannot be read, is shorter than a window, has a flat channel, or
        another rate or other channels than in ``fit``.
    batch_size : int, default=16
        Trials of a batch.
    device, random_state, verbose
        See `SequenceClassifier`.

    Attributes
    ----------
    classes_, class_prior_, net_, history_, n_iter_, modalities_, n_dims_, scales_
        See `SequenceClassifier`.
    column_means_, module_params_, device_, grouped_, seen_groups_
        See `SequenceClassifier`.
    n_features_in_, feature_names_in_
        See `SequenceClassifier`.

    See Also
    --------
    emoest.fusion.TrialAggregatingClassifier : The same for features of windows.

    Notes
    -----
    A net of `module` is no part of pickles and saved weights: they hold its weights, and make it
    anew by calling `module`, which has to be importable (no lambda). ``transform`` then gives its
    logits.

    References
    ----------
    V. J. Lawhern, A. J. Solon, N. R. Waytowich, S. M. Gordon, C. P. Hung and B. J. Lance, "EEGNet:
    a compact convolutional neural network for EEG-based brain-computer interfaces", Journal of
    Neural Engineering 15(5), 2018.

    Examples
    --------
    >>> generator, time = np.random.default_rng(0), np.arange(128) / 64
    >>> trials = [(10 * np.sin(2 * np.pi * (6, 20)[n % 2] * time)[None]
    ...            + generator.normal(size=(2, 128)), 64) for n in range(16)]
    >>> model = EEGNetClassifier(
    ...     window=1.0, lr=0.02, max_epochs=8, batch_size=8, validation_fraction=None,
    ...     random_state=0,
    ... ).fit(trials, ["calm", "alert"] * 8)
    >>> model.predict(trials[:2]).tolist()
    ['calm', 'alert']
    """

    _outputs_prefix: ClassVar[str] = "eegnet"

    _parameter_constraints: dict = {
        "module": [callable, None],
        "window": [constraints.POSITIVE_REAL],
        "step": [constraints.POSITIVE_REAL, None],
        "n_filters": [constraints.POSITIVE_INT],
        "depth": [constraints.POSITIVE_INT],
        "kernel": [Interval(Integral, 1, None, closed="left"), None],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "standardize": ["boolean"],
        "channels": [constraints.POSITIVE_INT, list, tuple, None],
        "sampling_rate": [constraints.POSITIVE_REAL, None],
        **MediaClassifier._parameter_constraints,
    }

    def __init__(
        self,
        module: Any = None,
        *,
        window: float = 4.0,
        step: float | None = None,
        n_filters: int = 8,
        depth: int = 2,
        kernel: int | None = None,
        dropout: float = 0.5,
        standardize: bool = True,
        channels: Any = None,
        sampling_rate: float | None = None,
        lr: float = 1e-3,
        max_epochs: int = 50,
        optimizer: Any = "adam",
        weight_decay: float = 0.0,
        gradient_clip: float | None = 1.0,
        patience: int | None = 10,
        validation_fraction: float | None = 0.1,
        class_weight: Any = None,
        label_smoothing: float = 0.0,
        callbacks: list[Any] | None = None,
        warm_start: bool = False,
        precision: str = "auto",
        compile: bool | dict[str, Any] = False,
        group_column: str | None = None,
        errors: str = "raise",
        batch_size: int = 16,
        device: str = "auto",
        random_state: RandomState = None,
        verbose: int = 0,
    ):
        self.module = module
        self.window = window
        self.step = step
        self.n_filters = n_filters
        self.depth = depth
        self.kernel = kernel
        self.dropout = dropout
        self.standardize = standardize
        self.channels = channels
        self.sampling_rate = sampling_rate
        self.lr = lr
        self.max_epochs = max_epochs
        self.optimizer = optimizer
        self.weight_decay = weight_decay
        self.gradient_clip = gradient_clip
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.class_weight = class_weight
        self.label_smoothing = label_smoothing
        self.callbacks = callbacks
        self.warm_start = warm_start
        self.precision = precision
        self.compile = compile
        self.group_column = group_column
        self.errors = errors
        self.batch_size = batch_size
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    @property
    def _module_class(self) -> Any:
        return EEGWindowNet if self.module is None else partial(EEGWindowNet, module=self.module)

    def _begin(self, column: pd.Series) -> None:
        """Learn channels and rate from the first trial."""
        if isinstance(self.module, torch.nn.Module):
            raise ValueError(
                f"module is a net already ({type(self.module).__name__}). Pass what makes one, "
                "such as its class: each fit needs a fresh net."
            )
        montage = first_montage(column, reader=type(self).__name__, errors=self.errors)
        n_chans, names = montage.n_channels, montage.names
        if isinstance(self.channels, list | tuple):
            n_chans, names = len(self.channels), tuple(self.channels)
        elif self.channels is not None:
            n_chans = int(self.channels)
        rate = montage.rate or self.sampling_rate
        if rate is None:
            raise ValueError(
                "EEG in arrays and files brings no sampling rate. Pass sampling_rate=, or make the "
                "cells tuples (array, rate)."
            )
        self._names = names
        self._montage = {
            "n_chans": n_chans,
            "n_times": round(self.window * rate),
            "sampling_rate": float(rate),
        }

    @property
    def _known(self) -> dict[str, Any]:
        """Channels, samples of a window and rate, of saved weights as well."""
        return self._montage if hasattr(self, "_montage") else self.module_params_

    def _n_dims(self) -> int:
        return int(self._known["n_chans"] * self._known["n_times"])

    def _read_item(self, item: Any, name: str) -> npt.NDArray[np.float32]:
        """Windows of a trial, each a row of samples channel by channel."""
        n_chans, expected = self._known["n_chans"], self._known["sampling_rate"]
        names = getattr(self, "_names", None)
        signal, rate = read_eeg(item, sampling_rate=self.sampling_rate, channels=names, name=name)
        if len(signal) != n_chans:
            raise ValueError(
                f"{name} has {len(signal)} channels where {n_chans} are expected. Keep the same "
                "channels, in the same order, in all recordings"
            )
        if rate != expected:
            raise ValueError(
                f"{name} has a sampling rate of {rate:g} Hz where {expected:g} Hz are expected. "
                "Bring all recordings to one rate by emoest.features.EEGFilter"
            )
        windows = place_windows(signal.shape[1], rate, self.window, self.step)
        check_flat(signal, windows, rate, names)
        cut = np.stack([windows.cut(channel) for channel in signal], axis=1)
        return cut.reshape(len(cut), -1).astype(np.float32)

    def _describe_module(self, dims: dict[str, int], n_outputs: int) -> dict[str, Any]:
        net = {name: getattr(self, name) for name in ("n_filters", "depth", "kernel", "dropout")}
        known = {name: self._known[name] for name in ("n_chans", "n_times", "sampling_rate")}
        return {"n_outputs": n_outputs, "normalize": bool(self.standardize), **known, **net}
