"""The fusion network of M3ER as an estimator."""

from typing import Any, ClassVar

from emoest.neural._mfn_base import FusionClassifier
from emoest.utils.seeds import RandomState


class M3ERClassifier(FusionClassifier):
    """Classify sequences of several modalities with the fusion network of M3ER.

    A Memory Fusion Network whose hidden states are multiplied instead of set side by side, trained
    with M3ER's multiplicative loss on a classifier of each modality. A missing modality counts as 1
    in the product. Everything else is as in `MFNClassifier`.

    Parameters
    ----------
    hidden_dims : int or dict of str to int, default=32
        Units of the LSTM of each modality.
    memory_dim : int, default=128
        Units of the memory.
    attention_size, update_size, gate_size, output_size : int, default=64
        Inner widths of the attention, the update, each gate and the output.
    dropout : float or dict of str to float, default=0.2
        Behind these inner widths; a dict names ``"attention"``, ``"update"``, ``"gates"``,
        ``"output"``.
    gate_input : {"memory", "delta"}, default="memory"
        Whether the gates see the memory too, as in the authors' code, or the attended cell states
        alone, as in the paper's equations.
    memory_feedback : bool, default=False
        Whether the memory goes back into the LSTMs (one reading of M3ER; slower).
    fusion : {"concat", "product"}, default="product"
        How the last hidden states are joined; a product needs one width.
    fusion_norm : {None, "layernorm"}, default=None
        Layer normalization of the product, which is small at the start of training.
    loss : {"ce", "liu", "m3er"}, default="m3er"
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
        Whether mixtures of modalities have classifiers of their own too (Liu et al.).
    resample : {"linear", None}, default=None
        What is done when the modalities of a row have different numbers of steps: None is an error,
        ``"linear"`` stretches shorter ones to the longest by linear interpolation.
    modalities : "auto", list or dict, default="auto"
        Which modalities, see `emoest.utils.find_modalities`.
    normalize : {"zscore", None}, default="zscore"
        Whether each dimension is scaled by its mean and deviation over the training steps.
    impute : {"mean", "raise"}, default="mean"
        Holes (NaN) in a table of numbers: filled by the column's training mean, or an error. Frames
        with NaN are always an error.
    lr : float, default=1e-3
        Learning rate.
    max_epochs : int, default=50
        Most epochs.
    optimizer : {"adam", "adamw", "sgd"} or class, default="adam"
        The optimizer; ``"sgd"`` has Nesterov momentum of 0.9.
    weight_decay : float, default=0.0
        Weight decay.
    gradient_clip : float or None, default=1.0
        Largest norm of the gradient.
    patience : int or None, default=10
        Epochs without a gain on the held-out rows before training stops.
    validation_fraction : float or None, default=0.1
        Part of the training rows held out for early stopping, whole groups where there are groups.
        None trains on all rows for `max_epochs`.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes in the loss.
    callbacks : list or None, default=None
        Further skorch callbacks, such as ``LRScheduler``, ``EarlyStopping`` or ``Checkpoint``; each
        ``fit`` works on copies. Those that score labels (``EpochScoring``) do not fit in, since the
        net sees numbers of classes with weights; ``history_`` holds scores.
    warm_start : bool, default=False
        Whether ``fit`` goes on from the weights and scales of the last one, with a new optimizer.
        Take an int as `random_state` then, so that the same rows are held out again.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        Of training; ``"auto"`` is bfloat16 on CUDA. Predictions are computed in float32.
    group_column : str, default=None
        A context column of X whose values say which rows belong together.
    batch_size : int, default=32
        Rows of a batch.
    device : str, default="auto"
        ``"cpu"``, ``"cuda"``, or ``"auto"`` for CUDA where there is one.
    random_state : int, RandomState instance or None, default=None
        Initial weights, order of rows, dropout and held-out rows.
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes.
    prior_ : ndarray of shape (n_classes,)
        Class frequencies, by `sample_weight` and `class_weight`: the answer to a row without
        frames.
    net_ : skorch.NeuralNet
        The trained net; ``net_.module_`` is the torch module.
    history_ : list of dict
        Losses, validation score and seconds of each epoch.
    n_iter_ : int
        Epochs that were trained.
    dims_ : dict of str to int
        Modalities, in order, with the dimensions of a step.
    scales_ : dict of str to Scale
        Means and deviations of the steps.
    column_means_ : dict of str to ndarray
        What fills holes in a table of numbers; empty for frames.
    module_params_ : dict
        What the torch module was made with.
    device_ : str
        Where the net was trained.
    grouped_ : bool or None
        Whether held-out rows came from other groups; None when none were held out.
    seen_groups_ : list
        Groups of the rows seen in ``fit``: `emoest.evaluation.evaluate` refuses to test a net in a
        ``FrozenEstimator`` on them.
    n_features_in_ : int
        Columns seen in ``fit``.
    feature_names_in_ : ndarray of str
        Their names, if X had names.

    Notes
    -----
    A reconstruction: the authors' code is not available. Known are three LSTMs of 32 units, a
    memory of 128, one vector of 32 that the hidden states are multiplied into, a layer of 64 behind
    the 160 fused numbers, and the form of the loss. Not known, and chosen here: beta, whether the
    gradient passes by the weights, where the loss applies (here on a classifier of each modality,
    beside the cross-entropy of the fused output), that the product is taken element by element,
    what the gates see and the memory feeds, inner widths, dropout, activation, learning rate and
    epochs.

    With the gradient through the weight the loss pushes the true class down wherever its
    probability is below ``exp(-(M - 1) / beta)``, so ``detach_weights=True`` is the default; False
    warns where training would begin there.

    For commercial users: the United States patent 11830291, "System and method for multimodal
    emotion recognition", describes a pipeline of this kind. This is not legal advice.

    See Also
    --------
    emoest.systems.make_m3er : The whole system, with validity check and proxy features.

    References
    ----------
    T. Mittal, U. Bhattacharya, R. Chandra, A. Bera and D. Manocha, "M3ER: multiplicative multimodal
    emotion recognition using facial, textual, and speech cues", AAAI 2020, arXiv 1911.05659.

    K. Liu, Y. Li, N. Xu and P. Natarajan, "Learn to combine modalities in multimodal deep
    learning", arXiv 1805.11730.

    Examples
    --------
    >>> from emoest.datasets import make_emotions
    >>> X, y = make_emotions(60, return_X_y=True, random_state=0)
    >>> model = M3ERClassifier(resample="linear", max_epochs=2, random_state=0).fit(X, y)
    >>> model.transform(X).shape[1], sorted(model.predict_proba_unimodal(X))
    (161, ['audio', 'face', 'text'])
    """

    _outputs_prefix: ClassVar[str] = "m3er"

    _parameter_constraints: dict = FusionClassifier._parameter_constraints

    def __init__(
        self,
        hidden_dims: Any = 32,
        memory_dim: int = 128,
        *,
        attention_size: int = 64,
        update_size: int = 64,
        gate_size: int = 64,
        output_size: int = 64,
        dropout: Any = 0.2,
        gate_input: str = "memory",
        memory_feedback: bool = False,
        fusion: str = "product",
        fusion_norm: str | None = None,
        loss: str = "m3er",
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
        callbacks: list[Any] | None = None,
        warm_start: bool = False,
        precision: str = "auto",
        group_column: str | None = None,
        batch_size: int = 32,
        device: str = "auto",
        random_state: RandomState = None,
        verbose: int = 0,
    ):
        self.hidden_dims = hidden_dims
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
        self.callbacks = callbacks
        self.warm_start = warm_start
        self.precision = precision
        self.group_column = group_column
        self.batch_size = batch_size
        self.device = device
        self.random_state = random_state
        self.verbose = verbose
