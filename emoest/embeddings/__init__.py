"""Media to frames or vectors with frozen pretrained encoders; a class is loaded when first used."""

import importlib
from typing import Any

_HOMES = {
    "BERTEmbedder": "emoest.embeddings._bert",
    "FaceEmbedder": "emoest.embeddings._face",
    "SBERTEmbedder": "emoest.embeddings._sbert",
    "SpeakerEmbedder": "emoest.embeddings._speaker",
    "Wav2Vec2Embedder": "emoest.embeddings._wav2vec2",
    "YAMNetEmbedder": "emoest.embeddings._yamnet",
    "relocate_weights": "emoest.embeddings._base",
    "unload_models": "emoest.embeddings._base",
}

__all__ = [  # noqa: PLE0604
    *_HOMES
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'emoest.embeddings' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(_HOMES)
