"""Temporal models over frames as estimators: LSTM, GRU or Transformer, pooling, one linear head."""

from numbers import Real
from typing import Any, ClassVar

from emoest.nets.export import ExportableNet
from emoest.nets.sequence import CELLS, POOLINGS, SequenceNet
from emoest.neural._training.classifier import DeepClassifier, DeepRegressor
from emoest.neural._training.exporting import frames_net
from emoest.utils import constraints
from emoest.utils._sklearn import Interval, StrOptions
from emoest.utils.seeds import RandomState

_NET: dict = {
    "cell": [StrOptions(set(CELLS)), None],
    "hidden_size": [constraints.POSITIVE_INT],
    "n_layers": [constraints.POSITIVE_INT],
    "bidirectional": ["boolean"],
    "n_heads": [constraints.POSITIVE_INT],
    "pooling": [StrOptions(set(POOLINGS))],
    "dropout": [Interval(Real, 0, 1, closed="left")],
}


class _Sequence:
    """What the classifier and the regressor share."""

    _module_class = SequenceNet
    _outputs_prefix: ClassVar[str] = "sequence"

    def _describe_module(self, dims: dict[str, int], n_outputs: int) -> dict[str, Any]:
        settings = {name: getattr(self, name) for name in _NET}
        return {"n_dims": next(iter(dims.values())), "n_outputs": n_outputs, **settings}

    def _exportable_net(self) -> ExportableNet:
        return frames_net(self)


