"""A BERT in a folder of transformers, as the beginning of a cross-modal Transformer."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from emoest.nets.cross_modal.pieces import Pieces
from emoest.nets.cross_modal.weights import MEmoBERTWeights
from emoest.nets.weight_files.safetensors_io import read_safetensors

_EMBEDDINGS = {
    "word_embeddings.weight": "words.weight",
    "position_embeddings.weight": "positions.weight",
    "token_type_embeddings.weight": "types.weight",
    "LayerNorm.weight": "norm.weight",
    "LayerNorm.bias": "norm.bias",
}
_LAYER = {
    "attention.output.dense": "attended",
    "attention.output.LayerNorm": "attention_norm",
    "intermediate.dense": "inner",
    "output.dense": "outer",
    "output.LayerNorm": "norm",
}
_HEAD = {
    "transform.dense.weight": "transform.dense.weight",
    "transform.dense.bias": "transform.dense.bias",
    "transform.LayerNorm.weight": "transform.norm.weight",
    "transform.LayerNorm.bias": "transform.norm.bias",
    "bias": "bias",
}
_SIZES = {
    "hidden_size": "hidden_size",
    "n_layers": "num_hidden_layers",
    "n_heads": "num_attention_heads",
    "intermediate_size": "intermediate_size",
    "n_positions": "max_position_embeddings",
}


def read_bert(folder: Path, config: dict[str, Any], pieces: Pieces) -> MEmoBERTWeights:
    """Read a BERT: text embedder, layers, pooler, and the word head where it is there.

    Parameters
    ----------
    folder : Path
        Holds ``model.safetensors``.
    config : dict
        Its ``config.json``.
    pieces : Pieces
        Its tokenizer.

    Returns
    -------
    weights : MEmoBERTWeights

    Raises
    ------
    ValueError
        If it is a checkpoint of another architecture, or tensors are missing.
    """
    kind = config.get("model_type")
    if kind != "bert" or config.get("hidden_act", "gelu") != "gelu":
        raise ValueError(
            f"{str(folder)!r} holds a checkpoint of another architecture "
            f"(model_type={kind!r}, hidden_act={config.get('hidden_act')!r}); MEmoBERT begins with "
            "a BERT with GELU, such as bert-base-uncased."
        )
    path = folder / "model.safetensors"
    if not path.is_file():
        raise ValueError(f"The folder {str(folder)!r} holds no model.safetensors in one file.")
    state = {_plain_name(name): value for name, value in read_safetensors(path).items()}
    try:
        return MEmoBERTWeights(
            state=_translate(state, int(config["num_hidden_layers"])),
            sizes={ours: int(config[theirs]) for ours, theirs in _SIZES.items()},
            pieces=pieces,
            source=str(folder),
        )
    except KeyError as error:
        raise ValueError(
            f"The BERT in {str(folder)!r} lacks {error.args[0]!r}. Get the model's files again."
        ) from error


def _plain_name(name: str) -> str:
    """Name of a tensor without the prefix of its class, and as it is written today."""
    name = name.removeprefix("bert.")
    return name.replace("LayerNorm.gamma", "LayerNorm.weight").replace(
        "LayerNorm.beta", "LayerNorm.bias"
    )


def _translate(state: dict[str, Tensor], n_layers: int) -> dict[str, Tensor]:
    """Tensors of a BERT under the names of `PretrainingNet`."""
    found = {
        f"trunk.text.{ours}": state[f"embeddings.{theirs}"] for theirs, ours in _EMBEDDINGS.items()
    }
    for i in range(n_layers):
        old, new = f"encoder.layer.{i}.", f"trunk.layers.{i}."
        for kind in ("weight", "bias"):
            parts = [
                state[f"{old}attention.self.{name}.{kind}"] for name in ("query", "key", "value")
            ]
            found[f"{new}query_key_value.{kind}"] = torch.cat(parts)
            for theirs, ours in _LAYER.items():
                found[f"{new}{ours}.{kind}"] = state[f"{old}{theirs}.{kind}"]
    for kind in ("weight", "bias"):
        if f"pooler.dense.{kind}" in state:
            found[f"trunk.pooler.{kind}"] = state[f"pooler.dense.{kind}"]
    for theirs, ours in _HEAD.items():
        if f"cls.predictions.{theirs}" in state:
            found[f"word_head.{ours}"] = state[f"cls.predictions.{theirs}"]
    return {name: value.float() for name, value in found.items()}
