"""The encoder of Whisper, for windows of any length, and its weight files.

Architecture and names of tensors are those of transformers' ``WhisperEncoder`` (Radford et al.,
"Robust speech recognition via large-scale weak supervision", ICML 2023). Unlike there, a batch may
hold clips of different lengths and the encoder sees no silence behind them.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from emoest.nets.weight_files.ctranslate2_reader import read_ctranslate2
from emoest.nets.weight_files.safetensors_io import as_tensor, fitting_net, read_safetensors

_CONFIG = {"n_mels": "num_mel_bins", "n_dims": "d_model", "n_layers": "encoder_layers"}
_WHAT = "does not hold the encoder of a Whisper model"


class WhisperSizes(NamedTuple):
    """What is known of an encoder before it is loaded.

    Parameters
    ----------
    n_mels, n_dims, n_layers : int
        Mel bands, size of a frame, layers.
    """

    n_mels: int
    n_dims: int
    n_layers: int


class WhisperEncoder(nn.Module):
    """Two convolutions, positions, and a Transformer that normalizes before each part.

    Parameters
    ----------
    n_mels, n_dims, n_layers, n_heads : int
        Mel bands, size of a frame, layers, heads of attention.
    n_hidden : int
        Size of the layers' inner part.
    n_positions : int, default=1500
        Frames that there are positions for: 30 s.

    Examples
    --------
    >>> net = WhisperEncoder(80, 16, n_layers=2, n_heads=2, n_hidden=32).eval()
    >>> with torch.inference_mode():
    ...     states = list(net(torch.rand(1, 80, 20)))
    >>> len(states), states[-1].shape
    (3, torch.Size([1, 10, 16]))
    """

    def __init__(
        self,
        n_mels: int,
        n_dims: int,
        *,
        n_layers: int,
        n_heads: int,
        n_hidden: int,
        n_positions: int = 1500,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(n_mels, n_dims, kernel_size=3, padding=1)
        self.conv2 = nn.Conv1d(n_dims, n_dims, kernel_size=3, stride=2, padding=1)
        self.embed_positions = nn.Embedding(n_positions, n_dims)
        self.layers = nn.ModuleList([_Layer(n_dims, n_heads, n_hidden) for _ in range(n_layers)])
        self.layer_norm = nn.LayerNorm(n_dims)

    @property
    def n_mels(self) -> int:
        """Mel bands that it takes."""
        return self.conv1.in_channels

    def forward(self, mels: Tensor, counts: list[int] | None = None) -> Iterator[Tensor]:
        """Encode a batch; the states of each layer are computed when they are asked for.

        Parameters
        ----------
        mels : Tensor of shape (n, n_mels, 2 * n_frames)
            Log-mel spectra, shorter ones filled with anything.
        counts : list of int, default=None
            Frames of each clip; None means that all are full.

        Yields
        ------
        states : Tensor of shape (n, n_frames, n_dims)
            What enters the first layer, then what leaves each; behind the last one normalized.
            Frames past those of a clip mean nothing.
        """
        n_frames = mels.shape[2] // 2
        if counts is None or min(counts) == n_frames:
            counts = None
        present = None if counts is None else _mask(counts, n_frames, mels.device)
        if present is not None:
            # Behind a clip both convolutions must see the zeros that they see behind a batch's end.
            twice = present.repeat_interleave(2, dim=1)[:, None]
            inner = nn.functional.gelu(self.conv1(mels * twice)) * twice
        else:
            inner = nn.functional.gelu(self.conv1(mels))
        convolved = nn.functional.gelu(self.conv2(inner)).transpose(1, 2)
        states = convolved + self.embed_positions.weight[:n_frames]
        for layer in self.layers:
            yield states
            states = layer(states, present)
        yield self.layer_norm(states)


class _Layer(nn.Module):
    def __init__(self, n_dims: int, n_heads: int, n_hidden: int) -> None:
        super().__init__()
        self.self_attn = _Attention(n_dims, n_heads)
        self.self_attn_layer_norm = nn.LayerNorm(n_dims)
        self.fc1 = nn.Linear(n_dims, n_hidden)
        self.fc2 = nn.Linear(n_hidden, n_dims)
        self.final_layer_norm = nn.LayerNorm(n_dims)

    def forward(self, states: Tensor, present: Tensor | None) -> Tensor:
        states = states + self.self_attn(self.self_attn_layer_norm(states), present)
        hidden = nn.functional.gelu(self.fc1(self.final_layer_norm(states)))
        return states + self.fc2(hidden)


class _Attention(nn.Module):
    def __init__(self, n_dims: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.k_proj = nn.Linear(n_dims, n_dims, bias=False)
        self.v_proj = nn.Linear(n_dims, n_dims)
        self.q_proj = nn.Linear(n_dims, n_dims)
        self.out_proj = nn.Linear(n_dims, n_dims)

    def forward(self, states: Tensor, present: Tensor | None) -> Tensor:
        shape = (*states.shape[:2], self.n_heads, -1)
        query, key, value = (
            part(states).view(shape).transpose(1, 2)
            for part in (self.q_proj, self.k_proj, self.v_proj)
        )
        mask = None if present is None else present[:, None, None]
        seen = nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        mixed: Tensor = self.out_proj(seen.transpose(1, 2).flatten(2))
        return mixed


def _mask(counts: list[int], n_frames: int, device: torch.device) -> Tensor:
    return torch.arange(n_frames, device=device) < torch.tensor(counts, device=device)[:, None]


def read_whisper_sizes(path: Path) -> WhisperSizes:
    """Read the sizes of an encoder without its tensors; see `load_whisper_encoder`.

    Raises
    ------
    FileNotFoundError
        If there are no such files.
    ValueError
        If they are damaged or hold no Whisper model.
    """
    if not is_ctranslate2(path):
        config = _read_config(path)
        return WhisperSizes(**{name: int(config[key]) for name, key in _CONFIG.items()})
    model = read_ctranslate2(_binary(path), "none of them")
    shape = model.shapes.get("encoder/conv1/weight", ())
    if model.spec != "WhisperSpec" or len(shape) != 3:
        raise ValueError(f"{str(path)!r} {_WHAT}, but a {model.spec}.")
    layers = {name.split("/")[1] for name in model.shapes if name.startswith("encoder/layer_")}
    return WhisperSizes(shape[1], shape[0], len(layers - {"layer_norm"}))


def load_whisper_encoder(path: Path) -> WhisperEncoder:
    """Load the encoder of a Whisper model in float32 and evaluation mode.

    Parameters
    ----------
    path : Path
        A folder of transformers (``config.json`` and safetensors), a folder of CTranslate2, or its
        ``model.bin``.

    Returns
    -------
    net : WhisperEncoder

    Raises
    ------
    FileNotFoundError
        If there are no such files.
    ValueError
        If they are damaged or hold another net; the message names the tensor.
    """
    if is_ctranslate2(path):
        state, n_heads = _from_ctranslate2(_binary(path))
    else:
        state, n_heads = _from_transformers(path)
    where = f"{str(path)!r} {_WHAT}"
    missing = [
        name
        for name in ("conv1.weight", "embed_positions.weight", "layers.0.fc1.weight")
        if name not in state or state[name].ndim != (3 if name[0] == "c" else 2)
    ]
    if missing:
        raise ValueError(f"{where}: layer {missing[0]!r} is missing or of another shape.")
    n_dims, n_mels, _ = state["conv1.weight"].shape
    if n_heads < 1 or n_dims % n_heads:
        raise ValueError(f"{where}: {n_heads} heads cannot share {n_dims} dimensions.")
    layers = {name.split(".")[1] for name in state if name.startswith("layers.")}
    if layers != {str(i) for i in range(len(layers))}:
        raise ValueError(f"{where}: its layers are not numbered one after the other.")

    def make() -> WhisperEncoder:
        return WhisperEncoder(
            n_mels,
            n_dims,
            n_layers=len(layers),
            n_heads=n_heads,
            n_hidden=len(state["layers.0.fc1.weight"]),
            n_positions=len(state["embed_positions.weight"]),
        )

    with torch.random.fork_rng(devices=[]):
        return fitting_net(make, state, where)


def is_ctranslate2(path: Path) -> bool:
    """Check whether a path is a CTranslate2 file, or a folder with one and no safetensors.

    Examples
    --------
    >>> is_ctranslate2(Path("model.bin"))
    True
    """
    if path.is_dir():
        return (path / "model.bin").exists() and not any(path.glob("*.safetensors"))
    return path.suffix == ".bin"


def _binary(path: Path) -> Path:
    return path / "model.bin" if path.is_dir() else path


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    if not path.is_file():
        raise FileNotFoundError(f"The folder {str(folder)!r} holds no config.json.")
    needed = (*_CONFIG.values(), "encoder_attention_heads")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        return {key: int(config[key]) for key in needed}
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{str(path)!r} is not the configuration of a Whisper model ({error!r})."
        ) from error


def _from_transformers(folder: Path) -> tuple[dict[str, Tensor], int]:
    """Read the encoder of a folder, whatever model stands around it."""
    n_heads: int = _read_config(folder)["encoder_attention_heads"]
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise FileNotFoundError(f"The folder {str(folder)!r} holds no safetensors.")
    state = {}
    for file in files:
        for name, tensor in read_safetensors(file, containing="encoder.").items():
            inner = name.removeprefix("model.")
            if inner.startswith("encoder."):
                state[inner.removeprefix("encoder.")] = tensor.float()
    return state, n_heads


_CTRANSLATE2_NAMES = {
    "self_attention/layer_norm": "self_attn_layer_norm",
    "self_attention/linear_1": "self_attn.out_proj",
    "ffn/layer_norm": "final_layer_norm",
    "ffn/linear_0": "fc1",
    "ffn/linear_1": "fc2",
}
_KINDS = {"gamma": "weight", "beta": "bias", "weight": "weight", "bias": "bias"}


def _from_ctranslate2(path: Path) -> tuple[dict[str, Tensor], int]:
    model = read_ctranslate2(path, "encoder/")
    if model.spec != "WhisperSpec":
        raise ValueError(f"{str(path)!r} {_WHAT}, but a {model.spec}.")
    state: dict[str, Tensor] = {}
    n_heads = 0
    for name, values in model.tensors.items():
        parts = name.removeprefix("encoder/").split("/")
        if parts == ["num_heads"]:
            n_heads = int(values.reshape(-1)[0]) if values.size == 1 else 0
        elif parts[0].startswith("layer_") and parts[0] != "layer_norm":
            state.update(_of_layer(parts[0].removeprefix("layer_"), parts[1:], values))
        elif parts == ["position_encodings", "encodings"]:
            state["embed_positions.weight"] = as_tensor(values)
        elif len(parts) == 2 and parts[1] in _KINDS:
            state[f"{parts[0]}.{_KINDS[parts[1]]}"] = as_tensor(values)
    return state, n_heads


def _of_layer(
    number: str, parts: list[str], values: npt.NDArray[Any]
) -> Iterator[tuple[str, Tensor]]:
    """Name the tensors of a layer as transformers does; query, key and value stand in one."""
    inside, kind = "/".join(parts[:-1]), _KINDS.get(parts[-1])
    if inside == "self_attention/linear_0" and kind is not None and len(values) % 3 == 0:
        for part, rows in zip("qkv", np.split(values, 3), strict=True):
            if (part, kind) != ("k", "bias"):
                yield f"layers.{number}.self_attn.{part}_proj.{kind}", as_tensor(rows)
    elif inside in _CTRANSLATE2_NAMES and kind is not None:
        yield f"layers.{number}.{_CTRANSLATE2_NAMES[inside]}.{kind}", as_tensor(values)
