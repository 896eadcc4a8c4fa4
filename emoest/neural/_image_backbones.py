"""The nets that FaceCNNClassifier can take: which images go in, and how they are made."""

from pathlib import Path
from typing import Any

from emoest.files.hub import read_json
from emoest.nets.image_classifier import GRAY_SCALES, GRAY_SIZES

ENCODERS: dict[str, dict[str, Any]] = {
    "resnet50": {"model_type": "resnet"},
    "vit": {
        "model_type": "vit",
        "hidden_size": 192,
        "num_hidden_layers": 12,
        "num_attention_heads": 3,
        "intermediate_size": 768,
        "patch_size": 8,
    },
}
"""Layouts of transformers that start untrained; the first is the default one of ResNet."""

_FRESH_SIZE = 48
_PRETRAINED_SIZE = 224

FRESH = (*GRAY_SIZES, *ENCODERS)
"""Names of the nets that start untrained."""


def describe_fresh(name: str, image_size: int | None) -> dict[str, Any]:
    """Return the parameters of `ImageClassifier` for a net that starts untrained.

    Examples
    --------
    >>> describe_fresh("cnn4", None)
    {'model': 'cnn4', 'size': 48, 'n_channels': 1, 'scale': [0.0, 1.0]}
    """
    if name in GRAY_SIZES:
        size = image_size or GRAY_SIZES[name]
        return {"model": name, "size": size, "n_channels": 1, "scale": list(GRAY_SCALES[name])}
    size = image_size or _FRESH_SIZE
    config = {**ENCODERS[name], "num_channels": 3}
    if name == "vit":
        config["image_size"] = size
    return {"model": "transformers", "size": size, "n_channels": 3, "config": config}


def describe_folder(folder: Path, image_size: int | None, frozen: bool) -> dict[str, Any]:
    """Return the parameters of `ImageClassifier` for the folder of an image encoder.

    Raises
    ------
    ValueError
        If it holds an encoder of something else.
    """
    config = read_json(folder, "config.json")
    if "num_channels" not in config or "model_type" not in config:
        raise ValueError(
            f"{str(folder)!r} holds no encoder of images (its model_type is "
            f"{config.get('model_type')!r}). FaceCNNClassifier takes models such as ViT or ResNet."
        )
    preprocessing = read_json(folder, "preprocessor_config.json")
    n_channels = int(config["num_channels"])
    own = config.get("image_size")
    own = own if isinstance(own, int) else _PRETRAINED_SIZE
    neutral = [0.5] * n_channels
    return {
        "model": "transformers",
        "size": image_size or own,
        "n_channels": n_channels,
        "config": config,
        "scale": [preprocessing.get(f"image_{part}", neutral) for part in ("mean", "std")],
        "frozen": frozen,
    }
