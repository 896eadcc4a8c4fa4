"""Which frames of a log-mel spectrum are loud, and what is left when the silence around is cut.

Half of a recorded clip may be pause: statistics over all frames then say more about how long
somebody was silent than about how the voice sounded.
"""

import torch
from torch import Tensor
from torch.nn import functional

from emoest.nets.layers.pooling import frame_mask

SILENCE = ("keep", "trim", "gate")
"""All frames; without the quiet ends; without quiet frames in the pooling, too."""

# Energies that differ by less are the rounding of a constant, not a voice.
_SAME = 1e-3


def loud_frames(frames: Tensor, lengths: Tensor) -> Tensor:
    """Mark the frames whose mean over bands exceeds that of the whole row.

    Parameters
    ----------
    frames : Tensor of shape (n_rows, n_frames, n_mels)
        Log-mel spectra, less each band's mean or not, padding at the end.
    lengths : Tensor of int, shape (n_rows,)
        Frames of each row.

    Returns
    -------
    loud : Tensor of bool, shape (n_rows, n_frames)
        All own frames of a row that is equally loud throughout, such as digital silence; none
        behind the end of a row.

    Examples
    --------
    >>> spectra = torch.tensor([[[-5.0], [2.0], [3.0], [0.0], [9.0]], [[1.0]] * 5])
    >>> loud_frames(spectra, torch.tensor([4, 2])).int().tolist()
    [[0, 1, 1, 0, 0], [1, 1, 0, 0, 0]]
    """
    own = frame_mask(lengths, frames.shape[1])
    energy = frames.float().mean(dim=2).masked_fill(~own, 0.0)
    mean = energy.sum(dim=1, keepdim=True) / lengths.clamp_min(1)[:, None]
    loud = (energy - mean > _SAME) & own
    return torch.where(loud.any(dim=1, keepdim=True), loud, own)


def trim_silence(frames: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Cut what lies before the first and behind the last loud frame of each row.

    Parameters
    ----------
    frames : Tensor of shape (n_rows, n_frames, n_mels)
        See `loud_frames`.
    lengths : Tensor of int, shape (n_rows,)
        Frames of each row.

    Returns
    -------
    frames : Tensor of shape (n_rows, n_left, n_mels)
        What is left, zeros behind it.
    lengths : Tensor of int, shape (n_rows,)
        Frames that are left of each row; a row with frames keeps one at least.
    loud : Tensor of bool, shape (n_rows, n_left)
        Which of them are loud.

    Examples
    --------
    >>> spectra = torch.tensor([[[-5.0], [2.0], [3.0], [-1.0]]])
    >>> frames, lengths, loud = trim_silence(spectra, torch.tensor([4]))
    >>> frames.flatten().tolist(), lengths.tolist(), loud.tolist()
    ([2.0, 3.0], [2], [[True, True]])
    """
    loud = loud_frames(frames, lengths)
    places = torch.arange(frames.shape[1], device=frames.device)
    first = places.expand_as(loud).masked_fill(~loud, frames.shape[1]).amin(dim=1)
    last = places.expand_as(loud).masked_fill(~loud, -1).amax(dim=1)
    left = (last - first + 1).clamp_min(0)
    steps = torch.arange(max(1, int(left.max())), device=frames.device)
    taken = (first[:, None] + steps).clamp_max(frames.shape[1] - 1)
    own = frame_mask(left, len(steps))
    kept = frames.gather(1, taken[:, :, None].expand(-1, -1, frames.shape[2]))
    return kept.masked_fill(~own[:, :, None], 0.0), left, loud.gather(1, taken) & own


def coarser(marks: Tensor, stride: int) -> Tensor:
    """Mark the frames behind strided layers that see a marked frame.

    Parameters
    ----------
    marks : Tensor of bool, shape (n_rows, n_frames)
        The marks.
    stride : int
        How many frames became one.

    Returns
    -------
    marks : Tensor of bool, shape (n_rows, ceil(n_frames / stride))

    Examples
    --------
    >>> coarser(torch.tensor([[False, True, False, False, True]]), 2).tolist()
    [[True, False, True]]
    """
    padded = functional.pad(marks, (0, -marks.shape[1] % stride))
    return padded.reshape(len(marks), -1, stride).any(dim=2)
