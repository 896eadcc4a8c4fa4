"""Emotions from log-mel frames by a ResNet34 that may have learned voices first."""

from dataclasses import replace
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from sklearn.base import clone

from emoest.nets.batches import FrameDataset
from emoest.nets.export import ExportableNet
from emoest.nets.layers.silence import SILENCE
from emoest.nets.layers.spec_augment import POLICIES
from emoest.nets.perturbation import SpeechPerturbation, find_perturbation
from emoest.nets.speech_resnet import N_STAGES, SpeechResNet
from emoest.nets.weight_files.trunk_weights import TrunkWeights
from emoest.neural._speaker_pretrainer import SpeakerPretrainer
from emoest.neural._speaker_trunks import find_trunk, is_trained, speakers_of_file
from emoest.neural._training.classifier import DeepClassifier
from emoest.neural._training.exporting import frames_net
from emoest.neural._training.last_weights import AverageLast, RefreshStatistics
from emoest.tables.cells import object_column
from emoest.tables.groups import require_groups
from emoest.utils import constraints
from emoest.utils._sklearn import HasMethods, Interval, StrOptions
from emoest.utils.seeds import RandomState


class SpeechResNetClassifier(DeepClassifier):
    """Classify speech by a ResNet34 over log-mel frames with statistics pooling.

    Reads frames of any length, as `emoest.features.LogMelSpectrogram` gives them; nothing is cut or
    stretched. The backbone can start from weights that tell speakers apart: a new head is then
    trained on the emotions, with the backbone frozen or slowly following. Masks on the spectra are
    drawn anew in each epoch of training.

    Parameters
    ----------
    model : {"speaker", "imagenet"}, str, path object or TrunkWeights, default="speaker"
        A fresh backbone of one of the two layouts (`emoest.nets.speech_resnet.ResNetTrunk`), or a
        trained one: `SpeakerPretrainer.weights_`, or whatever `load_speaker_weights` takes.
    channels : int or None, default=None
        Channels of the first stage; None takes those of the weights, or 32 (``"speaker"``) or 64
        (``"imagenet"``).
    pretrain : {"speakers", None} or SpeakerPretrainer, default=None
        ``"speakers"`` first trains the fresh backbone to tell the groups apart, inside ``fit`` and
        on its samples alone, those held out for early stopping excepted; so cross-validation cannot
        leak. A `SpeakerPretrainer` does the same with its own parameters; only layout, channels,
        `normalize` and `device` are those of this estimator. `sample_weight` plays no part in it.
        The keyboard ends it early, and the training of the emotions goes on; a second time ends
        that too.
    finetune : {"head", "all"} or int, default="head"
        What the emotions train of a trained backbone: nothing, everything, or its last 1 to 4
        stages. What is frozen keeps its batch statistics too. A fresh backbone is always trained as
        a whole.
    trunk_lr_factor : float, default=0.1
        Learning rate of a trained backbone as a fraction of `lr`.
    specaugment : {"LB", "LD", "SM", "SS", "mild"}, dict or None, default="SM"
        Masks of training, see `emoest.nets.layers.spec_augment.SpecAugment`; None draws none.
    fill : {"zero", "mean"}, default="zero"
        What stands under a mask: 0, the mean of mean-normalized spectra, or the spectrum's mean.
    perturb : dict, SpeechPerturbation or None, default=None
        Changes of speed, noise and gain, drawn anew each time training reads a sample, as
        `emoest.nets.perturbation.SpeechPerturbation` or a dict of its parameters. They are made on
        the log-mel frames, of which the waveform's change is a change of axes and sums.
    silence : {"keep", "trim", "gate"}, default="trim"
        Frames whose mean over the bands does not exceed that of their sample are quiet. ``"trim"``
        cuts the quiet ends of a sample, ``"gate"`` also leaves the quiet frames in between out of
        the pooling; in training and prediction alike. A sample that is equally loud throughout is
        kept whole.
    hidden_size : int, default=256
        Units of the head.
    dropout : float, default=0.3
        Fraction of these units that training drops.
    scale_statistics : bool, default=True
        Whether the pooled statistics are scaled to mean 0 and deviation 1, by batch normalization,
        before the head.
    batch_statistics : {"fresh", "running"}, default="fresh"
        What batch normalization predicts with: statistics of one pass over the training samples,
        taken before each validation and at the end, without masks and dropout; or the running
        averages that training leaves, which lag behind the weights.
    modalities : "auto" or list of str, default="auto"
        Which modality, when X holds several.
    normalize : {"zscore", None}, default=None
        Whether each band is scaled by its mean and deviation over the training frames. A trained
        backbone expects frames as it had them: leave it at None, and let ``LogMelSpectrogram`` take
        off each utterance's mean.
    impute, lr, max_epochs, optimizer
        See `SequenceClassifier`.
    weight_decay : float, default=1e-4
        Weight decay.
    gradient_clip
        See `SequenceClassifier`.
    patience : int or None, default=8
        Epochs without a gain on the held-out samples before training stops.
    validation_fraction : float or None, default=0.1
        See `SequenceClassifier`. A tenth of twelve speakers are one or two, who choose the epoch:
        take more, or None and `average_epochs`.
    average_epochs : int or None, default=None
        Instead of the weights of the best epoch, take the average of those after so many last
        epochs. Held-out samples then do no more than end the training.
    class_weight, label_smoothing, callbacks, warm_start, precision, compile, group_column
        See `SequenceClassifier`.
    batch_size, device
        See `SequenceClassifier`.
    random_state : int, RandomState instance or None, default=None
        Initial weights, order of samples, masks, dropout and held-out samples.
    verbose
        See `SequenceClassifier`.

    Attributes
    ----------
    seen_groups_ : list
        Groups of the samples seen in ``fit``, and the speakers that a backbone given as a file has
        seen, those before ``fit`` too: `emoest.evaluation.evaluate` raises when what it does not
        fit anew is tested on them.
    classes_, class_prior_, net_, history_, n_iter_, modalities_, n_dims_, scales_
        See `SequenceClassifier`.
    column_means_, module_params_, device_, grouped_, n_features_in_, feature_names_in_
        See `SequenceClassifier`.

    See Also
    --------
    SpeakerPretrainer : Makes backbones.
    load_speaker_weights : Reads backbones.
    emoest.systems.make_padi2021 : The system, from audio files on.

    Notes
    -----
    Padi et al. say: ResNet34, statistics pooling, trained on the speakers of VoxCeleb, new fully
    connected layers trained on emotions, random masks over time and frequency. Everything else
    here is reconstructed: layout and width, front end, the head (linear, batch normalization, ReLU,
    dropout, linear), the mask policy, optimizer and schedule. Statistics pooling is the mean and
    standard deviation over all frames; it is not stochastic pooling (docs/systems/padi2021.md).

    Rows of a batch may have any lengths: frames behind the end of a row are zeroed after every
    convolution and batch normalization skips them, so that padding and neighbors change nothing but
    the last bits. In training, batch normalization counts rows, not their weights.

    References
    ----------
    S. Padi, S. O. Sadjadi, R. D. Sriram and D. Manocha, "Improved speech emotion recognition using
    transfer learning and spectrogram augmentation", ICMI 2021.

    Examples
    --------
    >>> import numpy as np
    >>> noise = np.random.default_rng(0)
    >>> cells = [noise.normal(n % 2, size=(12, 8)).astype("float32") for n in range(16)]
    >>> X = object_column(cells, range(16), "audio__frames").to_frame()
    >>> model = SpeechResNetClassifier(
    ...     channels=2, hidden_size=8, lr=0.01, max_epochs=4, validation_fraction=None,
    ...     random_state=0,
    ... ).fit(X, ["calm", "angry"] * 8)
    >>> model.predict(X.iloc[:2]).tolist()
    ['calm', 'angry']
    >>> model.transform(X).shape
    (16, 8)
    """

    _module_class = SpeechResNet
    _outputs_prefix: ClassVar[str] = "resnet"

    _parameter_constraints: dict = {
        "model": [str, HasMethods("__fspath__"), TrunkWeights],
        "channels": [constraints.POSITIVE_INT, None],
        "pretrain": [StrOptions({"speakers"}), SpeakerPretrainer, None],
        "finetune": [
            StrOptions({"head", "all"}),
            Interval(Integral, 1, N_STAGES, closed="both"),
        ],
        "trunk_lr_factor": [constraints.POSITIVE_REAL],
        "specaugment": [StrOptions(set(POLICIES)), dict, None],
        "fill": [StrOptions({"zero", "mean"})],
        "perturb": [SpeechPerturbation, dict, None],
        "silence": [StrOptions(set(SILENCE))],
        "hidden_size": [constraints.POSITIVE_INT],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "scale_statistics": ["boolean"],
        "batch_statistics": [StrOptions({"fresh", "running"})],
        "average_epochs": [constraints.POSITIVE_INT, None],
        **DeepClassifier._parameter_constraints,
    }

    def __init__(
        self,
        model: Any = "speaker",
        *,
        channels: int | None = None,
        pretrain: Any = None,
        finetune: str | int = "head",
        trunk_lr_factor: float = 0.1,
        specaugment: Any = "SM",
        fill: str = "zero",
        perturb: Any = None,
        silence: str = "trim",
        hidden_size: int = 256,
        dropout: float = 0.3,
        scale_statistics: bool = True,
        batch_statistics: str = "fresh",
        modalities: Any = "auto",
        normalize: str | None = None,
        impute: str = "mean",
        lr: float = 1e-3,
        max_epochs: int = 50,
        optimizer: Any = "adam",
        weight_decay: float = 1e-4,
        gradient_clip: float | None = 1.0,
        patience: int | None = 8,
        validation_fraction: float | None = 0.1,
        average_epochs: int | None = None,
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
        self.model = model
        self.channels = channels
        self.pretrain = pretrain
        self.finetune = finetune
        self.trunk_lr_factor = trunk_lr_factor
        self.specaugment = specaugment
        self.fill = fill
        self.perturb = perturb
        self.silence = silence
        self.hidden_size = hidden_size
        self.dropout = dropout
        self.scale_statistics = scale_statistics
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
        self.average_epochs = average_epochs
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
    def seen_groups_(self) -> list[Any]:
        """Groups seen in `fit` and speakers of a backbone from a file; `evaluate` asks for them."""
        speakers = speakers_of_file(self.model) or []
        return list(dict.fromkeys([*getattr(self, "_seen_groups", []), *speakers]))

    def _no_passes(self) -> str | None:
        reason = "pretrain= learns the speakers of all rows; fit a SpeakerPretrainer before"
        return None if self.pretrain is None else reason

    def _exportable_net(self) -> ExportableNet:
        if self.silence != "keep":
            raise ValueError(
                f"SpeechResNetClassifier(silence={self.silence!r}) cuts frames where it finds "
                "silence, which a graph cannot do. Cut silence first, and fit it with "
                "silence='keep'."
            )
        return frames_net(self)

    def _describe_module(self, dims: dict[str, int], n_outputs: int) -> dict[str, Any]:
        layout, weights = find_trunk(self.model)
        if weights is not None and self.pretrain is not None:
            raise ValueError(
                f"model={self.model!r} is trained already, so pretrain={self.pretrain!r} has no "
                "backbone to train. Pass one of the two."
            )
        trained = weights is not None or self.pretrain is not None
        n_trained = {"head": 0, "all": None}.get(self.finetune, self.finetune) if trained else None
        return {
            "n_mels": next(iter(dims.values())),
            "n_outputs": n_outputs,
            "layout": layout,
            "channels": weights.channels if weights and self.channels is None else self.channels,
            "hidden_size": self.hidden_size,
            "dropout": self.dropout,
            "specaugment": self.specaugment,
            "fill": self.fill,
            "unbiased": weights.unbiased if weights is not None else trained,
            "n_trained": n_trained,
            "silence": self.silence,
            "scale_statistics": self.scale_statistics,
        }

    def _augmented(self, data: FrameDataset) -> FrameDataset:
        return replace(data, perturb=find_perturbation(self.perturb))

    def _last_weights(self) -> list[tuple[str, Any]]:
        callbacks: list[tuple[str, Any]] = []
        if self.average_epochs is not None:
            callbacks.append(("average", AverageLast(self.average_epochs)))
        if self.batch_statistics == "fresh":
            callbacks.append(("statistics", RefreshStatistics()))
        return callbacks

    def _prepare_module(
        self, module: Any, data: FrameDataset, groups: npt.NDArray[Any] | None
    ) -> None:
        weights = find_trunk(self.model)[1]
        if self.pretrain is not None:
            weights = self._learn_speakers(data, groups)
        if weights is not None:
            weights.load_into(module.trunk)

    def _learn_speakers(self, data: FrameDataset, groups: npt.NDArray[Any] | None) -> TrunkWeights:
        """Train a backbone on the speakers of the training rows."""
        speakers = _speakers_of(groups)
        if isinstance(self.pretrain, SpeakerPretrainer):
            pretrainer = clone(self.pretrain)
        else:
            same = ("batch_size", "precision", "compile", "verbose")
            pretrainer = SpeakerPretrainer(**{name: getattr(self, name) for name in same})
        pretrainer.set_params(
            layout=find_trunk(self.model)[0],
            channels=self.channels,
            modalities="auto",
            normalize=self.normalize,
            group_column=None,
            device=self.device,
        )
        # torch is seeded around this, so that `random_state` decides here too.
        if pretrainer.random_state is None:
            pretrainer.set_params(random_state=int(torch.randint(2**31 - 1, ())))
        ((name, cells),) = data.cells.items()
        rows = object_column(list(cells), pd.RangeIndex(len(data)), f"{name}__frames")
        return pretrainer.fit(rows.to_frame(), speakers).weights_

    def _parameter_groups(self) -> list[tuple[str, dict[str, Any]]]:
        # Asked for when a pickle is loaded, too, where the file of the backbone need not be.
        if self.pretrain is None and not is_trained(self.model):
            return []
        return [("trunk.*", {"lr": self.lr * self.trunk_lr_factor})]


def _speakers_of(groups: npt.NDArray[Any] | None) -> npt.NDArray[Any]:
    """Speakers of the training rows, as classes.

    Raises
    ------
    ValueError
        If there are fewer than two, a row has none, or text and numbers are mixed.
    """
    # Objects become numbers or text, which can be classes.
    speakers = np.asarray([] if groups is None else require_groups(groups).tolist())
    n_speakers = len(np.unique(speakers))
    if n_speakers < 2:
        raise ValueError(
            f"pretrain learns to tell speakers apart, and there are {n_speakers} to learn from; "
            "those held out for early stopping do not count. Name two or more by groups= in fit, "
            "group_column=, or emoest.utils.with_groups(X, 'speaker'), or set "
            "validation_fraction=None."
        )
    return speakers
