"""Emotions of clips by MEmoBERT: a prompt or a head, from pre-trained weights or from none."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
import torch
from sklearn.base import clone
from skorch.callbacks import LRScheduler
from torch.optim.lr_scheduler import LambdaLR

from emoest.nets.cross_modal.clips import PROBS, ClipDataset
from emoest.nets.cross_modal.net import SCOPES, ClassificationNet, PromptNet, WordLoss
from emoest.nets.cross_modal.weights import MEmoBERTWeights
from emoest.neural._memobert.base import CrossModal
from emoest.neural._memobert.beginnings import check_before_pretraining, check_beginning
from emoest.neural._memobert.pretrainer import MEmoBERTPretrainer
from emoest.neural._memobert.reading import find_roles
from emoest.neural._memobert.sources import find_model
from emoest.neural._memobert.steps import LinearWarmup, StepNet, hold_out_groups
from emoest.neural._memobert.tasks import EMOTION_WORDS
from emoest.neural._training.classifier import DeepClassifier
from emoest.neural._training.skorch_net import FrameNet
from emoest.tables.targets import read_target
from emoest.utils import constraints
from emoest.utils._sklearn import Interval, StrOptions, fit_context
from emoest.utils.messages import listed
from emoest.utils.seeds import RandomState, spawn_seeds
from emoest.utils.warn import warn_user

SETTINGS = ("prompt", "finetune", "bert_direct", "direct")


class MEmoBERTClassifier(CrossModal, DeepClassifier):
    """Classify clips of text, face and audio with one Transformer (MEmoBERT).

    Four settings: ``"prompt"`` appends "I am [MASK]." to the text and lets the word head of the
    pre-training choose among label words, without any new parameter; ``"finetune"`` puts a new
    head on the pre-trained net; ``"bert_direct"`` begins with a BERT for the text alone, and
    ``"direct"`` with nothing.

    Parameters
    ----------
    setting : {"prompt", "finetune", "bert_direct", "direct"}, default="prompt"
        What classifies, and what training begins with.
    model : MEmoBERTWeights, str or path object, default=None
        Weights of `MEmoBERTPretrainer` or their file (``.safetensors``), or the name or folder of a
        BERT. They decide about the sizes of the net and the tokenizer.
    pretrainer : MEmoBERTPretrainer, default=None
        Instead of `model`: a clone is fitted on the training rows first, so that cross-validation
        pre-trains on the rows of each fold only. A learned tokenizer keeps the label words whole.
    template : str, default="{text} I am [MASK] ."
        The prompt. A text that ends in none of ``. ? !`` gets a full stop before it.
    verbalizer : dict, default=None
        Word of each class, one piece of the tokenizer; classes that are not in it, and all with
        None, are their own word.
    verbalizer_scope : {"labels", "vocab"}, default="labels"
        Whether the prompt is trained among the label words, or among all pieces as in the authors'
        code.
        Predictions are label words in either case: the authors' first evaluation counted any other
        word as a class of its own, which lowered UAR.
    prompt_modality_augment : bool, default=False
        Whether training sees each clip in one of seven conditions, with or without each modality,
        as in the runs that the authors' log reports; the formula of the paper has none.
    tokenizer, vocab_size, hidden_size, n_layers, n_heads, intermediate_size, dropout
        See `MEmoBERTPretrainer`.
    max_text : int, default=120
        Pieces of a text; a row with more is left out of training, and cut in prediction.
    max_face, max_audio, no_face, modalities, normalize
        See `MEmoBERTPretrainer`.
    lr : float, default=5e-4
        Largest learning rate; it rises linearly, then falls to 0. The authors' is 3e-5 or 5e-5.
    max_steps : int, default=300
        Steps of the optimizer; 1,000 to 5,000 in the authors' code.
    warmup_steps : int, default=20
        Steps in which the learning rate rises; 100 in the authors' prompts, else 0.
    eval_every : int, default=20
        Steps between two evaluations on held-out clips; 100 in the authors' code.
    optimizer : {"adam", "adamw", "sgd"} or class, default="adamw"
        The optimizer.
    weight_decay : float, default=0.01
        Weight decay; biases and normalizations have none.
    gradient_clip : float or None, default=5.0
        Largest norm of the gradient.
    patience : int or None, default=5
        Evaluations without a gain in UAR before training stops.
    validation_fraction
        See `SequenceClassifier`.
    validation_groups : list, default=None
        Groups that are held out for early stopping, instead of a fraction: the other speaker of
        the test speaker's session in the authors' code.
    class_weight, callbacks, precision, compile, group_column
        See `SequenceClassifier`.
    batch_size, device, random_state, verbose
        See `SequenceClassifier`.

    Attributes
    ----------
    verbalizer_ : dict
        Label word of each class; empty without a prompt.
    history_ : list of dict
        Losses, validation UAR and seconds between evaluations.
    n_iter_ : int
        Evaluations, or as many steps as lie between two.
    n_dims_ : dict of str to int
        See `MEmoBERTPretrainer`.
    classes_, class_prior_, net_, modalities_, scales_, column_means_
        See `SequenceClassifier`.
    module_params_, device_, grouped_, seen_groups_, n_features_in_, feature_names_in_
        See `SequenceClassifier`.

    See Also
    --------
    MEmoBERTPretrainer : Makes the weights.
    emoest.systems.make_memobert2022 : The whole system.

    Notes
    -----
    Early stopping looks at held-out training rows, never at test rows; the authors' scripts chose
    the best of all evaluations on the test set in some runs.

    References
    ----------
    J. Zhao, R. Li, Q. Jin, X. Wang and H. Li, "MEmoBERT: pre-training model with prompt-based
    learning for multimodal emotion recognition", ICASSP 2022, arXiv 2111.00865.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"text": ["so good", "leave me alone", "I love it", "go away"] * 4})
    >>> y = ["happy", "anger"] * 8
    >>> model = MEmoBERTClassifier(
    ...     "direct", hidden_size=16, lr=0.01, max_steps=30, validation_fraction=None,
    ...     random_state=0,
    ... ).fit(X, y)
    >>> model.predict(X.iloc[:2]).tolist()
    ['happy', 'anger']
    """

    _outputs_prefix: ClassVar[str] = "memobert"
    _own_values = (*CrossModal._own_values, "_words")
    _words: list[str]

    _parameter_constraints: dict = {
        **{
            name: rule
            for name, rule in DeepClassifier._parameter_constraints.items()
            if name not in {"impute", "label_smoothing", "max_epochs", "warm_start"}
        },
        **CrossModal._parameter_constraints,
        "setting": [StrOptions(set(SETTINGS))],
        "pretrainer": [MEmoBERTPretrainer, None],
        "template": [str],
        "verbalizer": [dict, None],
        "verbalizer_scope": [StrOptions(set(SCOPES))],
        "prompt_modality_augment": ["boolean"],
        "validation_groups": ["array-like", None],
        "eval_every": [constraints.POSITIVE_INT],
        "warmup_steps": [Interval(Integral, 0, None, closed="left")],
    }

    def __init__(
        self,
        setting: str = "prompt",
        *,
        model: Any = None,
        pretrainer: MEmoBERTPretrainer | None = None,
        template: str = "{text} I am [MASK] .",
        verbalizer: Mapping[Any, str] | None = None,
        verbalizer_scope: str = "labels",
        prompt_modality_augment: bool = False,
        tokenizer: Any = None,
        vocab_size: int = 5000,
        hidden_size: int = 64,
        n_layers: int = 2,
        n_heads: int = 4,
        intermediate_size: int = 128,
        dropout: float = 0.1,
        max_text: int = 120,
        max_face: int = 36,
        max_audio: int = 64,
        no_face: int | None = None,
        modalities: Any = "auto",
        normalize: str | None = "zscore",
        lr: float = 5e-4,
        max_steps: int = 300,
        warmup_steps: int = 20,
        eval_every: int = 20,
        optimizer: Any = "adamw",
        weight_decay: float = 0.01,
        gradient_clip: float | None = 5.0,
        patience: int | None = 5,
        validation_fraction: float | None = 0.1,
        validation_groups: Sequence[Any] | None = None,
        class_weight: Any = None,
        callbacks: list[Any] | None = None,
        precision: str = "auto",
        compile: bool | dict[str, Any] = False,
        group_column: str | None = None,
        batch_size: int = 32,
        device: str = "auto",
        random_state: RandomState = None,
        verbose: int = 0,
    ):
        self.setting = setting
        self.model = model
        self.pretrainer = pretrainer
        self.template = template
        self.verbalizer = verbalizer
        self.verbalizer_scope = verbalizer_scope
        self.prompt_modality_augment = prompt_modality_augment
        self.tokenizer = tokenizer
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
        self.modalities = modalities
        self.normalize = normalize
        self.lr = lr
        self.max_steps = max_steps
        self.warmup_steps = warmup_steps
        self.eval_every = eval_every
        self.optimizer = optimizer
        self.weight_decay = weight_decay
        self.gradient_clip = gradient_clip
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.validation_groups = validation_groups
        self.class_weight = class_weight
        self.callbacks = callbacks
        self.precision = precision
        self.compile = compile
        self.group_column = group_column
        self.batch_size = batch_size
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Self:
        """Train on labeled clips, after pre-training on them if there is a `pretrainer`.

        Parameters
        ----------
        X : DataFrame of shape (n_samples, n_columns)
            ``text``, ``face__frames`` and ``audio__frames``, as far as there are any, see
            `MEmoBERTPretrainer.fit`; ``face_probs`` is for a pre-training only.
        y : array-like of shape (n_samples,)
            The classes.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sample in the loss, and in the means and deviations that scale frames.
        groups : array-like of shape (n_samples,), default=None
            Group of each sample, kept together when samples are held out. None looks for
            `group_column`, then for the index level ``group``.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError
            If a label word is no single piece or that of another class, the template has no mask,
            weights and setting do not fit together, a cell cannot be used, or training diverges at
            once.

        Warns
        -----
        UserWarning
            If samples are left out, nothing is pre-trained, or early stopping is off.
        NotSpeakerIndependentWarning
            If samples are held out and there are no groups.
        """
        vars(self).pop("net_", None)
        target = read_target(self, X, y, numeric=False)
        self._label_words = self._choose_words(np.unique(target))
        self._source = self._begin(X, y, sample_weight, groups)
        try:
            return super().fit(X, y, sample_weight, groups)
        finally:
            del self._source, self._label_words

    @property
    def verbalizer_(self) -> dict[Any, str]:
        """Label word of each class."""
        # Empty without a prompt.
        return dict(zip(self.classes_.tolist(), self._words, strict=False))

    @property
    def max_epochs(self) -> int:
        """Evaluations in the budget of steps, for the shared training."""
        return -(-self.max_steps // self.eval_every)

    @property
    def _module_class(self) -> Any:  # type: ignore[override]
        return PromptNet if "label_ids" in self.module_params_ else ClassificationNet

    def _choose_words(self, classes: Any) -> list[str]:
        """Label word of each class."""
        if self.setting != "prompt":
            return []
        given = dict(self.verbalizer or {})
        if unknown := [label for label in given if label not in classes.tolist()]:
            raise ValueError(
                f"verbalizer has words for {listed(unknown, quoted=True)}, which y does not hold; "
                f"its classes are {listed(classes, quoted=True)}."
            )
        return [str(given.get(label, label)) for label in classes.tolist()]

    def _begin(self, X: Any, y: Any, sample_weight: Any, groups: Any) -> MEmoBERTWeights | None:
        """Weights that training begins with."""
        setting = self.setting
        check_beginning(setting, self.model, self.pretrainer)
        if self.pretrainer is not None:
            check_before_pretraining(self, X, y, sample_weight, groups)
            return self._pretrain(X, groups)
        if self.model is None and setting != "direct":
            warn_user(
                f"setting={setting!r} without model= and pretrainer= begins with random weights; "
                "nothing is pre-trained."
            )
        return find_model(self.model, self.tokenizer)

    def _pretrain(self, X: Any, groups: Any) -> MEmoBERTWeights:
        pretrainer = clone(self.pretrainer)
        changes: dict[str, Any] = {"modalities": self.modalities}
        # Without any seed a checkpoint decides about it.
        if pretrainer.random_state is None and self.random_state is not None:
            changes["random_state"] = spawn_seeds(self.random_state, 3)[2]
        if pretrainer.words is None:
            changes["words"] = [*self._label_words, *EMOTION_WORDS]
        if pretrainer.group_column is None:
            changes["group_column"] = self.group_column
        return pretrainer.set_params(**changes).fit(X, groups=groups).export()  # type: ignore[no-any-return]

    def _words_kept(self) -> list[str]:
        return self._label_words

    def _template(self) -> str:
        return self.template if self.setting == "prompt" else "{text}"

    def _begin_text(self, texts: list[str | None]) -> None:
        super()._begin_text(texts)
        self._words = list(self._label_words)

    def _hold_out(self, kept: Any, target: Any, groups: Any, seed: int) -> tuple[Any, Any]:
        if self.validation_groups is None:
            return super()._hold_out(kept, target, groups, seed)
        self.grouped_ = True
        return hold_out_groups(kept, target, groups, names=list(self.validation_groups))

    def _roles(self, X: Any) -> dict[str, Any]:
        found = find_roles(X, self.modalities)
        return {name: at for name, at in found.items() if name != PROBS}

    def _describe_module(self, dims: dict[str, int], n_outputs: int) -> dict[str, Any]:
        sizes = self._sizes(dims)
        if self.setting != "prompt":
            return {**sizes, "n_outputs": n_outputs}
        pieces = self._pieces
        return {
            **sizes,
            "label_ids": pieces.label_ids(self.verbalizer_),
            "mask_id": pieces.id_of("mask"),
            "scope": self.verbalizer_scope,
        }

    def _augmented(self, data: Any) -> ClipDataset:
        return replace(data, augment=self.prompt_modality_augment and self.setting == "prompt")

    def _criterion(self) -> torch.nn.Module:
        vocab = self.module_params_.get("scope") == "vocab"
        return WordLoss() if vocab else super()._criterion()

    def _own_net(self) -> tuple[type[FrameNet], dict[str, Any]]:
        settings = {"eval_every": self.eval_every, "max_steps": self.max_steps}
        if self.optimizer in ("adam", "adamw"):
            settings |= {"optimizer__betas": (0.9, 0.98), "optimizer__eps": 1e-6}
        return StepNet, settings

    def _schedule(self) -> list[Any]:
        factor = LinearWarmup(self.warmup_steps, self.max_steps)
        return [("schedule", LRScheduler(LambdaLR, lr_lambda=factor, step_every="batch"))]

    def _parameter_groups(self) -> list[tuple[str, dict[str, Any]]]:
        free = {"weight_decay": 0.0}
        return [("*.bias", free), ("*norm*", free)]
