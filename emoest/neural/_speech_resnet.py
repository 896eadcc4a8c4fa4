"""Emotions from log-mel frames by a ResNet34 that may have learned voices first."""

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from sklearn.base import clone

from emoest.nets.batches import FrameDataset
from emoest.nets.layers.spec_augment import POLICIES
from emoest.nets.speech_resnet import N_STAGES, SpeechResNet
from emoest.nets.weight_files.trunk_weights import TrunkWeights
from emoest.neural._speaker_pretrainer import SpeakerPretrainer
from emoest.neural._speaker_trunks import find_trunk, is_trained, speakers_of_file
from emoest.neural._training.classifier import DeepClassifier
from emoest.tables.cells import object_column
from emoest.tables.groups import require_groups
from emoest.utils import constraints
from emoest.utils._sklearn import HasMethods, Interval, StrOptions
from emoest.utils.seeds import RandomState


class SpeechResNetClassifier(DeepClassifier):
    """Classify speech by a ResNet34 over log-mel frames with statistics pooling.

    Reads frames of any length, as `emoest.features.LogMelSpectrogram` gives them; nothing is cut or
    stretched. The trunk can start from weights that tell speakers apart: a new head is then trained
    on the emotions, with the trunk frozen or slowly following. Masks on the spectra are drawn anew
    in each epoch of training.

    Parameters
    ----------
    trunk : {"speaker", "imagenet"}, str, path object or TrunkWeights, default="speaker"
        A fresh trunk of one of the two layouts (`emoest.nets.speech_resnet.ResNetTrunk`), or a
        trained one: `SpeakerPretrainer.weights_`, or whatever `load_speaker_weights` takes.
    channels : int or None, default=None
        Channels of the first stage; None takes those of the weights, or 32 (``"speaker"``) or 64
        (``"imagenet"``).
    pretrain : {"speakers", None} or SpeakerPretrainer, default=None
        ``"speakers"`` first trains the fresh trunk to tell the groups apart, inside ``fit`` and on
        its rows alone, those held out for early stopping excepted; so cross-validation cannot leak.
        A `SpeakerPretrainer` does the same with its own settings; only layout, channels,
        `normalize` and `device` are those of this estimator. `sample_weight` plays no part in it.
        The keyboard ends it early, and the training of the emotions goes on; a second time ends
        that too.
    finetune : {"head", "all"} or int, default="head"
        What the emotions train of a trained trunk: nothing, everything, or its last 1 to 4 stages.
        What is frozen keeps its batch statistics too. A fresh trunk is always trained as a whole.
    trunk_lr_factor : float, default=0.1
        Learning rate of a trained trunk as a share of `lr`.
    specaugment : {"LB", "LD", "SM", "SS", "mild"}, dict or None, default="SM"
        Masks of training, see `emoest.nets.layers.spec_augment.SpecAugment`; None draws none.
    fill : {"zero", "mean"}, default="zero"
        What stands under a mask: 0, the mean of mean-normalized spectra, or the spectrum's mean.
    n_hidden : int, default=256
        Units of the head.
    dropout : float, default=0.3
        Share of these units that training drops.
    modalities : "auto" or list of str, default="auto"
        Which modality, when X holds several.
    normalize : {"zscore", None}, default=None
        Whether each band is scaled by its mean and deviation over the training frames. A trained
        trunk expects frames as it had them: leave it at None, and let ``LogMelSpectrogram`` take
        off each utterance's mean.
    impute : {"mean", "raise"}, default="mean"
        Holes (NaN) in a table of numbers: filled by the column's training mean, or an error. Frames
        with NaN are always an error.
    lr : float, default=1e-3
        Learning rate.
    max_epochs : int, default=50
        Most epochs.
    optimizer : {"adam", "adamw", "sgd"} or class, default="adam"
        The optimizer; ``"sgd"`` has Nesterov momentum of 0.9.
    weight_decay : float, default=1e-4
        Weight decay.
    gradient_clip : float or None, default=1.0
        Largest norm of the gradient.
    patience : int or None, default=8
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
        Initial weights, order of rows, masks, dropout and held-out rows.
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes.
    net_ : skorch.NeuralNet
        The trained net; ``net_.module_`` is the torch module.
    history_ : list of dict
        Losses, validation UAR and seconds of each epoch; ``pandas.DataFrame(history_)`` plots.
    n_iter_ : int
        Epochs that were trained.
    dims_ : dict of str to int
        Bands of a frame.
    scales_ : dict of str to Scale
        Means and deviations of the training frames; empty without `normalize`.
    column_means_ : dict of str to ndarray
        What fills holes in a table of numbers; empty for frames.
    module_params_ : dict
        What the torch module was made with.
    device_ : str
        Where the net was trained.
    seen_groups_ : list
        Groups of the rows seen in ``fit``, and the speakers that a trunk given as a file has seen,
        those before ``fit`` too: `emoest.evaluation.evaluate` refuses to test on them what it
        does not fit anew.
    grouped_ : bool or None
        Whether held-out rows came from other groups; None when none were held out.
    prior_ : ndarray of shape (n_classes,)
        Class frequencies, by `sample_weight` and `class_weight`: the answer to a row without
        frames.
    n_features_in_ : int
        Columns seen in ``fit``.
    feature_names_in_ : ndarray of str
        Their names, if X had names.

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

    See Also
    --------
    SpeakerPretrainer : Makes trunks.
    load_speaker_weights : Reads trunks.
    emoest.systems.make_padi2021 : The system, from audio files on.

    Examples
    --------
    >>> import numpy as np
    >>> noise = np.random.default_rng(0)
    >>> cells = [noise.normal(n % 2, size=(12, 8)).astype("float32") for n in range(16)]
    >>> X = object_column(cells, range(16), "audio__frames").to_frame()
    >>> model = SpeechResNetClassifier(
    ...     channels=2, n_hidden=8, lr=0.01, max_epochs=4, validation_fraction=None, random_state=0
    ... ).fit(X, ["calm", "angry"] * 8)
    >>> model.predict(X.iloc[:2]).tolist()
    ['calm', 'angry']
    >>> model.transform(X).shape
    (16, 8)
    """

    _module_class = SpeechResNet
    _outputs_prefix: ClassVar[str] = "resnet"

    _parameter_constraints: dict = {
        "trunk": [str, HasMethods("__fspath__"), TrunkWeights],
        "channels": [constraints.POSITIVE_INT, None],
        "pretrain": [StrOptions({"speakers"}), SpeakerPretrainer, None],
        "finetune": [
            StrOptions({"head", "all"}),
            Interval(Integral, 1, N_STAGES, closed="both"),
        ],
        "trunk_lr_factor": [constraints.POSITIVE_REAL],
        "specaugment": [StrOptions(set(POLICIES)), dict, None],
        "fill": [StrOptions({"zero", "mean"})],
        "n_hidden": [constraints.POSITIVE_INT],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        **DeepClassifier._parameter_constraints,
    }

    def __init__(
        self,
        trunk: Any = "speaker",
        *,
        channels: int | None = None,
        pretrain: Any = None,
        finetune: str | int = "head",
        trunk_lr_factor: float = 0.1,
        specaugment: Any = "SM",
        fill: str = "zero",
        n_hidden: int = 256,
        dropout: float = 0.3,
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
        self.trunk = trunk
        self.channels = channels
        self.pretrain = pretrain
        self.finetune = finetune
        self.trunk_lr_factor = trunk_lr_factor
        self.specaugment = specaugment
        self.fill = fill
        self.n_hidden = n_hidden
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
        self.callbacks = callbacks
        self.warm_start = warm_start
        self.precision = precision
        self.group_column = group_column
        self.batch_size = batch_size
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    @property
    def seen_groups_(self) -> list[Any]:
        """Groups seen in `fit`, and speakers of a trunk from a file; `evaluate` asks for them."""
        speakers = speakers_of_file(self.trunk) or []
        return list(dict.fromkeys([*getattr(self, "_seen_groups", []), *speakers]))

    def _describe_module(self, dims: dict[str, int], n_outputs: int) -> dict[str, Any]:
        layout, weights = find_trunk(self.trunk)
        if weights is not None and self.pretrain is not None:
            raise ValueError(
                f"trunk={self.trunk!r} is trained already, so pretrain={self.pretrain!r} has no "
                "trunk to train. Pass one of the two."
            )
        trained = weights is not None or self.pretrain is not None
        n_trained = {"head": 0, "all": None}.get(self.finetune, self.finetune) if trained else None
        return {
            "n_mels": next(iter(dims.values())),
            "n_outputs": n_outputs,
            "layout": layout,
            "channels": weights.channels if weights and self.channels is None else self.channels,
            "n_hidden": self.n_hidden,
            "dropout": self.dropout,
            "specaugment": self.specaugment,
            "fill": self.fill,
            "unbiased": weights.unbiased if weights is not None else trained,
            "n_trained": n_trained,
        }

    def _prepare_module(
        self, module: Any, data: FrameDataset, groups: npt.NDArray[Any] | None
    ) -> None:
        weights = find_trunk(self.trunk)[1]
        if self.pretrain is not None:
            weights = self._learn_speakers(data, groups)
        if weights is not None:
            weights.load_into(module.trunk)

    def _learn_speakers(self, data: FrameDataset, groups: npt.NDArray[Any] | None) -> TrunkWeights:
        """Train a trunk on the speakers of the training rows."""
        speakers = _speakers_of(groups)
        if isinstance(self.pretrain, SpeakerPretrainer):
            pretrainer = clone(self.pretrain)
        else:
            same = ("batch_size", "precision", "verbose")
            pretrainer = SpeakerPretrainer(**{name: getattr(self, name) for name in same})
        pretrainer.set_params(
            layout=find_trunk(self.trunk)[0],
            channels=self.channels,
            modalities="auto",
            normalize=self.normalize,
            group_column=None,
            device=self.device,
        )
        if pretrainer.random_state is None:
            pretrainer.set_params(random_state=int(torch.randint(2**31 - 1, ())))
        ((name, cells),) = data.cells.items()
        rows = object_column(list(cells), pd.RangeIndex(len(data)), f"{name}__frames")
        return pretrainer.fit(rows.to_frame(), speakers).weights_

    def _parameter_groups(self) -> list[tuple[str, dict[str, Any]]]:
        # Asked for when a pickle is loaded, too, where the file of the trunk need not be.
        if self.pretrain is None and not is_trained(self.trunk):
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
