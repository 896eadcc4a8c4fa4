"""Random masks over the frames and bands of log-mel spectra (SpecAugment), drawn while training."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from emoest.nets.layers.pooling import frame_mask

REFERENCE_MELS = 80
"""Bands for which the widths of the policies are meant; other numbers of bands scale them."""


@dataclass(frozen=True)
class MaskPolicy:
    """How many masks are drawn, and how wide.

    Parameters
    ----------
    bands : int
        Largest width of a frequency mask, in bands of 80 (F in the paper).
    n_band_masks : int
        Frequency masks of each spectrum.
    frames : int
        Largest width of a time mask, in frames (T).
    share : float
        Largest width of a time mask as a share of the frames of the spectrum (p).
    n_frame_masks : int
        Time masks of each spectrum.
    narrowest : int, default=0
        Smallest width of a mask, in bands or frames, whatever their number; a mask whose largest
        width is below takes that.
    probability : float, default=1.0
        Share of the spectra that get masks at all.

    Raises
    ------
    ValueError
        If a number is negative, or a share or probability lies outside of 0 to 1.
    """

    bands: int
    n_band_masks: int
    frames: int
    share: float
    n_frame_masks: int
    narrowest: int = 0
    probability: float = 1.0

    def __post_init__(self) -> None:
        counts = ("bands", "n_band_masks", "frames", "n_frame_masks", "narrowest")
        wrong = [name for name in counts if getattr(self, name) < 0]
        wrong += [name for name in ("share", "probability") if not 0 <= getattr(self, name) <= 1]
        if wrong:
            raise ValueError(
                f"A mask policy cannot have {wrong[0]}={getattr(self, wrong[0])}: widths and "
                "counts are at least 0, share and probability lie between 0 and 1."
            )


POLICIES: dict[str, MaskPolicy] = {
    "LB": MaskPolicy(bands=27, n_band_masks=1, frames=100, share=1.0, n_frame_masks=1),
    "LD": MaskPolicy(bands=27, n_band_masks=2, frames=100, share=1.0, n_frame_masks=2),
    "SM": MaskPolicy(bands=15, n_band_masks=2, frames=70, share=0.2, n_frame_masks=2),
    "SS": MaskPolicy(bands=27, n_band_masks=2, frames=70, share=0.2, n_frame_masks=2),
    "mild": MaskPolicy(
        bands=8,
        n_band_masks=1,
        frames=10,
        share=1.0,
        n_frame_masks=1,
        narrowest=1,
        probability=0.6,
    ),
}
"""LibriSpeech basic and double, Switchboard mild and strong, and a mild one for speakers."""


class SpecAugment(nn.Module):
    """Mask random bands and stretches of time of log-mel spectra; only in training mode.

    A frequency mask is f bands wide, f uniform in {0, ..., F}; a time mask t frames, t uniform in
    {0, ..., min(T, floor(p * n_frames))} (the mild policy draws from 1 on); each starts anywhere
    that it fits. Widths and places are drawn for each mask of each spectrum, masks may overlap, and
    nothing is written in place. The draws come from torch's generator. In evaluation mode the
    frames are handed on as they are.

    Parameters
    ----------
    policy : {"LB", "LD", "SM", "SS", "mild"} or dict, default="SM"
        LibriSpeech basic or double, Switchboard mild or strong, a milder one that is in use for
        speaker recognition, or the parameters of a `MaskPolicy`. F is scaled by the number of
        bands over 80 and rounded.
    fill : {"zero", "mean"}, default="zero"
        What stands under a mask: 0, which is the mean after mean normalization over time, or the
        mean over the spectrum's own frames and bands.

    Raises
    ------
    ValueError
        If `policy` or `fill` is unknown.

    Notes
    -----
    The time warping of the paper is left out. Two points differ from its text: a start is drawn
    from {0, ..., n - width}, so that the last band and frame can be masked as well; and one time
    mask never covers all frames of a spectrum.

    References
    ----------
    D. S. Park, W. Chan, Y. Zhang, C.-C. Chiu, B. Zoph, E. D. Cubuk and Q. V. Le, "SpecAugment: a
    simple data augmentation method for automatic speech recognition", Interspeech 2019, table 1.

    Examples
    --------
    >>> spectra = torch.ones(1, 50, 80)
    >>> masks = SpecAugment("SM")
    >>> bool((masks.train()(spectra, torch.tensor([50])) == 0).float().mean() <= 1 - 0.6 * 0.625)
    True
    >>> masks.eval()(spectra, torch.tensor([50])) is spectra
    True
    """

    def __init__(self, policy: str | Mapping[str, float] = "SM", *, fill: str = "zero") -> None:
        super().__init__()
        self.policy = find_policy(policy)
        if fill not in ("zero", "mean"):
            raise ValueError(f"fill={fill!r} is unknown; choose 'zero' or 'mean'.")
        self.fill = fill

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Mask spectra.

        Parameters
        ----------
        frames : Tensor of shape (n_rows, n_frames, n_mels)
            Log-mel spectra, padding at the end; the padding is never touched.
        lengths : Tensor of int, shape (n_rows,)
            Frames of each spectrum.

        Returns
        -------
        masked : Tensor of shape (n_rows, n_frames, n_mels)
            A new tensor in training mode.
        """
        if not self.training:
            return frames
        n_rows, n_frames, n_mels = frames.shape
        own = frame_mask(lengths, n_frames)[:, :, None]
        in_time = self._frame_masks(lengths, n_frames)[:, :, None]
        in_bands = self._band_masks(n_rows, n_mels, frames.device)[:, None, :]
        chosen = torch.rand(n_rows, device=frames.device) < self.policy.probability
        masked = (in_time | in_bands) & own & chosen[:, None, None]
        if self.fill == "zero":
            return frames.masked_fill(masked, 0.0)
        total = frames.masked_fill(~own, 0.0).sum(dim=(1, 2))
        mean = total / (lengths.clamp_min(1) * n_mels)
        return torch.where(masked, mean[:, None, None].to(frames.dtype), frames)

    def _band_masks(self, n_rows: int, n_mels: int, device: torch.device) -> Tensor:
        policy, scale = self.policy, n_mels / REFERENCE_MELS
        sizes = torch.full((n_rows,), n_mels, device=device)
        widest = torch.full_like(sizes, min(n_mels, round(policy.bands * scale)))
        return _stretches(sizes, widest, policy.narrowest, policy.n_band_masks, n_mels)

    def _frame_masks(self, lengths: Tensor, n_frames: int) -> Tensor:
        policy = self.policy
        # The share of a whole number of frames is whole, whatever the binary fraction says.
        widest = torch.floor(lengths.double() * policy.share + 1e-9).long()
        widest = torch.minimum(widest, lengths - 1).clamp(0, policy.frames)
        return _stretches(lengths, widest, policy.narrowest, policy.n_frame_masks, n_frames)

    def extra_repr(self) -> str:
        """Show the settings where the module is printed."""
        return f"{self.policy}, fill={self.fill!r}"


