"""The voice encoder of Resemblyzer: an LSTM that tells speakers apart, and its weight files.

Architecture and file layout follow Resemblyzer (``voice_encoder.py``; Apache-2.0), which follows
Wan, Wang, Papir and Lopez Moreno, "Generalized end-to-end loss for speaker verification", ICASSP
2018. Input is power mel spectra (no logarithm) of 1.6 s.
"""

from pathlib import Path

import torch
from torch import Tensor, nn

from emoest.nets.weight_files.safetensors_io import fitting_net, read_safetensors
from emoest.nets.weight_files.torch_reader import plain_tensors, read_torch

N_MELS = 40
N_DIMS = 256
PARTIAL_FRAMES = 160
"""Frames in one stretch that the net sees, 1.6 s."""

_N_LAYERS = 3
_WHAT = "the voice encoder"
_TINY = 1e-12


class VoiceEncoder(nn.Module):
    """Three layers of LSTM, a linear layer with ReLU, and a vector of length 1.

    Examples
    --------
    >>> with torch.inference_mode():
    ...     vectors = VoiceEncoder()(torch.rand(2, 160, 40))
    >>> vectors.shape, bool((vectors >= 0).all())
    (torch.Size([2, 256]), True)
    """

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(N_MELS, N_DIMS, _N_LAYERS, batch_first=True)
        self.linear = nn.Linear(N_DIMS, N_DIMS)

    def forward(self, mels: Tensor) -> Tensor:
        """Embed stretches of one length.

        Parameters
        ----------
        mels : Tensor of shape (n, n_frames, 40)
            Power mel spectra.

        Returns
        -------
        vectors : Tensor of shape (n, 256)
            Not negative, of Euclidean length 1 (or 0 where no unit answers).
        """
        _, (hidden, _) = self.lstm(mels)
        raw = torch.relu(self.linear(hidden[-1]))
        return raw / torch.linalg.vector_norm(raw, dim=1, keepdim=True).clamp_min(_TINY)


def load_voice_encoder(path: Path) -> VoiceEncoder:
    """Load weights; a pickle is opened for its tensors only.

    Parameters
    ----------
    path : Path
        Resemblyzer's ``pretrained.pt``, or a ``.safetensors`` file of `save_net`.

    Returns
    -------
    net : VoiceEncoder
        In eval mode.

    Raises
    ------
    ValueError
        If the file is damaged or holds other weights.

    Examples
    --------
    >>> import tempfile
    >>> from emoest.nets.weight_files.safetensors_io import save_net
    >>> path = save_net(VoiceEncoder(), Path(tempfile.mkdtemp()) / "net.safetensors")
    >>> load_voice_encoder(path).training
    False
    """
    state = _read(path)
    # The published file holds the scale and shift of its training loss as well.
    own = {name: value for name, value in state.items() if name.startswith(("lstm.", "linear."))}
    return fitting_net(VoiceEncoder, own, f"{str(path)!r} does not hold {_WHAT}")


def _read(path: Path) -> dict[str, Tensor]:
    if path.suffix == ".safetensors":
        return read_safetensors(path)
    try:
        found = read_torch(path)
    except ValueError as error:
        raise ValueError(
            f"{str(path)!r} is corrupted, truncated or no file of tensors, and nothing else in it "
            f"is run ({error})."
        ) from error
    state = found.get("model_state") if isinstance(found, dict) else None
    if not isinstance(state, dict):
        raise ValueError(f"{str(path)!r} does not hold {_WHAT}: no 'model_state'.")
    return plain_tensors(state)