class SequenceClassifier(_Sequence, DeepClassifier):
    """Classify sequences of frames: LSTM, GRU or Transformer, pooling over time, a linear head.

    Reads the frames of one modality, of any length, as embedders and features give them with
    ``pooling=None``. Samples of similar length share a batch; padding never changes a result. Early
    stopping watches the UAR of held-out speakers, and the best weights are kept.

    Parameters
    ----------
    cell : {"lstm", "gru", "transformer"} or None, default="lstm"
        What turns frames into hidden states. None pools the frames as they are, as suits those of a
        pretrained encoder: with ``pooling="attention"`` a weighted mean and a linear head.
    hidden_size : int, default=64
        Units of each direction; the width of the Transformer.
    n_layers : int, default=1
        Layers.
    bidirectional : bool, default=True
        Whether recurrent layers also read backwards. The Transformer always sees both sides.
    n_heads : int, default=4
        Attention heads of the Transformer; they divide `hidden_size`.
    pooling : {"statistics", "attention", "mean", "last"}, default="statistics"
        How hidden states become one vector: mean and standard deviation, learned weights, the mean,
        or the last state of each direction.
    dropout : float, default=0.2
        Before the head, and between layers.
    modalities : "auto" or list of str, default="auto"
        Which modality, when X holds several.
    normalize : {"zscore", None}, default="zscore"
        Whether each dimension is scaled by its mean and deviation over the training frames.
    impute : {"mean", "raise"}, default="mean"
        Missing values (NaN) in a table of numbers: filled by the column's training mean, or an
        error. A frame that is NaN throughout is absent; single NaN in frames are an error.
    lr : float, default=1e-3
        Learning rate.
    max_epochs : int, default=50
        Largest number of epochs.
    optimizer : {"adam", "adamw", "sgd"}, class or functools.partial, default="adam"
        The optimizer; ``"sgd"`` has Nesterov momentum of 0.9. A class of torch gets parameters of
        its own by ``functools.partial(torch.optim.SGD, momentum=0.5)``.
    weight_decay : float, default=0.0
        Weight decay.
    gradient_clip : float or None, default=1.0
        Largest norm of the gradient.
    patience : int or None, default=10
        Epochs without a gain on the held-out samples before training stops.
    validation_fraction : float or None, default=0.1
        Fraction of the training samples held out for early stopping, whole groups where there are
        groups. None trains on all samples for `max_epochs`.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes in the loss.
    label_smoothing : float, default=0.0
        Share of each label that is spread evenly over all classes, from 0 up to below 1, in the
        losses of held-out samples as well. Votes as `y` are smoothed likewise.
    callbacks : list or None, default=None
        Further skorch callbacks, such as ``LRScheduler``, ``EarlyStopping`` or ``Checkpoint``; each
        ``fit`` works on copies. Those that score predictions (``EpochScoring``) see classes as
        their numbers in ``classes_``, and no weights. ``history_`` holds what they record.
    warm_start : bool, default=False
        Whether ``fit`` goes on from the weights and scales of the last one, with a new optimizer.
        Take an int as `random_state` then, so that the same samples are held out again.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        Of training; ``"auto"`` is bfloat16 on CUDA. Predictions are computed in float32. On CPUs
        without instructions for it (AVX-512, AMX) bfloat16 trains many times slower.
    compile : bool or dict, default=False
        Whether training runs the net compiled by `torch.compile`; a dict holds its parameters, such
        as ``{"mode": "max-autotune"}``. The first epoch waits for the compiler (half a minute to
        minutes), which pays in long trainings on a GPU; a C++ compiler has to be there. Dropout
        draws other numbers than uncompiled. Predictions are not compiled.
    group_column : str, default=None
        A context column of X whose values say which samples belong together.
    batch_size : int, default=32
        Samples of a batch.
    device : str, default="auto"
        ``"cpu"``, ``"cuda"``, or ``"auto"`` for CUDA where there is one.
    random_state : int, RandomState instance or None, default=None
        Initial weights, order of samples, dropout and held-out samples.
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes.
    class_prior_ : ndarray of shape (n_classes,)
        Class frequencies, by `sample_weight` and `class_weight`: the prediction for a sample
        without frames.
    net_ : skorch.NeuralNet
        The trained net; ``net_.module_`` is the torch module.
    history_ : list of dict
        Losses, validation UAR (of classifiers) and seconds of each epoch of the last ``fit``, and
        what callbacks recorded; ``pandas.DataFrame(history_).plot("epoch")`` draws them.
    n_iter_ : int
        Epochs that were trained.
    modalities_ : list of str
        The modalities that the net reads, in order; here one.
    n_dims_ : int
        Dimensions of a frame; estimators of several modalities have a dict of str to int.
    scales_ : dict of str to Scale
        Means and deviations of the training frames; empty without `normalize`.
    column_means_ : dict of str to ndarray
        What fills missing values in a table of numbers; empty for frames.
    module_params_ : dict
        What the torch module was made with.
    device_ : str
        Where the net was trained.
    grouped_ : bool or None
        Whether held-out samples, or those of `X_val`, came from other groups; None when there were
        none, or nothing names groups of `X_val`.
    seen_groups_ : list
        Groups of the samples seen in ``fit``: `emoest.evaluation.evaluate` raises when a net in a
        ``FrozenEstimator`` is tested on them.
    n_features_in_ : int
        Columns seen in ``fit``.
    feature_names_in_ : ndarray of str
        Their names, if X had names.

    See Also
    --------
    emoest.aggregation.StatisticsPooling : The same pooling without a net before it.

    Notes
    -----
    The LSTM that Boateng & Kowatsch 2020 list among their models is
    ``SequenceClassifier(cell="lstm")``; its sizes are not known.

    Examples
    --------
    >>> import numpy as np
    >>> from emoest.tables.cells import object_column
    >>> cells = [np.full((n, 2), n % 2, dtype="float32") for n in range(1, 21)]
    >>> X = object_column(cells, range(20), "audio__frames").to_frame()
    >>> y = ["odd" if n % 2 else "even" for n in range(1, 21)]
    >>> model = SequenceClassifier(
    ...     hidden_size=4, max_epochs=5, lr=0.05, validation_fraction=None, random_state=0
    ... ).fit(X, y)
    >>> model.predict(X.iloc[:3]).tolist()
    ['odd', 'even', 'odd']
    >>> model.transform(X).shape
    (20, 16)
    """

    _parameter_constraints: dict = {**_NET, **DeepClassifier._parameter_constraints}

    def __init__(
        self,
        cell: str | None = "lstm",
        hidden_size: int = 64,
        *,
        n_layers: int = 1,
        bidirectional: bool = True,
        n_heads: int = 4,
        pooling: str = "statistics",
        dropout: float = 0.2,
        modalities: Any = "auto",
        normalize: str | None = "zscore",
        impute: str = "mean",
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
        batch_size: int = 32,
        device: str = "auto",
        random_state: RandomState = None,
        verbose: int = 0,
    ):
        self.cell = cell
        self.hidden_size = hidden_size
        self.n_layers = n_layers
        self.bidirectional = bidirectional
        self.n_heads = n_heads
        self.pooling = pooling
        self.dropout = dropout
        self.modalities = modalities
        self.normalize = normalize
        self.impute = impute
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
        self.batch_size = batch_size
        self.device = device
        self.random_state = random_state
        self.verbose = verbose


