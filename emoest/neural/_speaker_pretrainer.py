"""Learning speakers, so that a backbone knows voices before it learns emotions."""

import warnings
from typing import Any, ClassVar

import pandas as pd
import torch
from sklearn.utils.validation import check_is_fitted

from emoest.nets.batches import FrameDataset
from emoest.nets.speaker import AngularMarginLoss, SpeakerNet
from emoest.nets.speech_resnet import LAYOUTS
from emoest.nets.weight_files.trunk_weights import TrunkWeights
from emoest.neural._training.classifier import DeepClassifier
from emoest.neural._training.last_weights import RefreshStatistics
from emoest.tables.groups import NotSpeakerIndependentWarning
from emoest.utils import constraints
from emoest.utils._sklearn import StrOptions
from emoest.utils.seeds import RandomState


class SpeakerPretrainer(DeepClassifier):
    """Train a speech ResNet to tell speakers apart, and keep its backbone.

    ``fit(X, speakers)`` learns who speaks; `weights_` is the backbone as a plain object that
    carries the speakers it has seen, for ``SpeechResNetClassifier(model=...)``. As a classifier it
    predicts speakers, as a transformer it gives speaker embeddings.

    Parameters
    ----------
    layout : {"speaker", "imagenet"}, default="speaker"
        Layout of the backbone, see `emoest.nets.speech_resnet.ResNetTrunk`.
    channels : int or None, default=None
        Channels of its first stage; None takes 32 (``"speaker"``) or 64 (``"imagenet"``).
    n_embedding : int, default=256
        Size of the speaker embedding.
    loss : {"aam", "softmax"}, default="aam"
        Softmax with an additive angular margin over cosines, or plain softmax.
    scale : float, default=32.0
        What the cosines are multiplied by (``"aam"``).
    margin : float, default=0.2
        Angle by which the true speaker is handicapped, in radians (``"aam"``).
    crop : int or None, default=200
        Longest run of frames that training takes of a sample, at a random place that changes with
        each epoch; None takes whole samples. 200 frames are 2 s.
    batch_statistics : {"fresh", "running"}, default="fresh"
        See `SpeechResNetClassifier`; whoever freezes the backbone freezes its statistics.
    modalities : "auto" or list of str, default="auto"
        Which modality, when X holds several.
    normalize : {"zscore", None}, default=None
        Whether each band is scaled by its mean and deviation over the training frames. The scale
        does not travel with `weights_`: take the same setting where they are used.
    impute, lr
        See `SequenceClassifier`.
    max_epochs : int, default=20
        Largest number of epochs.
    optimizer
        See `SequenceClassifier`.
    weight_decay : float, default=1e-4
        Weight decay.
    gradient_clip
        See `SequenceClassifier`.
    patience : int or None, default=None
        Epochs without a gain on held-out samples before training stops.
    validation_fraction : float or None, default=None
        Fraction of the training samples held out for early stopping, of the same speakers. Groups
        that are the speakers themselves are not kept apart then; others, such as recordings, are.
    class_weight : dict, "balanced" or None, default=None
        Weights of the speakers in the loss.
    label_smoothing : float, default=0.0
        See `SequenceClassifier`; for ``loss="softmax"`` only.
    callbacks, warm_start, precision, compile, group_column
        See `SequenceClassifier`.
    batch_size, device
        See `SequenceClassifier`.
    random_state : int, RandomState instance or None, default=None
        Initial weights, order of samples and crops.
    verbose
        See `SequenceClassifier`.

    Attributes
    ----------
    weights_ : TrunkWeights
        The trained backbone.
    classes_ : ndarray of shape (n_speakers,)
        The speakers.
    class_prior_ : ndarray of shape (n_speakers,)
        Frequencies of the speakers, by `sample_weight` and `class_weight`: the prediction for a
        sample without frames.
    seen_groups_ : list
        The speakers, as `emoest.evaluation.evaluate` looks for them: it raises when a model holds
        this estimator in a ``FrozenEstimator`` and one of them is in a test fold.
    grouped_ : bool or None
        Whether held-out samples came from other groups (recordings); None when none were held out.
    net_, history_, n_iter_, modalities_, n_dims_, scales_, column_means_, module_params_
        See `SequenceClassifier`.
    device_, n_features_in_, feature_names_in_
        See `SequenceClassifier`.

    See Also
    --------
    SpeechResNetClassifier : Learns emotions with such a backbone.
    load_speaker_weights : A backbone that others trained on thousands of speakers.

    Notes
    -----
    Loss, scale, margin and crops are those of the public recipe for VoxCeleb (WeSpeaker), which
    further ramps the margin, changes speed, adds noise and echoes, and trains for 150 epochs with
    SGD. The other defaults here are for corpora of minutes, not for VoxCeleb. How Padi et al. 2021
    trained is not known.

    Examples
    --------
    >>> import numpy as np
    >>> from emoest.tables.cells import object_column
    >>> noise = np.random.default_rng(0)
    >>> cells = [noise.normal(n % 2, size=(12, 8)).astype("float32") for n in range(16)]
    >>> X = object_column(cells, range(16), "audio__frames").to_frame()
    >>> pretrainer = SpeakerPretrainer(channels=2, max_epochs=2, lr=0.01, random_state=0)
    >>> pretrainer.fit(X, ["ann", "bob"] * 8).weights_
    TrunkWeights(layout='speaker', channels=2, n_mels=8, speakers: 2, source='SpeakerPretrainer')
    """

    _module_class = SpeakerNet
    _outputs_prefix: ClassVar[str] = "speaker"
    _shares_groups = True

    _parameter_constraints: dict = {
        "layout": [StrOptions(set(LAYOUTS))],
        "channels": [constraints.POSITIVE_INT, None],
        "n_embedding": [constraints.POSITIVE_INT],
        "loss": [StrOptions({"aam", "softmax"})],
        "scale": [constraints.POSITIVE_REAL],
        "margin": [constraints.NON_NEGATIVE_REAL],
        "crop": [constraints.POSITIVE_INT, None],
        "batch_statistics": [StrOptions({"fresh", "running"})],
        **DeepClassifier._parameter_constraints,
    }

    def __init__(
        self,
        layout: str = "speaker",
        *,
        channels: int | None = None,
        n_embedding: int = 256,
        loss: str = "aam",
        scale: float = 32.0,
        margin: float = 0.2,
        crop: int | None = 200,
        batch_statistics: str = "fresh",
        modalities: Any = "auto",
        normalize: str | None = None,
        impute: str = "mean",
        lr: float = 1e-3,
        max_epochs: int = 20,
        optimizer: Any = "adam",
        weight_decay: float = 1e-4,
        gradient_clip: float | None = 1.0,
        patience: int | None = None,
        validation_fraction: float | None = None,
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
        self.layout = layout
        self.channels = channels
        self.n_embedding = n_embedding
        self.loss = loss
        self.scale = scale
        self.margin = margin
        self.crop = crop
        self.batch_statistics = batch_statistics
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

    @property
    def weights_(self) -> TrunkWeights:
        """The trained backbone and the speakers it has seen."""
        check_is_fitted(self)
        module = self.net_.module_
        return TrunkWeights.of(
            module.trunk,
            unbiased=module.pooling.unbiased,
            speakers=self.classes_,
            source=type(self).__name__,
        )

    @property
    def seen_groups_(self) -> list[Any]:
        """The speakers, on whom a frozen pretrainer cannot be tested; `evaluate` asks for them."""
        check_is_fitted(self)
        names: list[Any] = self.classes_.tolist()
        return names

    def _describe_module(self, dims: dict[str, int], n_outputs: int) -> dict[str, Any]:
        return {
            "n_mels": next(iter(dims.values())),
            "n_outputs": n_outputs,
            "layout": self.layout,
            "channels": self.channels,
            "n_embedding": self.n_embedding,
            "head": "cosine" if self.loss == "aam" else "linear",
        }

    def _hold_out(self, kept: Any, target: Any, groups: Any, seed: int) -> tuple[Any, Any]:
        """Hold out rows of speakers who are learned from as well."""
        # Groups that are the speakers cannot be kept apart: each speaker has to be learned.
        if groups is not None and not _several_groups(target[kept], groups[kept]):
            groups = None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotSpeakerIndependentWarning)
            return super()._hold_out(kept, target, groups, seed)

    def _last_weights(self) -> list[tuple[str, Any]]:
        fresh = self.batch_statistics == "fresh"
        return [("statistics", RefreshStatistics())] if fresh else []

    def _criterion(self) -> torch.nn.Module:
        if self.loss == "softmax":
            return super()._criterion()
        return AngularMarginLoss(self.scale, self.margin)

    def _dataset(self, table: Any, scales: dict[str, Any]) -> FrameDataset:
        data = super()._dataset(table, scales)
        data.crop = self.crop
        return data


def _several_groups(speakers: Any, groups: Any) -> bool:
    """Check whether any speaker has more than one group."""
    return bool((pd.Series(groups).groupby(speakers).nunique() > 1).any())
