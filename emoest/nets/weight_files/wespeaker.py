"""Public speaker recognition weights for the backbone: WeSpeaker's ResNet34, trained on VoxCeleb.

Wang et al., "WeSpeaker: a research and production oriented speaker embedding learning toolkit",
ICASSP 2023; weights CC-BY-4.0. The net is the ``"speaker"`` layout of
`emoest.nets.speech_resnet.ResNetTrunk` with 32 channels and 80 bands.

What is not verified: the published file could not be had where this was written. Files of the same
shape with random weights, exported by torch 2.13 with batch normalizations folded into the
convolutions (as the size of the published file implies) and not folded, gave the frames of the
exported net to 2e-6 and, through onnxruntime, its embeddings to 1e-6. That the published file has
this form, and gives the published embeddings, is untested.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from emoest.nets.speech_resnet import BLOCKS, ResNetTrunk
from emoest.nets.weight_files.onnx_reader import Node, read_onnx
from emoest.nets.weight_files.torch_reader import plain_tensors, read_torch
from emoest.nets.weight_files.trunk_weights import TrunkWeights

N_MELS = 80
CHANNELS = 32

_EMBEDDING_SHAPE = (256, 5120)
_WHAT = "WeSpeaker's ResNet34"
_BN_EPS = 1e-5
_NORM = ("weight", "bias", "running_mean", "running_var")


def load_wespeaker(path: Path) -> TrunkWeights:
    """Read the backbone of WeSpeaker's VoxCeleb ResNet34; nothing in the file is run.

    Parameters
    ----------
    path : Path
        ``voxceleb_resnet34.onnx`` or ``voxceleb_resnet34_LM.onnx``; or the checkpoint of torch,
        ``avg_model.pt``, or the zip that holds it.

    Returns
    -------
    weights : TrunkWeights
        Without the embedding layer behind the pooling, which a new task replaces. `speakers` is
        empty: the ids of VoxCeleb are those of no corpus of emotions here.

    Raises
    ------
    ValueError
        If the file is damaged or holds another net; the message names the first layer that
        differs.

    Notes
    -----
    In an ONNX file a convolution may have swallowed the batch normalization behind it, and is known
    by its place only: 3x3 kernels and 1x1 kernels are taken in their order, which the graph fixes.
    A folded shift goes into a batch normalization that changes nothing else.
    """
    state = _onnx_state(path) if path.suffix == ".onnx" else _torch_state(path)
    with torch.device("meta"):
        trunk = ResNetTrunk(N_MELS, channels=CHANNELS)
    trunk.to_empty(device="cpu")
    weights = TrunkWeights(state, "speaker", CHANNELS, N_MELS, source=str(path))
    weights.load_into(trunk)
    return TrunkWeights.of(trunk, source=str(path))


def _torch_state(path: Path) -> dict[str, Tensor]:
    try:
        found = read_torch(path, "avg_model.pt")
    except ValueError as error:
        raise ValueError(
            f"{str(path)!r} is no readable file of tensors, and nothing else in it is run "
            f"({error}). Expected is {_WHAT}, as .onnx, avg_model.pt or the zip that holds it."
        ) from error
    if not isinstance(found, dict):
        raise ValueError(f"{str(path)!r} does not hold {_WHAT}: no tensors by name.")
    state = plain_tensors(found)
    _check_embedding(state.get("seg_1.weight"), path)
    kept = ("conv1.", "bn1.", "layer")
    return {name: value for name, value in state.items() if name.startswith(kept)}


def _check_embedding(weight: Any, path: Path) -> None:
    shape = None if weight is None else tuple(weight.shape)
    if shape not in (_EMBEDDING_SHAPE, _EMBEDDING_SHAPE[::-1]):
        raise ValueError(
            f"{str(path)!r} does not hold {_WHAT}: the embedding layer 'seg_1.weight' should have "
            f"shape {_EMBEDDING_SHAPE}, found {shape}. Other widths, dimensions and numbers of "
            "bands are other nets."
        )


def _onnx_state(path: Path) -> dict[str, Tensor]:
    nodes, tensors = read_onnx(path)
    try:
        return _state_of_graph(nodes, tensors, path)
    except LookupError as error:
        raise ValueError(
            f"{str(path)!r} does not hold {_WHAT}: a layer lacks a tensor ({error})."
        ) from error


def _state_of_graph(nodes: list[Node], tensors: dict[str, Tensor], path: Path) -> dict[str, Tensor]:
    linear = [
        tensors[node.inputs[1]]
        for node in nodes
        if node.operation in {"Gemm", "MatMul"} and node.inputs[1] in tensors
    ]
    _check_embedding(linear[-1] if linear else None, path)
    norms = {node.inputs[0]: node for node in nodes if node.operation == "BatchNormalization"}
    layers = [node for node in nodes if node.operation == "Conv" and node.inputs[1] in tensors]
    wide = [node for node in layers if tensors[node.inputs[1]].shape[-1] == 3]
    narrow = [node for node in layers if tensors[node.inputs[1]].shape[-1] == 1]
    names, shortcuts = _names()
    if (len(wide), len(narrow)) != (len(names), len(shortcuts)):
        raise ValueError(
            f"{str(path)!r} does not hold {_WHAT}: it has {len(wide)} convolutions of 3x3 and "
            f"{len(narrow)} of 1x1, expected {len(names)} and {len(shortcuts)}."
        )
    state: dict[str, Tensor] = {}
    for (conv, norm), node in zip([*names, *shortcuts], [*wide, *narrow], strict=True):
        state[f"{conv}.weight"] = tensors[node.inputs[1]]
        values = _norm_of(node, norms.get(node.outputs[0]), tensors)
        state |= {f"{norm}.{name}": value for name, value in zip(_NORM, values, strict=True)}
    return state


def _names() -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Names of the 3x3 and of the 1x1 convolutions, each with its normalization, in order."""
    wide, narrow = [("conv1", "bn1")], []
    for i, n_blocks in enumerate(BLOCKS):
        for j in range(n_blocks):
            block = f"layer{i + 1}.{j}"
            wide += [(f"{block}.conv{k}", f"{block}.bn{k}") for k in (1, 2)]
            if i > 0 and j == 0:
                narrow.append((f"{block}.shortcut.0", f"{block}.shortcut.1"))
    return wide, narrow


def _norm_of(conv: Node, norm: Node | None, tensors: dict[str, Tensor]) -> list[Tensor]:
    """Scale, shift, mean and variance behind a convolution."""
    if norm is not None:
        scale, shift, mean, variance = (tensors[norm.inputs[i]] for i in range(1, 5))
        # The net adds an epsilon of its own, which may be another than the file's.
        return [scale, shift, mean, variance + (norm.settings.get("epsilon", _BN_EPS) - _BN_EPS)]
    n_channels = len(tensors[conv.inputs[1]])
    shift = tensors[conv.inputs[2]] if len(conv.inputs) > 2 else torch.zeros(n_channels)
    # Folded already: a variance of 1 less epsilon divides by exactly 1.
    one, zero = torch.ones(n_channels), torch.zeros(n_channels)
    return [one, shift, zero, one - _BN_EPS]