class SequenceRegressor(_Sequence, DeepRegressor):
    """Regress on sequences of frames: LSTM, GRU or Transformer, pooling over time, a linear head.

    Everything but the loss is as in `SequenceClassifier`; the target is scaled to mean 0 and
    deviation 1 inside, and early stopping watches the loss of held-out speakers.

    Parameters
    ----------
    cell, hidden_size, n_layers, bidirectional, n_heads, pooling, dropout
        See `SequenceClassifier`.
    loss : {"squared_error", "absolute_error"}, default="squared_error"
        What is minimized.
    modalities, normalize, impute
        See `SequenceClassifier`.
    lr, max_epochs, optimizer, weight_decay, gradient_clip, patience, validation_fraction
        See `SequenceClassifier`.
    callbacks, warm_start, precision, compile, group_column
        See `SequenceClassifier`.
    batch_size, device, random_state, verbose
        See `SequenceClassifier`.

    Attributes
    ----------
    target_scale_ : ndarray of shape (2,)
        Mean and standard deviation of the target.
    net_, history_, n_iter_, modalities_, n_dims_, scales_, column_means_, module_params_
        See `SequenceClassifier`.
    device_, grouped_, seen_groups_, n_features_in_, feature_names_in_
        See `SequenceClassifier`.

    Examples
    --------
    >>> import numpy as np
    >>> from emoest.tables.cells import object_column
    >>> cells = [np.full((3, 1), n, dtype="float32") for n in range(12)]
    >>> X = object_column(cells, range(12), "audio__frames").to_frame()
    >>> model = SequenceRegressor(
    ...     hidden_size=4, max_epochs=1, validation_fraction=None, random_state=0
    ... ).fit(X, range(12))
    >>> model.predict(X).shape
    (12,)
    """

    _parameter_constraints: dict = {**_NET, **DeepRegressor._parameter_constraints}

    def __init__(
        self,
        cell: str | None = "lstm",
        hidden_size: int = 64,
        *,
        n_layers: int = 1,
        bidirectional: bool = True,
        n_heads: int = 4,
        pooling: str = "statistics",
        dropout: float = 0.2,
        loss: str = "squared_error",
        modalities: Any = "auto",
        normalize: str | None = "zscore",
        impute: str = "mean",
        lr: float = 1e-3,
        max_epochs: int = 50,
        optimizer: Any = "adam",
        weight_decay: float = 0.0,
        gradient_clip: float | None = 1.0,
        patience: int | None = 10,
        validation_fraction: float | None = 0.1,
        callbacks: list[Any] | None = None,
        warm_start: bool = False,
        precision: str = "auto",
        compile: bool | dict[str, Any] = False,
        group_column: str | None = None,
        batch_size: int = 32,
        device: str = "auto",
        random_state: RandomState = None,
        verbose: int = 0,
    ):
        self.cell = cell
        self.hidden_size = hidden_size
        self.n_layers = n_layers
        self.bidirectional = bidirectional
        self.n_heads = n_heads
        self.pooling = pooling
        self.dropout = dropout
        self.loss = loss
        self.modalities = modalities
        self.normalize = normalize
        self.impute = impute
        self.lr = lr
        self.max_epochs = max_epochs
        self.optimizer = optimizer
        self.weight_decay = weight_decay
        self.gradient_clip = gradient_clip
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.callbacks = callbacks
        self.warm_start = warm_start
        self.precision = precision
        self.compile = compile
        self.group_column = group_column
        self.batch_size = batch_size
        self.device = device
        self.random_state = random_state
        self.verbose = verbose
