"""UniMSERegressor: scores of sentiment that a T5 writes, learned together with emotions."""

import os
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_is_fitted

from emoest.neural._unimse.base import UniversalEstimator
from emoest.utils.seeds import RandomState


class UniMSERegressor(RegressorMixin, UniversalEstimator):
    """Regress on sentiment by the label that a T5 writes: polarity, score and emotion.

    The target is between -3 and 3. All but the prediction is as in `UniMSEClassifier`; corpora of
    emotions are learned from as well with ``fit(X, y, aux=(X_felt, emotions))``.

    Parameters
    ----------
    model, revision, text, audio, video, dialogue_column, polarity_column, polarity_map
        See `UniMSEClassifier`.
    labeler, label_fields, use_universal_labels, use_audio, use_video, use_pmf
        See `UniMSEClassifier`.
    n_pmf_layers, bottleneck, pmf_init, pmf_stacks, av_hidden, bidirectional, av_dropout
        See `UniMSEClassifier`.
    max_audio, max_video, context_mode, context_before, context_after, prefix, max_length
        See `UniMSEClassifier`.
    alpha, beta, contrast, contrast_temperature, contrast_layers, pretrain, finetune_layers
        See `UniMSEClassifier`.
    lr_t5, lr_pmf
        See `UniMSEClassifier`.
    decode : {"score", "generate"}, default="score"
        Whether ``predict`` gives the mean of all scores that training labels have, weighted by
        their probabilities, or the one that is generated, as the paper does; where that string
        cannot be read, the mean is taken, with a warning that counts them.
    max_new_tokens, normalize, lr, max_epochs, optimizer, weight_decay, gradient_clip, patience
        See `UniMSEClassifier`.
    validation_fraction, callbacks, warm_start, precision, compile, group_column
        See `UniMSEClassifier`.
    batch_size, device, random_state, verbose
        See `SequenceClassifier`.

    Attributes
    ----------
    target_scale_ : ndarray of shape (2,)
        0 and 1, since scores are not scaled.
    net_, history_, n_iter_, modalities_, n_dims_, scales_, column_means_, module_params_
        See `UniMSEClassifier`.
    device_, grouped_, seen_groups_, n_features_in_, feature_names_in_
        See `UniMSEClassifier`.

    See Also
    --------
    emoest.evaluation.sentiment_scores : The scores by which sentiment is reported.

    Notes
    -----
    Every pair of polarity and score that training labels have is scored in one pass, up to the
    comma behind it, by the sum of the logarithms of the probabilities of its tokens; whatever
    emotion may follow is so summed over.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"text": ["what a lovely day", "how dreadful"] * 8})
    >>> model = UniMSERegressor(
    ...     max_epochs=12, batch_size=8, validation_fraction=None, random_state=0
    ... ).fit(X, [2.0, -1.0] * 8)
    >>> good, bad = model.predict(X[:2])
    >>> bool(good > bad)
    True
    """

    _emotional: ClassVar[bool] = False

    _parameter_constraints: dict = {**UniversalEstimator._parameter_constraints}

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
        self.target_scale_ = np.array([0.0, 1.0])
        # The labels are completed once it is known which rows lend.
        return np.zeros(len(X), dtype=np.int64), self._weights_of_rows(X, sample_weight)

    def predict(self, X: Any) -> npt.NDArray[np.float32]:
        """Predict the score of each sample.

        Parameters
        ----------
        X : DataFrame, Series or list of shape (n_samples,)
            As in ``fit``.

        Returns
        -------
        scores : ndarray of shape (n_samples,), dtype float32
            Between -3 and 3; the training mean, with a warning, for a sample without any modality.
        """
        check_is_fitted(self)
        if self.decode == "score":
            return self._mean_scores(X)
        _, said = self._generated(X)
        scores, parsed = self._filled([score for _, score, _ in said], X)
        self._warn_of_strings(parsed)
        return scores

    def _mean_scores(self, X: Any) -> npt.NDArray[np.float32]:
        scores = np.asarray(self._choice_scores, dtype=np.float32)
        mean: npt.NDArray[np.float32] = self._choice_proba(X, "greedy_scores") @ scores
        return mean

    def _filled(self, said: list[Any], X: Any) -> tuple[Any, Any]:
        scores = np.array(said, dtype=np.float32)
        parsed = ~np.isnan(scores)
        if not parsed.all():
            scores[~parsed] = self._mean_scores(X)[~parsed]
        return scores, parsed