def find_policy(policy: str | Mapping[str, float]) -> MaskPolicy:
    """Convert a name or a dict to a policy.

    Raises
    ------
    ValueError
        If the name or a key is unknown, or a number makes no sense.

    Examples
    --------
    >>> find_policy("SM").frames
    70
    """
    if isinstance(policy, str):
        if policy not in POLICIES:
            raise ValueError(f"Mask policy {policy!r} is unknown; choose one of {list(POLICIES)}.")
        return POLICIES[policy]
    try:
        return MaskPolicy(**policy)  # type: ignore[arg-type]
    except TypeError as error:
        raise ValueError(
            f"A mask policy cannot be made of {dict(policy)} ({error}). It needs bands, "
            "n_band_masks, frames, share and n_frame_masks, and may have narrowest and probability."
        ) from error


def _stretches(
    sizes: Tensor, widest: Tensor, narrowest: int, n_masks: int, n_places: int
) -> Tensor:
    """Draw stretches within the first `sizes` places of each row; True where one lies."""
    uniform = torch.rand(2, len(sizes), n_masks, device=sizes.device, dtype=torch.float64)
    low = widest.clamp_max(narrowest)[:, None]
    widths = low + (uniform[0] * (widest[:, None] - low + 1)).long()
    starts = (uniform[1] * (sizes[:, None] - widths + 1)).long()
    places = torch.arange(n_places, device=sizes.device)
    inside = (places >= starts[..., None]) & (places < (starts + widths)[..., None])
    return inside.any(dim=1)
