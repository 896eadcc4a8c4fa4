"""Pre-training on unlabeled clips: words, faces, sounds and emotions of faces are guessed."""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from emoest.nets.cross_modal.clips import PROBS
from emoest.nets.cross_modal.net import PretrainingNet
from emoest.nets.cross_modal.weights import MEmoBERTWeights
from emoest.neural._memobert.base import CrossModal
from emoest.neural._memobert.checkpoints import checkpoint_path, seed_of_checkpoint
from emoest.neural._memobert.pretraining import Plan, State, mean_losses, predicting_net, pretrain
from emoest.neural._memobert.sources import find_model
from emoest.neural._memobert.tasks import EMOTION_WORDS, check_tasks, learnable_tasks
from emoest.neural._training.saving import make_module, plain
from emoest.neural._training.skorch_net import FrameNet
from emoest.utils import constraints
from emoest.utils._sklearn import HasMethods, Interval, fit_context
from emoest.utils.interrupts import is_one_of_many_fits
from emoest.utils.messages import listed
from emoest.utils.seeds import RandomState
from emoest.utils.warn import warn_user

_PROPORTION = Interval(Real, 0, 1, closed="both")


class MEmoBERTPretrainer(CrossModal):
    """Pre-train a Transformer over text, faces and audio on unlabeled clips (MEmoBERT).

    One sequence holds the pieces of a text, the frames of a face and those of a voice. In each
    step one task is drawn and its modality masked, while the others stay: whole words are guessed
    (``"wwmlm"``), frames of faces (``"mvfr"``) or of audio (``"mafr"``), or the emotions that a
    classifier of faces saw in a frame (``"mvfc_kl"``). `export` gives the weights, for
    ``MEmoBERTClassifier(model=...)``; `transform` gives the pooled vector of each clip.

    Parameters
    ----------
    model : str, path object or MEmoBERTWeights, default=None
        What training begins with: the name or folder of a BERT (safetensors), weights of another
        pre-training or their file. It decides about the sizes of the net and its tokenizer. None
        begins with random weights.
    tokenizer : str or path object, default=None
        Name or folder of a model whose fast tokenizer is taken. None takes that of `model`, or
        learns one from the texts.
    words : sequence of str, default=None
        Words that a learned tokenizer has as one piece, such as the label words of a prompt. None
        takes common names of emotions.
    vocab_size : int, default=5000
        Largest vocabulary of a learned tokenizer.
    hidden_size : int, default=64
        Width of the Transformer; 768 in the authors' code.
    n_layers, n_heads : int, default=2, 4
        Layers and attention heads; 12 of each in the authors' code.
    intermediate_size : int, default=128
        Inner width of a layer; 3072 in the authors' code.
    dropout : float, default=0.1
        Of attention, of each part of a layer, and of the embedders.
    max_text : int, default=30
        Pieces of a text; a row with more is left out of training, and cut in `transform`.
    max_face : int, default=36
        Frames of a face that are kept, from the first on.
    max_audio : int, default=64
        Frames of audio that are kept, from the first on.
    no_face : int, default=None
        What a clip without a face has: None nothing; a number one frame of zeros, with the
        probabilities of someone neutral, whose position in them the number is (0 in the authors'
        code).
    tasks : sequence of str, default=("wwmlm", "mvfr", "mvfc_kl", "mafr")
        The tasks. Those that no row has the modality for are left out with a warning.
    task_weights : sequence of float, default=(2, 1, 1, 1)
        How often each is drawn.
    word_mask : float, default=0.15
        Probability with which a word is masked.
    whole_words : bool, default=True
        Whether all pieces of a word are masked together.
    face_mask : float, default=0.2
        Proportion of the frames of a face in masked spans.
    audio_mask : float, default=0.15
        Proportion of the frames of audio in masked spans.
    span : int, default=3
        Frames of a span. 1 masks single frames, each with the probability of its proportion.
    modalities : "auto", list or dict, default="auto"
        Which of ``"text"``, ``"face"`` and ``"audio"`` are read; a dict names their columns, and
        those of ``"face_probs"``.
    normalize : {"zscore", None}, default="zscore"
        Whether each dimension of faces and audio is scaled by its mean and deviation over the
        training frames. The scale travels with the weights. The paper does not scale.
    lr : float, default=1e-3
        Largest learning rate of AdamW (betas 0.9 and 0.98); it rises linearly, then falls to 0.
        5e-5 in the authors' code.
    max_steps : int, default=400
        Steps of the optimizer; 40,000 in the authors' code.
    warmup_steps : int, default=40
        Steps in which the learning rate rises; 4,000 in the authors' code.
    accumulate : int, default=1
        Batches of one step; 4 in the authors' code.
    weight_decay : float, default=0.01
        Weight decay; biases and normalizations have none.
    gradient_clip : float or None, default=5.0
        Largest norm of the gradient.
    log_every : int, default=20
        Steps between entries of ``history_``.
    checkpoint : str or path object, default=None
        File that keeps the state of training. If it is there, ``fit`` goes on from it, to the same
        weights, bit by bit, as if it had not been interrupted, and with its seed unless
        `random_state` is a number. Another training raises, so each fold needs a file.
    checkpoint_every : int, default=1000
        Steps after which it is written, and at the end.
    precision, compile, group_column
        See `SequenceClassifier`.
    batch_size : int, default=32
        160 in the authors' code.
    device
        See `SequenceClassifier`.
    random_state : int, RandomState instance or None, default=None
        Initial weights, tasks, order of clips, masks and dropout.
    verbose : int, default=0
        1 shows a progress bar with the last loss of each task.

    Attributes
    ----------
    history_ : list of dict
        ``step``, ``seconds``, and the mean loss of each task since the entry before; NaN where a
        task was not drawn.
    n_iter_ : int
        Steps that were trained.
    tasks_ : dict of str to float
        Probability of each task.
    modalities_ : list of str
        The modalities that were read, ``"face_probs"`` among them.
    n_dims_ : dict of str to int
        Dimensions of their frames; of text two, the number of a piece and that of its word.
    grouped_, net_, scales_, column_means_, module_params_, device_, seen_groups_
        See `SequenceClassifier`; no samples are held out.
    n_features_in_, feature_names_in_
        See `SequenceClassifier`.

    See Also
    --------
    MEmoBERTClassifier : Classifies with such weights.

    Notes
    -----
    Reconstructed from the authors' code at the time of the paper, whose corpus (about 200,000 clips
    of movies) and weights were never published. What differs: at least one word is masked in each
    text, which their code means to do; the inner normalizations do not decay; a task is drawn on
    rows that have its modality. Defaults are for corpora of minutes on a CPU; the paper's are in
    `emoest.systems.make_memobert2022`.

    References
    ----------
    J. Zhao, R. Li, Q. Jin, X. Wang and H. Li, "MEmoBERT: pre-training model with prompt-based
    learning for multimodal emotion recognition", ICASSP 2022, arXiv 2111.00865.

    Examples
    --------
    >>> import pandas as pd
    >>> from emoest.tables.cells import object_column
    >>> draws = np.random.default_rng(0)
    >>> X = pd.DataFrame({"text": ["so good", "leave me alone"] * 4})
    >>> X["audio__frames"] = object_column([draws.normal(size=(9, 3)) for _ in range(8)], X.index)
    >>> pretrainer = MEmoBERTPretrainer(
    ...     hidden_size=8, tasks=["wwmlm", "mafr"], task_weights=[1, 1], max_steps=4, random_state=0
    ... )
    >>> pretrainer.fit(X).transform(X).shape
    (8, 8)
    >>> pretrainer.export()
    MEmoBERTWeights(hidden_size=8, n_layers=2, dims={'audio': 3}, speakers: 0, source=...)
    """

    _module_class = PretrainingNet
    _outputs_prefix: ClassVar[str] = "memobert"
    _n_outputs = 0
    _own_values = (*CrossModal._own_values, "tasks_")

    _parameter_constraints: dict = {
        **CrossModal._parameter_constraints,
        "words": ["array-like", None],
        "tasks": ["array-like"],
        "task_weights": ["array-like"],
        **{name: [_PROPORTION] for name in ("word_mask", "face_mask", "audio_mask")},
        "whole_words": ["boolean"],
        **{
            name: [constraints.POSITIVE_INT]
            for name in ("span", "accumulate", "log_every", "checkpoint_every")
        },
        "checkpoint": [str, HasMethods("__fspath__"), None],
    }
    _parameter_constraints.pop("callbacks")

    def __init__(
        self,
        model: Any = None,
        *,
        tokenizer: Any = None,
        words: Sequence[str] | None = None,
        vocab_size: int = 5000,
        hidden_size: int = 64,
        n_layers: int = 2,
        n_heads: int = 4,
        intermediate_size: int = 128,
        dropout: float = 0.1,
        max_text: int = 30,
        max_face: int = 36,
        max_audio: int = 64,
        no_face: int | None = None,
        tasks: Sequence[str] = ("wwmlm", "mvfr", "mvfc_kl", "mafr"),
        task_weights: Sequence[float] = (2, 1, 1, 1),
        word_mask: float = 0.15,
        whole_words: bool = True,
        face_mask: float = 0.2,
        audio_mask: float = 0.15,
        span: int = 3,
        modalities: Any = "auto",
        normalize: str | None = "zscore",
        lr: float = 1e-3,
        max_steps: int = 400,
        warmup_steps: int = 40,
        accumulate: int = 1,
        weight_decay: float = 0.01,
        gradient_clip: float | None = 5.0,
        log_every: int = 20,
        checkpoint: Any = None,
        checkpoint_every: int = 1000,
        precision: str = "auto",
        compile: bool | dict[str, Any] = False,
        group_column: str | None = None,
        batch_size: int = 32,
        device: str = "auto",
        random_state: RandomState = None,
        verbose: int = 0,
    ):
        self.model = model
        self.tokenizer = tokenizer
        self.words = words
        self.vocab_size = vocab_size
        self.hidden_size = hidden_size
        self.n_layers = n_layers
        self.n_heads = n_heads
        self.intermediate_size = intermediate_size
        self.dropout = dropout
        self.max_text = max_text
        self.max_face = max_face
        self.max_audio = max_audio
        self.no_face = no_face
        self.tasks = tasks
        self.task_weights = task_weights
        self.word_mask = word_mask
        self.whole_words = whole_words
        self.face_mask = face_mask
        self.audio_mask = audio_mask
        self.span = span
        self.modalities = modalities
        self.normalize = normalize
        self.lr = lr
        self.max_steps = max_steps
        self.warmup_steps = warmup_steps
        self.accumulate = accumulate
        self.weight_decay = weight_decay
        self.gradient_clip = gradient_clip
        self.log_every = log_every
        self.checkpoint = checkpoint
        self.checkpoint_every = checkpoint_every
        self.precision = precision
        self.compile = compile
        self.group_column = group_column
        self.batch_size = batch_size
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, groups: Any = None) -> Self:
        """Pre-train on clips; labels are not looked at.

        Parameters
        ----------
        X : DataFrame of shape (n_samples, n_columns)
            ``text`` (texts), ``face__frames``, ``audio__frames`` and ``face_probs`` (for each
            frame of a face the probabilities of its emotions), as far as there are any; a cell
            that is missing is a modality that the clip lacks.
        y : Ignored
            Not used.
        groups : array-like of shape (n_samples,), default=None
            Speakers, whom the weights remember as seen. None looks for `group_column`, then for
            the index level ``group``.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError
            If a task is unknown or none can be learned from X, there is one clip only, a cell
            cannot be used, a loss is not finite, or the checkpoint is one of another training.

        Warns
        -----
        UserWarning
            If clips are left out, or tasks that no clip has the modality for, or training was
            interrupted.
        """
        vars(self).pop("net_", None)
        check_tasks(self.tasks, self.task_weights)
        self._source = find_model(self.model, self.tokenizer)
        try:
            return super().fit(X, y, None, groups)
        finally:
            del self._source

    def score(self, X: Any, y: Any = None) -> float:
        """Compute minus the mean loss of the tasks, masked the same way each time.

        Parameters
        ----------
        X : DataFrame of shape (n_samples, n_columns)
            Clips.
        y : Ignored
            Not used.

        Returns
        -------
        score : float
            Higher is better. Losses of tasks that X lacks the modality for do not count.
        """
        check_is_fitted(self)
        data = self._dataset(self._read(X, reset=False), self.scales_)
        losses = mean_losses(self.net_.module_, data, self._plan(0, self.tasks_), self.device_)
        if not losses:
            raise ValueError(f"X has nothing that the tasks {listed(self.tasks_)} could mask.")
        return -float(np.mean(list(losses.values())))

    def export(self) -> MEmoBERTWeights:
        """Return the weights as a plain object, which ``clone`` leaves as it is.

        Returns
        -------
        weights : MEmoBERTWeights
            For ``MEmoBERTClassifier(model=weights)``; ``weights.save(path)`` writes a file.
        """
        check_is_fitted(self)
        return self._weights_object(type(self).__name__)

    def _words_kept(self) -> list[str]:
        return list(EMOTION_WORDS if self.words is None else self.words)

    def _learn_target(self, X: Any, y: Any, sample_weight: Any) -> tuple[Any, Any]:
        weight = self._weights_of_rows(X, None)
        return np.zeros(len(weight)), weight

    def _hold_out(self, kept: Any, target: Any, groups: Any, seed: int) -> tuple[Any, Any]:
        if len(kept) < 2:
            raise ValueError(
                f"{type(self).__name__} needs at least two clips; {len(kept)} (n_samples = "
                f"{len(target)}) is left to learn from."
            )
        self.grouped_ = None
        return kept, None

    def _describe_module(self, dims: dict[str, int], n_outputs: int) -> dict[str, Any]:
        return {**self._sizes(dims), "n_emotions": dims.get(PROBS)}

    def _plan(self, seed: int, tasks: dict[str, float]) -> Plan:
        return Plan.of(self, pieces=self._pieces, seed=seed, tasks=tasks)

    def _train(self, train: Any, valid: Any, groups: Any, seed: int) -> None:
        if not isinstance(self.random_state, Integral):
            # Drawn anew, the seed would be another than that of the training to go on with.
            seed = seed_of_checkpoint(checkpoint_path(self.checkpoint), seed)
            torch.manual_seed(seed)
        self.module_params_ = plain(self._describe_module(self._dims, 0))
        module = make_module(self._module_class, self.module_params_)
        self._prepare_module(module, train, groups)
        self.tasks_ = learnable_tasks(train, self.tasks, self.task_weights)
        plan, name, state = self._plan(seed, self.tasks_), type(self).__name__, State()
        about = {**self.module_params_, "tokenizer": self._text["pieces"]}
        shown = {"device": self.device_, "name": name, "verbose": self.verbose}
        try:
            pretrain(module, train, plan, state, about=about, **shown)
        except KeyboardInterrupt:
            if is_one_of_many_fits():
                raise
            kept = plan.checkpoint is not None and plan.checkpoint.exists()
            told = " fit again goes on from the checkpoint." if kept else ""
            warn_user(f"Training was interrupted; {name} keeps the weights of that moment.{told}")
        self.history_, self.n_iter_ = state.history, state.step
        self.net_ = self._make_net(module, None, seed)

    def _make_net(self, module: Any, valid: Any, seed: int) -> FrameNet:
        return predicting_net(module, self.device_, self.batch_size, seed)
