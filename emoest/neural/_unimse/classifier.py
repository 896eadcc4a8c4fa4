"""UniMSEClassifier: emotions that a T5 writes, learned together with sentiment."""

import os
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassifierMixin
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from emoest.neural._unimse.base import UniversalEstimator
from emoest.utils._sklearn import StrOptions
from emoest.utils.seeds import RandomState


class UniMSEClassifier(ClassifierMixin, UniversalEstimator):
    """Classify emotions by the label that a T5 writes: polarity, score and emotion in one string.

    Audio and video are summarized by LSTMs and fused inside the last layers of the T5. Corpora of
    sentiment can be learned from as well (``fit(X, y, aux=(X_scored, scores))``): their samples
    lend their scores, and borrow emotions (`UniversalLabeler`).

    Parameters
    ----------
    model : str or path object, default="tiny"
        The T5: ``"tiny"`` (fresh, three layers of 64 units in each stack, with a tokenizer of the
        words of the training texts, works offline), the folder of a saved one, or its name on the
        Hugging Face hub (``"t5-base"`` in the paper).
    revision : str, default=None
        Branch, tag or commit on the hub.
    text, audio, video : str, default="text", "audio", "face"
        The modality of each part. Audio and video are columns of frames.
    dialogue_column : str, default=None
        Context column of dialogues; None takes ``dialogue`` if X has it. Without one, texts stand
        alone.
    polarity_column : str, default=None
        Column of X with ``"positive"``, ``"neutral"`` or ``"negative"`` for labels; read in
        ``fit`` only. None, or a missing cell, derives it from score or emotion.
    polarity_map : dict of str to str, default=None
        Polarity of emotions; see `UniversalLabeler`.
    labeler : UniversalLabeler, default=None
        What completes labels; cloned, and fitted on the samples that are trained on. None makes
        one with `polarity_map`. In a ``FrozenEstimator`` it stays as it is: fitted on samples of
        all splits it repeats the published look-up, which copies test labels into training.
    label_fields : {3, 4}, default=3
        ``polarity,score,emotion`` as in the paper, or ``polarity,score,emotion,emotion`` as in its
        code, with the emotions of two corpora side by side.
    use_universal_labels : bool, default=True
        Whether labels are completed; otherwise each sample's label is its own score or emotion.
    use_audio, use_video, use_pmf : bool, default=True
        Whether audio and video are read, and whether they are fused into the layers.
    n_pmf_layers : int, default=3
        Layers of each stack, the last ones, behind whose feed-forward part they are fused.
    bottleneck : int, default=64
        Units of the fusion.
    pmf_init : {"paper", "identity"}, default="paper"
        Random weights, after which the last layers at first do not carry what T5 knows; or ones
        that leave T5 as it is.
    pmf_stacks : {"both", "encoder", "decoder"}, default="both"
        Where they are fused.
    av_hidden : int, default=64
        Units of the LSTM that summarizes a signal.
    bidirectional : bool, default=False
        Whether it reads backwards as well.
    av_dropout : float, default=0.3
        Dropout on its last state.
    max_audio : int, default=157
        Frames of audio that are read, the first ones: 5 s of log-mel with steps of 32 ms.
    max_video : int, default=16
        Frames of video that are read, at equal steps.
    context_mode : {"crop", "plain"}, default="crop"
        Whether the decoder sees only the encoder states of the utterance itself, or all.
    context_before, context_after : int, default=2
        Utterances of the dialogue that are read with each one.
    prefix : str, default="sst2 sentence: "
        Text in front of all.
    max_length : int, default=512
        Largest number of tokens; what is farthest from the utterance is left out.
    alpha, beta : float, default=0.5
        Weights of the contrastive terms of audio and of video; 0 leaves one out.
    contrast : {"cosine", "printed"}, default="cosine"
        InfoNCE of cosines, or the printed formula: dot products without temperature.
    contrast_temperature : float, default=0.1
        Divisor of the cosines.
    contrast_layers : int, default=3
        Layers of the encoder, the last ones, at which they are computed.
    pretrain : int, default=0
        Epochs of the contrastive terms alone, without labels, before training: an extension.
    finetune_layers : int or "all", default=2
        Layers of each stack of a pretrained T5 that are trained, the last ones; a tiny one is
        trained as a whole.
    lr_t5, lr_pmf : float or None, default=None
        Learning rates of the T5 and of the fusion; None is 0.002 for ``"tiny"``, 3e-4 and 1e-4 for
        others.
    proba : {"greedy", "marginal"}, default="greedy"
        Whether emotions are scored behind the most probable polarity and score, or summed over the
        most probable score of each polarity.
    decode : {"score", "generate"}, default="score"
        Whether ``predict`` takes the class with the best score, or the one that is generated, as
        the paper does; where that string cannot be read, the best score decides, with a warning
        that counts them.
    max_new_tokens : int, default=20
        Longest string that is generated.
    normalize
        See `SequenceClassifier`.
    lr : float or None, default=None
        Learning rate of all else; None is 0.002 for ``"tiny"``, 1e-4 for others.
    max_epochs : int, default=20
        Largest number of epochs.
    optimizer
        See `SequenceClassifier`.
    weight_decay : float, default=1e-4
        Weight decay.
    gradient_clip
        See `SequenceClassifier`.
    patience : int or None, default=None
        Epochs without a lower loss on the held-out samples before training stops.
    validation_fraction : float or None, default=0.1
        Fraction of each corpus held out; the epoch of the lowest loss of their labels is kept.
    class_weight, callbacks, warm_start, precision, compile, group_column
        See `SequenceClassifier`.
    batch_size, device, random_state, verbose
        See `SequenceClassifier`.

    Attributes
    ----------
    classes_, class_prior_, net_, history_, n_iter_
        See `SequenceClassifier`.
    modalities_ : list of str
        ``"text"`` and the signals that are read.
    n_dims_ : dict of str to int
        Their dimensions; a token has two, its number and whether it is of the utterance itself.
    scales_, column_means_, module_params_, device_, grouped_, seen_groups_
        See `SequenceClassifier`.
    n_features_in_, feature_names_in_
        See `SequenceClassifier`.

    See Also
    --------
    UniMSERegressor : Sentiment by the same net.

    Notes
    -----
    A class is scored by the sum of the logarithms of the probabilities of its tokens and of the one
    behind them (the end of the label), not divided by their number: so classes of unequal numbers
    of tokens exclude each other, and their probabilities are comparable. All classes of a batch
    are scored in one pass.

    Rows of a dialogue are read with their neighbors, also with the following ones, so that
    cross-validation has to keep dialogues together (``groups=X["dialogue"]``), and the rows of a
    dialogue belong together in prediction too.

    A reconstruction of UniMSE (Hu et al. 2022): the equations of the fusion, the format of labels
    and the learning rates are those of its code; sizes of LSTMs and weights of the contrastive
    terms, and their formula, are as we recall the paper. Ours are: lenders from training rows only,
    trainable projections of the contrastive terms at all fused layers of the encoder, labels
    tokenized field by field, early stopping, gradient clipping, z-scores of frames. The paper's
    batches have 96 samples (recalled), those of its code 32.

    References
    ----------
    G. Hu, T.-E. Lin, Y. Zhao, G. Lu, Y. Wu, Y. Li (2022). UniMSE: towards unified multimodal
    sentiment analysis and emotion recognition. EMNLP.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"text": ["what a lovely day", "how dreadful"] * 8})
    >>> model = UniMSEClassifier(
    ...     max_epochs=12, batch_size=8, validation_fraction=None, random_state=0
    ... ).fit(X, ["joy", "fear"] * 8)
    >>> model.predict(X[:2]).tolist()
    ['joy', 'fear']
    >>> model.predict_universal(X[:1])[["polarity", "emotion"]].values.tolist()
    [['positive', 'joy']]
    """

    _emotional: ClassVar[bool] = True

    _parameter_constraints: dict = {
        **UniversalEstimator._parameter_constraints,
        "proba": [StrOptions({"greedy", "marginal"})],
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    def __init__(  # noqa: PLR0915  # one line a parameter
        self,
        model: str | os.PathLike[str] = "tiny",
        *,
        revision: str | None = None,
        text: str = "text",
        audio: str = "audio",
        video: str = "face",
        dialogue_column: str | None = None,
        polarity_column: str | None = None,
        polarity_map: dict[str, str] | None = None,
        labeler: Any = None,
        label_fields: int = 3,
        use_universal_labels: bool = True,
        use_audio: bool = True,
        use_video: bool = True,
        use_pmf: bool = True,
        n_pmf_layers: int = 3,
        bottleneck: int = 64,
        pmf_init: str = "paper",
        pmf_stacks: str = "both",
        av_hidden: int = 64,
        bidirectional: bool = False,
        av_dropout: float = 0.3,
        max_audio: int = 157,
        max_video: int = 16,
        context_mode: str = "crop",
        context_before: int = 2,
        context_after: int = 2,
        prefix: str = "sst2 sentence: ",
        max_length: int = 512,
        alpha: float = 0.5,
        beta: float = 0.5,
        contrast: str = "cosine",
        contrast_temperature: float = 0.1,
        contrast_layers: int = 3,
        pretrain: int = 0,
        finetune_layers: int | str = 2,
        lr_t5: float | None = None,
        lr_pmf: float | None = None,
        proba: str = "greedy",
        decode: str = "score",
        max_new_tokens: int = 20,
        normalize: str | None = "zscore",
        lr: float | None = None,
        max_epochs: int = 20,
        optimizer: Any = "adam",
        weight_decay: float = 1e-4,
        gradient_clip: float | None = 1.0,
        patience: int | None = None,
        validation_fraction: float | None = 0.1,
        class_weight: Any = None,
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
        self.model = model
        self.revision = revision
        self.text = text
        self.audio = audio
        self.video = video
        self.dialogue_column = dialogue_column
        self.polarity_column = polarity_column
        self.polarity_map = polarity_map
        self.labeler = labeler
        self.label_fields = label_fields
        self.use_universal_labels = use_universal_labels
        self.use_audio = use_audio
        self.use_video = use_video
        self.use_pmf = use_pmf
        self.n_pmf_layers = n_pmf_layers
        self.bottleneck = bottleneck
        self.pmf_init = pmf_init
        self.pmf_stacks = pmf_stacks
        self.av_hidden = av_hidden
        self.bidirectional = bidirectional
        self.av_dropout = av_dropout
        self.max_audio = max_audio
        self.max_video = max_video
        self.context_mode = context_mode
        self.context_before = context_before
        self.context_after = context_after
        self.prefix = prefix
        self.max_length = max_length
        self.alpha = alpha
        self.beta = beta
        self.contrast = contrast
        self.contrast_temperature = contrast_temperature
        self.contrast_layers = contrast_layers
        self.pretrain = pretrain
        self.finetune_layers = finetune_layers
        self.lr_t5 = lr_t5
        self.lr_pmf = lr_pmf
        self.proba = proba
        self.decode = decode
        self.max_new_tokens = max_new_tokens
        self.normalize = normalize
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
        self.compile = compile
        self.group_column = group_column
        self.batch_size = batch_size
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def _learn_target(self, X: Any, y: Any, sample_weight: Any) -> tuple[Any, Any]:
        check_classification_targets(y)
        classes = np.unique(y)
        if len(classes) < 2:
            raise ValueError(
                f"{type(self).__name__} needs samples of at least two classes; y holds one class "
                f"only: {classes.tolist()[0]!r}."
            )
        if self._goes_on and classes.tolist() != self.classes_.tolist():
            raise ValueError(
                f"warm_start=True goes on from the last fit, whose classes were "
                f"{self.classes_.tolist()}; y holds {classes.tolist()}. Set warm_start=False."
            )
        self.classes_ = classes
        weight = self._weights_of_rows(X, sample_weight)
        if self.class_weight is not None:
            weight[: len(y)] *= compute_sample_weight(self.class_weight, y)
        # The labels are completed once it is known which rows lend.
        return np.zeros(len(X), dtype=np.int64), weight

    def _learn_prior(self, target: Any, weight: Any) -> None:
        super()._learn_prior(target, weight)
        self.class_prior_ = self._choice_prior

    def predict_proba(self, X: Any) -> npt.NDArray[np.float32]:
        """Predict the probability of each class.

        Parameters
        ----------
        X : DataFrame, Series or list of shape (n_samples,)
            As in ``fit``.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes), dtype float32
            In the order of ``classes_``; the training prior, with a warning, for a sample without
            any modality.
        """
        method = "greedy_scores" if self.proba == "greedy" else "marginal_scores"
        proba: npt.NDArray[np.float32] = self._choice_proba(X, method)
        return proba

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Predict the class of each sample.

        Parameters
        ----------
        X : DataFrame, Series or list of shape (n_samples,)
            As in ``fit``.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        if self.decode == "score":
            return self.classes_[self.predict_proba(X).argmax(axis=1)]
        _, said = self._generated(X)
        labels, parsed = self._filled([emotion for _, _, emotion in said], X)
        self._warn_of_strings(parsed)
        return labels

    def _filled(self, said: list[Any], X: Any) -> tuple[Any, Any]:
        place = {str(name): number for number, name in enumerate(self.classes_)}
        parsed = np.array([emotion in place for emotion in said])
        best = np.zeros(len(said), dtype=np.intp)
        best[parsed] = [place[emotion] for emotion in said if emotion in place]
        if not parsed.all():
            best[~parsed] = self.predict_proba(X).argmax(axis=1)[~parsed]
        return self.classes_[best], parsed
