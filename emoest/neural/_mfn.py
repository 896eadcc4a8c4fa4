"""Memory fusion over aligned steps as estimators: MFN for labels and for values."""

from typing import Any, ClassVar

from emoest.neural._mfn_base import NET, FusionClassifier, MemoryFusion
from emoest.neural._training.classifier import DeepRegressor
from emoest.utils.seeds import RandomState


class MFNClassifier(FusionClassifier):
    """Classify sequences of several modalities with a Memory Fusion Network.

    One LSTM a modality, attention over how their cell states change from step to step, and a gated
    memory of what happens across modalities. The modalities are time-aligned: step t of one means
    the time of step t of the others. Samples may miss modalities, and have any number of steps. A
    table of numbers is a sequence of one step.

    Parameters
    ----------
    hidden_size : int or dict of str to int, default=32
        Units of the LSTM of each modality.
    memory_dim : int, default=128
        Units of the memory.
    attention_size, update_size : int, default=64
        Inner widths of the attention and of the update.
    gate_size : int or dict of str to int, default=64
        Inner width of each gate of the memory; a dict names ``"retain"`` and ``"update"``.
    output_size : int, default=64
        Inner width of the output.
    dropout : float or dict of str to float, default=0.2
        Behind these inner widths; a dict names ``"attention"``, ``"update"``, ``"gates"``,
        ``"output"``, and ``"gates"`` may be a dict of ``"retain"`` and ``"update"``.
    gate_input : {"memory", "delta"}, default="memory"
        Whether the gates see the memory too, as in the authors' code, or the attended cell states
        alone, as in the paper's equations.
    memory_feedback : bool, default=False
        Whether the memory goes back into the LSTMs (one reading of M3ER; slower).
    fusion : {"concat", "product"}, default="concat"
        How the last hidden states are joined; a product needs one width.
    fusion_norm : {None, "layernorm"}, default=None
        Layer normalization of the product, which is small at the start of training.
    loss : {"cross_entropy", "liu", "m3er"}, default="cross_entropy"
        Cross-entropy of the fused prediction alone, or with a multiplicative loss on a classifier
        of each modality beside it (`emoest.nets.losses.multiplicative.multiplicative_loss`).
    beta : float, default=0.5
        Strength of the multiplicative weights.
    detach_weights : bool, default=True
        Whether the gradient passes by these weights. False is the literal form, whose gradient can
        point the wrong way.
    margin : float or None, default=None
        Boosted form of Liu et al.: a sample that wins by more than this costs nothing.
    aux_weight : float, default=1.0
        Factor of the multiplicative loss.
    mixtures : bool, default=False
        Whether subsets of modalities have classifiers of their own too (Liu et al.).
    resample : {"linear", None}, default=None
        What is done when the modalities of a sample have different numbers of steps: None raises,
        ``"linear"`` stretches shorter ones to the longest by linear interpolation.
    modalities : "auto", list or dict, default="auto"
        Which modalities, see `emoest.utils.find_modalities`.
    normalize, impute
        See `SequenceClassifier`.
    lr, max_epochs, optimizer, weight_decay, gradient_clip, patience, validation_fraction
        See `SequenceClassifier`.
    class_weight
        See `SequenceClassifier`.
    label_smoothing : float, default=0.0
        See `SequenceClassifier`; for ``loss="cross_entropy"`` only.
    callbacks, warm_start, precision, compile, group_column
        See `SequenceClassifier`.
    batch_size, device, random_state, verbose
        See `SequenceClassifier`.

    Attributes
    ----------
    modalities_ : list of str
        The modalities, in order.
    n_dims_ : dict of str to int
        Dimensions of a step, by modality.
    classes_, class_prior_, net_, history_, n_iter_, scales_, column_means_, module_params_
        See `SequenceClassifier`.
    device_, grouped_, seen_groups_, n_features_in_, feature_names_in_
        See `SequenceClassifier`.

    See Also
    --------
    M3ERClassifier : The same net with a product of hidden states and a multiplicative loss.
    emoest.aggregation.FrameAligner : Aligns the frames of all modalities in time.

    References
    ----------
    A. Zadeh, P. P. Liang, N. Mazumder, S. Poria, E. Cambria and L.-P. Morency, "Memory fusion
    network for multi-view sequential learning", AAAI 2018. Gates that see the memory, and the
    widths and dropouts of the layers, are those of the authors' code.

    Examples
    --------
    >>> from emoest.datasets import make_emotions
    >>> X, y = make_emotions(60, return_X_y=True, random_state=0)
    >>> model = MFNClassifier(resample="linear", max_epochs=2, random_state=0).fit(X, y)
    >>> model.predict(X).shape, model.transform(X).shape[1]
    ((60,), 225)
    """

    _outputs_prefix: ClassVar[str] = "mfn"

    _parameter_constraints: dict = FusionClassifier._parameter_constraints

    def __init__(
        self,
        hidden_size: Any = 32,
        memory_dim: int = 128,
        *,
        attention_size: int = 64,
        update_size: int = 64,
        gate_size: Any = 64,
        output_size: int = 64,
        dropout: Any = 0.2,
        gate_input: str = "memory",
        memory_feedback: bool = False,
        fusion: str = "concat",
        fusion_norm: str | None = None,
        loss: str = "cross_entropy",
        beta: float = 0.5,
        detach_weights: bool = True,
        margin: float | None = None,
        aux_weight: float = 1.0,
        mixtures: bool = False,
        resample: str | None = None,
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
        self.hidden_size = hidden_size
        self.memory_dim = memory_dim
        self.attention_size = attention_size
        self.update_size = update_size
        self.gate_size = gate_size
        self.output_size = output_size
        self.dropout = dropout
        self.gate_input = gate_input
        self.memory_feedback = memory_feedback
        self.fusion = fusion
        self.fusion_norm = fusion_norm
        self.loss = loss
        self.beta = beta
        self.detach_weights = detach_weights
        self.margin = margin
        self.aux_weight = aux_weight
        self.mixtures = mixtures
        self.resample = resample
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


class MFNRegressor(MemoryFusion, DeepRegressor):
    """Regress on sequences of several modalities with a Memory Fusion Network.

    Everything but the loss is as in `MFNClassifier`; the target is scaled to mean 0 and deviation 1
    inside.

    Parameters
    ----------
    hidden_size, memory_dim, attention_size, update_size, gate_size, output_size, dropout
        See `MFNClassifier`.
    gate_input, memory_feedback, fusion, fusion_norm
        See `MFNClassifier`.
    loss : {"absolute_error", "squared_error"}, default="absolute_error"
        What is minimized.
    resample, modalities
        See `MFNClassifier`.
    normalize, impute
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
    modalities_, n_dims_
        See `MFNClassifier`.
    net_, history_, n_iter_, scales_, column_means_, module_params_
        See `SequenceClassifier`.
    device_, grouped_, seen_groups_, n_features_in_, feature_names_in_
        See `SequenceClassifier`.

    See Also
    --------
    MFNClassifier : The same net for labels.
    emoest.aggregation.FrameAligner : Aligns the frames of all modalities in time.

    References
    ----------
    A. Zadeh, P. P. Liang, N. Mazumder, S. Poria, E. Cambria and L.-P. Morency, "Memory fusion
    network for multi-view sequential learning", AAAI 2018.

    Examples
    --------
    >>> from emoest.datasets import make_emotions
    >>> X, y = make_emotions(60, return_X_y=True, random_state=0)
    >>> model = MFNRegressor(resample="linear", max_epochs=2, random_state=0)
    >>> model.fit(X, range(60)).predict(X).shape
    (60,)
    """

    _outputs_prefix: ClassVar[str] = "mfn"

    _parameter_constraints: dict = {**NET, **DeepRegressor._parameter_constraints}

    def __init__(
        self,
        hidden_size: Any = 32,
        memory_dim: int = 128,
        *,
        attention_size: int = 64,
        update_size: int = 64,
        gate_size: Any = 64,
        output_size: int = 64,
        dropout: Any = 0.2,
        gate_input: str = "memory",
        memory_feedback: bool = False,
        fusion: str = "concat",
        fusion_norm: str | None = None,
        loss: str = "absolute_error",
        resample: str | None = None,
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
        self.hidden_size = hidden_size
        self.memory_dim = memory_dim
        self.attention_size = attention_size
        self.update_size = update_size
        self.gate_size = gate_size
        self.output_size = output_size
        self.dropout = dropout
        self.gate_input = gate_input
        self.memory_feedback = memory_feedback
        self.fusion = fusion
        self.fusion_norm = fusion_norm
        self.loss = loss
        self.resample = resample
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
