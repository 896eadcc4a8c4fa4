"""FaceCNNClassifier: emotions from faces in images and videos, by a net that is trained here."""

import os
from numbers import Integral, Real
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import softmax
from sklearn.utils.validation import check_is_fitted

from emoest.files.weights import find_weights
from emoest.media.face_detection import explain_no_face, face_of
from emoest.media.images import open_clip
from emoest.media.pixels import pixels_of
from emoest.nets.batches import FrameDataset
from emoest.nets.image_classifier import ImageClassifier
from emoest.nets.layers.image_augment import POLICIES, find_changes
from emoest.nets.weight_files.transformers_folder import load_encoder, loading
from emoest.neural._image_backbones import FRESH, describe_folder, describe_fresh
from emoest.neural._training.media_classifier import MediaClassifier
from emoest.tables.frames import FrameTable
from emoest.tables.targets import class_prior, is_label_distribution, read_target
from emoest.utils import constraints
from emoest.utils._sklearn import HasMethods, Interval, StrOptions
from emoest.utils.messages import listed
from emoest.utils.optional import import_optional
from emoest.utils.seeds import RandomState


class FaceCNNClassifier(MediaClassifier):
    """Classify faces in images and videos by a net that is trained on them.

    Reads one column of media: images as arrays or paths, lists of images, and videos, of which
    some images a second are taken. Of each image the largest face is cut out; images that are small
    already count as cropped faces. What the net says of several images of a cell is averaged.

    Parameters
    ----------
    model : str or path object, default="cnn4"
        The net. Fresh ones: ``"cnn4"`` (four convolutions, 4.5 million parameters),
        ``"cnn4_small"`` (0.3 million), ``"mini_xception"``, ``"densenet"`` (that of MEmoBERT),
        ``"resnet50"`` and ``"vit"`` (192 units, 12 layers, patches of 8 pixels). Pretrained
        ones: the folder of an image encoder of transformers (ViT, ResNet, ...), or its name on the
        Hugging Face hub.
    revision : str, default=None
        Branch, tag or commit on the hub.
    finetune : {"all", "head"}, default="all"
        What is trained of a pretrained encoder.
    image_size : int, default=None
        Height and width at which faces are kept. None takes that of the net: 48, or 64 of
        mini_xception and densenet, or what a pretrained encoder was made for. An encoder enlarges
        smaller ones itself, which saves memory where the images are small.
    classes : list, default=None
        The classes that are predicted; None predicts all of `y`.
    head : {"all", "chosen"}, default="all"
        With `classes`: ``"all"`` trains on all classes of `y`, and the probabilities of the chosen
        ones are renormalized; ``"chosen"`` trains on samples of the chosen classes alone.
    augment : {"standard", "strong"}, dict or None, default="standard"
        Changes that are drawn anew in each epoch: mirroring, rotation, shift, zoom and
        (``"strong"``) erasing of a rectangle; see `emoest.nets.layers.image_augment.ImageChanges`.
    detect : bool or "auto", default="auto"
        Whether to look for a face. ``"auto"`` takes images of at most 64 pixels height and width
        for cropped faces, as those of FER2013 are; False takes all for such.
    margin : float, default=0.1
        What is added to each side of a found face, as a proportion of its side.
    frames_per_second : float or None, default=3.0
        How many images a second of a video are looked at; None takes all.
    dropout : float, default=0.25
        Fraction of units that training drops; mini_xception and densenet have none.
    lr : float, default=5e-4
        Learning rate.
    max_epochs, optimizer, weight_decay, gradient_clip
        See `SequenceClassifier`.
    patience : int or None, default=7
        Epochs without a gain on the held-out samples before training stops.
    validation_fraction, class_weight, label_smoothing
        See `SequenceClassifier`.
    callbacks, warm_start, precision, compile, group_column
        See `SequenceClassifier`.
    errors : {"raise", "missing"}, default="raise"
        What an item means that cannot be read, is blank or has no face.
    batch_size : int, default=64
        Samples of a batch.
    device
        See `SequenceClassifier`.
    random_state : int, RandomState instance or None, default=None
        Initial weights, order of samples, changes of images, dropout and held-out samples.
    verbose
        See `SequenceClassifier`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes that are predicted.
    net_classes_ : ndarray of shape (n_outputs,)
        The classes that the net was trained on.
    class_prior_, net_, history_, n_iter_, modalities_, n_dims_, scales_
        See `SequenceClassifier`.
    column_means_, module_params_, device_, grouped_, seen_groups_
        See `SequenceClassifier`.
    n_features_in_, feature_names_in_
        See `SequenceClassifier`.

    Raises
    ------
    ValueError
        In ``fit``, if `classes` are not in `y`, or the net is too large for the images. Elsewhere
        too, if an item cannot be read or has no face, unless ``errors="missing"``.
    ImportError
        If OpenCV is missing and a face has to be found, or transformers for its encoders.

    See Also
    --------
    emoest.embeddings.FaceEmbedder : Frozen nets for faces, among them files of ``save_weights``.
    grad_cam : What the net looked at.
    emoest.systems.make_tan2021 : Faces and EEG together.

    Notes
    -----
    Tan et al. 2021 classify faces by a small convolutional net; ``"cnn4"`` is a net for FER2013 in
    wide use and not known to be theirs. The learning rate falls on a plateau with
    ``callbacks=[("schedule", LRScheduler("ReduceLROnPlateau", patience=2))]`` of skorch.

    Examples
    --------
    >>> generator = np.random.default_rng(0)
    >>> faces = [generator.integers(100 * (n % 2), 150 + 100 * (n % 2), (48, 48), dtype="uint8")
    ...          for n in range(16)]
    >>> X = pd.DataFrame({"face": faces})
    >>> model = FaceCNNClassifier(
    ...     "cnn4_small", lr=0.01, max_epochs=6, batch_size=8, validation_fraction=None,
    ...     random_state=0,
    ... ).fit(X, ["calm", "happy"] * 8)
    >>> model.predict(X[:2]).tolist()
    ['calm', 'happy']
    """

    _module_class = ImageClassifier
    _outputs_prefix: ClassVar[str] = "facecnn"
    _own_arrays: ClassVar[tuple[str, ...]] = ("net_classes_", "_net_prior")

    _parameter_constraints: dict = {
        "model": [str, HasMethods("__fspath__")],
        "revision": [str, None],
        "finetune": [StrOptions({"all", "head"})],
        "image_size": [Interval(Integral, 8, None, closed="left"), None],
        "classes": ["array-like", None],
        "head": [StrOptions({"all", "chosen"})],
        "augment": [StrOptions(set(POLICIES)), dict, None],
        "detect": [StrOptions({"auto"}), "boolean"],
        "margin": [constraints.NON_NEGATIVE_REAL],
        "frames_per_second": [constraints.POSITIVE_REAL, None],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        **MediaClassifier._parameter_constraints,
    }

    def __init__(
        self,
        model: str | os.PathLike[str] = "cnn4",
        *,
        revision: str | None = None,
        finetune: str = "all",
        image_size: int | None = None,
        classes: Any = None,
        head: str = "all",
        augment: Any = "standard",
        detect: bool | str = "auto",
        margin: float = 0.1,
        frames_per_second: float | None = 3.0,
        dropout: float = 0.25,
        lr: float = 5e-4,
        max_epochs: int = 50,
        optimizer: Any = "adam",
        weight_decay: float = 0.0,
        gradient_clip: float | None = 1.0,
        patience: int | None = 7,
        validation_fraction: float | None = 0.1,
        class_weight: Any = None,
        label_smoothing: float = 0.0,
        callbacks: list[Any] | None = None,
        warm_start: bool = False,
        precision: str = "auto",
        compile: bool | dict[str, Any] = False,
        group_column: str | None = None,
        errors: str = "raise",
        batch_size: int = 64,
        device: str = "auto",
        random_state: RandomState = None,
        verbose: int = 0,
    ):
        self.model = model
        self.revision = revision
        self.finetune = finetune
        self.image_size = image_size
        self.classes = classes
        self.head = head
        self.augment = augment
        self.detect = detect
        self.margin = margin
        self.frames_per_second = frames_per_second
        self.dropout = dropout
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
        self.errors = errors
        self.batch_size = batch_size
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    @property
    def _is_pretrained(self) -> bool:
        return os.fspath(self.model) not in FRESH

    def _folder(self) -> Path:
        return find_weights(
            self.model,
            is_folder=True,
            revision=self.revision,
            tokenizer=False,
            purpose=type(self).__name__,
        )

    def _begin(self, column: pd.Series) -> None:
        """Describe the net, and so the images that it takes."""
        self._net_settings = self._describe_net()

    def _describe_net(self) -> dict[str, Any]:
        if self._is_pretrained:
            return describe_folder(self._folder(), self.image_size, self.finetune == "head")
        return describe_fresh(os.fspath(self.model), self.image_size)

    def _describe_module(self, dims: dict[str, int], n_outputs: int) -> dict[str, Any]:
        changes = None if self.augment is None else vars(find_changes(self.augment))
        settings = self._net_settings if hasattr(self, "_net_settings") else self._describe_net()
        return {
            "n_outputs": n_outputs,
            "dropout": self.dropout,
            "augment": None if changes is None else dict(changes),
            **settings,
        }

    def _prepare_module(
        self, module: Any, data: FrameDataset, groups: npt.NDArray[Any] | None
    ) -> None:
        if not self._is_pretrained:
            return
        folder = self._folder()
        transformers = import_optional(
            "transformers", extra="face", purpose=f"{type(self).__name__}(model={self.model!r})"
        )
        with loading(folder):
            encoder = load_encoder(folder, transformers.AutoModel, "cpu")
        module.net.encoder.load_state_dict(encoder.state_dict())

    @property
    def _image(self) -> tuple[int, int]:
        """Channels and side of the images that the net takes."""
        known = self._net_settings if hasattr(self, "_net_settings") else self.module_params_
        return known["n_channels"], known["size"]

    def _n_dims(self) -> int:
        n_channels, size = self._image
        return int(n_channels * size**2)

    def _read_item(self, item: Any, name: str) -> npt.NDArray[np.uint8]:
        """Faces of an image or a video, each a row of pixels from 0 to 255."""
        clip = open_clip(item, frames_per_second=self.frames_per_second, name=name)
        found = (face_of(image, self.detect, self.margin) for image in clip.frames())
        faces = [pixels_of(face, *self._image) for face in found if face is not None]
        if not faces:
            raise ValueError(explain_no_face(clip, self.detect))
        return np.stack(faces)

    def _no_passes(self) -> str | None:
        reason = "the parameter classes chooses among the labels of all rows"
        return None if self.classes is None else reason

    def _learn_classes(self, classes: npt.NDArray[Any]) -> None:
        super()._learn_classes(classes)
        self.net_classes_ = self.classes_

    def _learn_target(self, X: Any, y: Any, sample_weight: Any) -> tuple[Any, Any]:
        if self._goes_on:
            self.classes_ = self.net_classes_
        self._chosen_rows = None
        if self._passing or is_label_distribution(y):
            return super()._learn_target(X, y, sample_weight)
        y = read_target(self, X, y, numeric=False)
        chosen = self._chosen_classes(y)
        if chosen is not None and self.head == "chosen":
            # Other rows are left out below; until then they need a class that the net has.
            self._chosen_rows = np.isin(y, chosen)
            y = np.where(self._chosen_rows, y, chosen[0])
        target, weight = super()._learn_target(X, y, sample_weight)
        if chosen is not None:
            self.classes_ = chosen
        return target, weight

    def _learn_votes(self, X: Any, y: Any, sample_weight: Any) -> tuple[Any, Any]:
        if self.classes is not None:
            raise ValueError(
                "classes= chooses samples by their label; y holds the proportion of each label. "
                "Leave columns out of y, and divide the others by their sum."
            )
        return super()._learn_votes(X, y, sample_weight)

    def _chosen_classes(self, y: npt.NDArray[Any]) -> npt.NDArray[Any] | None:
        if self.classes is None:
            return None
        chosen = np.unique(np.asarray(self.classes))
        unknown = np.setdiff1d(chosen, y)
        if len(unknown) or len(chosen) < 2:
            raise ValueError(
                f"classes={list(self.classes)} must name two or more classes of y, which are "
                f"{listed(np.unique(y), most=10, quoted=True)}"
                + (f"; y has no {unknown.tolist()[0]!r}." if len(unknown) else ".")
            )
        return chosen

    def _rows_to_fit(self, table: FrameTable) -> npt.NDArray[np.intp]:
        rows = super()._rows_to_fit(table)
        chosen = vars(self).pop("_chosen_rows")
        return rows if chosen is None else rows[chosen[rows]]

    @property
    def _trained_classes(self) -> npt.NDArray[Any]:
        return self.net_classes_

    @property
    def _n_outputs(self) -> int:
        return len(self.net_classes_)

    def _learn_prior(self, target: npt.NDArray[Any], weight: npt.NDArray[Any]) -> None:
        self._net_prior = class_prior(target, len(self.net_classes_), weight)
        places = self._places
        # Weights of zero may leave nothing to the chosen classes.
        self.class_prior_ = class_prior(
            np.arange(len(places)), len(places), self._net_prior[places]
        )

    @property
    def _places(self) -> npt.NDArray[np.intp]:
        """Positions of the predicted classes among the outputs of the net."""
        return np.searchsorted(self.net_classes_, self.classes_)

    def predict_proba(self, X: Any) -> npt.NDArray[np.float32]:
        """Predict the probability of each class.

        Parameters
        ----------
        X : DataFrame, Series or list of shape (n_samples,) or (n_samples, 1)
            Images and videos, as in ``fit``.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes), dtype float32
            In the order of ``classes_``; with `classes`, those of the net renormalized. The
            training prior, with a warning, for a missing cell.
        """
        check_is_fitted(self)
        with np.errstate(divide="ignore"):
            prior = np.log(self._net_prior).astype(np.float32)
        scores = self._predict_rows(X, prior)[:, self._places]
        proba: npt.NDArray[np.float32] = softmax(scores, axis=1)
        return proba
