"""Weights of a trained backbone as a plain object: what one net hands to another, and its file."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from emoest.nets.speech_resnet import LAYOUTS, ResNetTrunk
from emoest.nets.weight_files.safetensors_io import (
    check_state,
    fit_state,
    read_metadata,
    read_safetensors,
    safetensors_path,
    tensors_of,
    write_safetensors,
)

_FORMAT = "emoest-speech-trunk-1"
_LARGEST = 2**16


@dataclass(frozen=True, eq=False, repr=False)
class TrunkWeights:
    """Tensors of a `emoest.nets.speech_resnet.ResNetTrunk` and how it was trained.

    Parameters
    ----------
    state : dict of str to Tensor
        The backbone's tensors.
    layout : {"speaker", "imagenet"}
        Layout of the backbone.
    channels : int
        Channels of its first stage.
    n_mels : int
        Bands of the frames that it was trained on.
    unbiased : bool, default=True
        Whether the pooled variance behind it was divided by T - 1.
    speakers : tuple, default=()
        Those on whom it was trained, as str or int. `emoest.evaluation.evaluate` raises on a model
        with such weights where one of them is in a test fold.
    source : str, default="a trunk"
        Where the weights come from, for messages.

    Notes
    -----
    The object is not meant to be changed: a copy of it is the object itself.

    Examples
    --------
    >>> trunk = ResNetTrunk(40, channels=2)
    >>> weights = TrunkWeights.of(trunk, speakers=["s1", "s2"])
    >>> weights
    TrunkWeights(layout='speaker', channels=2, n_mels=40, speakers: 2, source='a trunk')
    >>> weights.load_into(ResNetTrunk(40, channels=2))
    """

    state: dict[str, Tensor]
    layout: str
    channels: int
    n_mels: int
    unbiased: bool = True
    speakers: tuple[str | int, ...] = ()
    source: str = "a trunk"

    @classmethod
    def of(
        cls,
        trunk: ResNetTrunk,
        *,
        unbiased: bool = True,
        speakers: Any = (),
        source: str = "a trunk",
    ) -> "TrunkWeights":
        """Copy the weights of a backbone.

        Parameters
        ----------
        trunk : ResNetTrunk
            The backbone.
        unbiased : bool, default=True
            See the class.
        speakers : iterable of str or int, default=()
            On whom it was trained.
        source : str, default="a trunk"
            Where the weights come from.

        Returns
        -------
        weights : TrunkWeights
            On the CPU.
        """
        state = {name: value.detach().cpu().clone() for name, value in tensors_of(trunk).items()}
        # Scalars of numpy would not go into the JSON of a file.
        names = tuple(getattr(name, "item", lambda name=name: name)() for name in speakers)
        return cls(state, trunk.layout, trunk.channels, trunk.n_mels, unbiased, names, source)

    @property
    def seen_groups_(self) -> list[str | int]:
        """Speakers who must not be in a test fold."""
        return list(self.speakers)

    def load_into(self, trunk: ResNetTrunk) -> None:
        """Load the weights into a backbone of the same shape.

        Parameters
        ----------
        trunk : ResNetTrunk
            The backbone.

        Raises
        ------
        ValueError
            If the backbone reads another number of bands or has other layers; the message names the
            first layer that differs.
        """
        if trunk.n_mels != self.n_mels:
            raise ValueError(
                f"The backbone of {self.source} was trained on frames of {self.n_mels} bands, "
                f"these have {trunk.n_mels}. Compute the log-mel spectra with n_mels={self.n_mels}."
            )
        what = f"a backbone of {trunk.channels} channels"
        fit_state(trunk, self.state, f"{self.source!r} does not hold {what}")

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
            "layout": self.layout,
            "channels": self.channels,
            "n_mels": self.n_mels,
            "unbiased": self.unbiased,
            "speakers": list(self.speakers),
        }
        write_safetensors(self.state, path, {"trunk": json.dumps(about)})

    @classmethod
    def load(cls, path: Any) -> "TrunkWeights":
        """Read what `save` wrote.

        Parameters
        ----------
        path : str or path object
            The file.

        Returns
        -------
        weights : TrunkWeights

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
        # A net without storage shows which tensors these sizes need.
        with torch.device("meta"):
            trunk = ResNetTrunk(about["n_mels"], layout=about["layout"], channels=about["channels"])
        check_state(trunk, state, f"{str(path)!r} does not hold the backbone that it describes")
        return cls(
            state=state,
            layout=about["layout"],
            channels=about["channels"],
            n_mels=about["n_mels"],
            unbiased=about["unbiased"],
            speakers=tuple(about["speakers"]),
            source=str(path),
        )

    def __repr__(self) -> str:
        return (
            f"TrunkWeights(layout={self.layout!r}, channels={self.channels}, n_mels={self.n_mels}, "
            f"speakers: {len(self.speakers)}, source={self.source!r})"
        )

    def __getstate__(self) -> dict[str, Any]:
        # Of the types of tensors numpy lacks bfloat16.
        state = {
            name: (value.float() if value.dtype == torch.bfloat16 else value).numpy()
            for name, value in self.state.items()
        }
        return vars(self) | {"state": state}

    def __setstate__(self, values: dict[str, Any]) -> None:
        state = {name: torch.as_tensor(value) for name, value in values["state"].items()}
        vars(self).update(values | {"state": state})

    # clone copies parameters deeply, and the tensors are never changed.
    def __deepcopy__(self, memo: dict[int, Any]) -> "TrunkWeights":
        return self

    def __copy__(self) -> "TrunkWeights":
        return self


def seen_speakers(path: Path) -> list[str | int]:
    """Read from a file of `TrunkWeights` on whom they were trained, without reading the tensors.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    speakers : list of str or int

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged or holds something else.
    """
    return list(_about(path)["speakers"])


def _about(path: Path) -> dict[str, Any]:
    text = read_metadata(path).get("trunk", "{}")
    try:
        about = json.loads(text)
    except (ValueError, RecursionError):
        about = None
    if not isinstance(about, dict) or about.get("format") != _FORMAT:
        raise ValueError(
            f"{str(path)!r} holds no weights of a backbone. SpeakerPretrainer makes them: "
            "pretrainer.weights_.save(path)."
        )
    wrong = [name for name, is_sound in _SOUND.items() if not is_sound(about.get(name))]
    if wrong:
        raise ValueError(
            f"{str(path)!r} is damaged: its {wrong[0]} cannot be {about.get(wrong[0])!r}."
        )
    return about


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _LARGEST


def _is_list_of_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str | int) for name in value)


_SOUND = {
    "layout": lambda value: isinstance(value, str) and value in LAYOUTS,
    "channels": _is_size,
    "n_mels": _is_size,
    "unbiased": lambda value: isinstance(value, bool),
    "speakers": _is_list_of_names,
}
"""What the description of a backbone may say."""
