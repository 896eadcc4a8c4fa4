"""Weights of a cross-modal Transformer as a plain object, its file, and those of a BERT."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from emoest.nets.batches import Scale
from emoest.nets.cross_modal.pieces import Pieces
from emoest.nets.weight_files.safetensors_io import (
    read_metadata,
    read_safetensors,
    safetensors_path,
    write_safetensors,
)

_FORMAT = "emoest-cross-modal-1"
SIZES = ("hidden_size", "n_layers", "n_heads", "intermediate_size", "n_positions")
"""Sizes that weights decide, whatever the parameters of an estimator say."""


@dataclass(frozen=True, eq=False, repr=False)
class MEmoBERTWeights:
    """Weights of a pre-trained MEmoBERT, or of a BERT, with its tokenizer.

    Parameters
    ----------
    state : dict of str to Tensor
        Tensors by the names of `emoest.nets.cross_modal.net.PretrainingNet`.
    sizes : dict of str to int
        `SIZES` of the Transformer.
    pieces : Pieces
        The tokenizer.
    dims : dict of str to int, default={}
        Width of the frames of each modality; a BERT has none.
    scales : dict of str to Scale, default={}
        How frames were scaled.
    speakers : tuple, default=()
        Groups of the rows of the pre-training: `emoest.evaluation.evaluate` raises where one of
        them is in a test fold.
    source : str, default="a pre-training"
        Where the weights come from, for messages.

    Notes
    -----
    The object is not meant to be changed: a copy of it is the object itself.
    """

    state: dict[str, Tensor]
    sizes: dict[str, int]
    pieces: Pieces
    dims: dict[str, int] = field(default_factory=dict)
    scales: dict[str, Scale] = field(default_factory=dict)
    speakers: tuple[str | int, ...] = ()
    source: str = "a pre-training"

    @property
    def seen_groups_(self) -> list[str | int]:
        """Groups that must not be in a test fold."""
        return list(self.speakers)

    @property
    def vocab_size(self) -> int:
        """Rows of the table of pieces."""
        return len(self.state["trunk.text.words.weight"])

    def check_dims(self, dims: Mapping[str, int]) -> dict[str, int]:
        """Join the widths of these weights and of frames.

        Raises
        ------
        ValueError
            If a modality has another width.
        """
        for name, width in self.dims.items():
            if dims.get(name, width) != width:
                raise ValueError(
                    f"The weights of {self.source!r} were trained on frames of {name!r} of {width} "
                    f"dimensions, these have {dims[name]}. Take the same encoder."
                )
        return {**self.dims, **dims}

    def load_into(self, net: nn.Module) -> None:
        """Load what the net has of these weights; its other layers stay as they are.

        Raises
        ------
        ValueError
            If a layer has another shape; the message names it.
        """
        own = net.state_dict()
        for name, value in self.state.items():
            if name in own and own[name].shape != value.shape:
                raise ValueError(
                    f"{self.source!r} holds a net of another shape: layer {name!r} has "
                    f"{tuple(value.shape)}, {tuple(own[name].shape)} are needed."
                )
        kept = {name: value for name, value in self.state.items() if name in own}
        net.load_state_dict(kept, strict=False)

    def save(self, path: Any) -> None:
        """Write the weights as safetensors.

        Parameters
        ----------
        path : str or path object
            The file, ending in ``.safetensors``.

        Raises
        ------
        ValueError
            If it has another ending.
        FileNotFoundError
            If there is no such folder.
        """
        path = safetensors_path(path)
        about = {
            "format": _FORMAT,
            "sizes": self.sizes,
            "dims": self.dims,
            "pieces": self.pieces.to_json(),
            "scales": list(self.scales),
            "speakers": list(self.speakers),
        }
        state = dict(self.state)
        for name, scale in self.scales.items():
            state[f"scale/{name}/mean"] = torch.as_tensor(scale.mean)
            state[f"scale/{name}/std"] = torch.as_tensor(scale.std)
        write_safetensors(state, path, {"cross_modal": json.dumps(about)})

    @classmethod
    def load(cls, path: Any) -> "MEmoBERTWeights":
        """Read what `save` wrote.

        Parameters
        ----------
        path : str or path object
            The file.

        Returns
        -------
        weights : MEmoBERTWeights

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file is damaged or holds something else.
        """
        path = Path(path).expanduser()
        about = _about(path)
        state = read_safetensors(path)
        scales = {
            name: Scale(*(state.pop(f"scale/{name}/{part}").numpy() for part in ("mean", "std")))
            for name in about["scales"]
        }
        return cls(
            state=state,
            sizes=about["sizes"],
            pieces=Pieces.from_json(about["pieces"]),
            dims=about["dims"],
            scales=scales,
            speakers=tuple(about["speakers"]),
            source=str(path),
        )

    def __repr__(self) -> str:
        return (
            f"MEmoBERTWeights(hidden_size={self.sizes['hidden_size']}, "
            f"n_layers={self.sizes['n_layers']}, dims={self.dims}, "
            f"speakers: {len(self.speakers)}, source={self.source!r})"
        )

    # clone copies parameters deeply, and the tensors are never changed.
    def __deepcopy__(self, memo: dict[int, Any]) -> "MEmoBERTWeights":
        return self

    def __copy__(self) -> "MEmoBERTWeights":
        return self


def seen_speakers(path: Path) -> list[str | int]:
    """Read from a file of `MEmoBERTWeights` on whom they were trained, without the tensors."""
    return list(_about(path)["speakers"])


def _about(path: Path) -> dict[str, Any]:
    about: dict[str, Any] = json.loads(read_metadata(path).get("cross_modal", "{}"))
    if about.get("format") != _FORMAT:
        raise ValueError(
            f"{str(path)!r} holds no weights of a MEmoBERT. MEmoBERTPretrainer makes them: "
            "pretrainer.export().save(path)."
        )
    return about
