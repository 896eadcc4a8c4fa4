"""EEGNet: a compact convolutional net for windows of EEG."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from emoest.nets.framewise import FramewiseNet

_DEPTHWISE_NORM = 1.0
_HEAD_NORM = 0.25
_SEPARABLE = 16


class EEGNet(nn.Module):
    """EEGNet of Lawhern et al. 2018: filters over time, over channels, and both once more.

    Parameters
    ----------
    n_chans : int
        Channels of the EEG.
    n_outputs : int
        Classes.
    n_times : int
        Samples of a window; at least 32.
    n_filters : int, default=8
        Filters over time (F1 in the paper).
    depth : int, default=2
        Filters over channels for each of them (D); the separable convolution has
        ``n_filters * depth`` (F2).
    kernel : int, default=64
        Samples of a filter over time; the paper takes half the sampling rate.
    dropout : float, default=0.5
        Fraction dropped behind each block in training.

    Raises
    ------
    ValueError
        If a window is shorter than what the two averages reduce it by.

    Notes
    -----
    As in the paper, filters over channels are held to a norm of 1 and the rows of the last layer to
    0.25, in training, before each pass.

    References
    ----------
    V. J. Lawhern, A. J. Solon, N. R. Waytowich, S. M. Gordon, C. P. Hung and B. J. Lance, "EEGNet:
    a compact convolutional neural network for EEG-based brain-computer interfaces", Journal of
    Neural Engineering 15(5), 2018.

    Examples
    --------
    >>> vectors, logits = EEGNet(4, 3, 256).eval()(torch.zeros(2, 4, 256))
    >>> tuple(vectors.shape), tuple(logits.shape)
    ((2, 128), (2, 3))
    """

    def __init__(
        self,
        n_chans: int,
        n_outputs: int,
        n_times: int,
        *,
        n_filters: int = 8,
        depth: int = 2,
        kernel: int = 64,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        if n_times < 32:
            raise ValueError(
                f"A window of {n_times} samples is too short for EEGNet, which averages over 32. "
                "Take longer windows or a higher sampling rate."
            )
        n_maps = n_filters * depth
        self.over_time = nn.Conv2d(1, n_filters, (1, kernel), bias=False)
        self.time_norm = nn.BatchNorm2d(n_filters)
        self.over_channels = nn.Conv2d(
            n_filters, n_maps, (n_chans, 1), groups=n_filters, bias=False
        )
        self.channel_norm = nn.BatchNorm2d(n_maps)
        self.depthwise = nn.Conv2d(n_maps, n_maps, (1, _SEPARABLE), groups=n_maps, bias=False)
        self.pointwise = nn.Conv2d(n_maps, n_maps, 1, bias=False)
        self.separable_norm = nn.BatchNorm2d(n_maps)
        self.dropout = nn.Dropout(dropout)
        self.n_units = n_maps * (n_times // 32)
        self.head = nn.Linear(self.n_units, n_outputs)

    def forward(self, windows: Tensor) -> tuple[Tensor, Tensor]:
        """Embed and classify windows.

        Parameters
        ----------
        windows : Tensor of shape (n_windows, n_chans, n_times)
            The windows, of about unit variance.

        Returns
        -------
        vectors : Tensor of shape (n_windows, n_units)
        logits : Tensor of shape (n_windows, n_outputs)
        """
        if self.training:
            self._limit_norms()
        maps = self.time_norm(self.over_time(_padded(windows[:, None], self.over_time)))
        maps = functional.elu(self.channel_norm(self.over_channels(maps)))
        maps = self.dropout(functional.avg_pool2d(maps, (1, 4)))
        maps = self.separable_norm(self.pointwise(self.depthwise(_padded(maps, self.depthwise))))
        maps = self.dropout(functional.avg_pool2d(functional.elu(maps), (1, 8)))
        vectors = maps.flatten(1)
        return vectors, self.head(vectors)

    @torch.no_grad()
    def _limit_norms(self) -> None:
        for weight, norm in (
            (self.over_channels.weight, _DEPTHWISE_NORM),
            (self.head.weight, _HEAD_NORM),
        ):
            weight.copy_(torch.renorm(weight, 2, 0, norm))


def _padded(maps: Tensor, layer: nn.Conv2d) -> Tensor:
    """Zeros at both ends, so that a convolution over time keeps the length."""
    more = layer.kernel_size[1] - 1
    return functional.pad(maps, (more // 2, more - more // 2))


class EEGWindowNet(FramewiseNet):
    """Classify windows of EEG, each a row of samples channel by channel; a trial's are averaged.

    Parameters
    ----------
    n_outputs : int
        Classes.
    n_chans : int
        Channels.
    n_times : int
        Samples of a window.
    sampling_rate : float
        In Hz; the default kernel is half of it.
    normalize : bool, default=True
        Whether each channel of each window is brought to mean 0 and deviation 1.
    n_filters, depth, kernel, dropout : int, int, int or None, float
        See `EEGNet`; a kernel of None is half a second.
    module : callable, default=None
        Makes another net, called with ``n_chans=``, ``n_outputs=`` and ``n_times=``: from windows
        of shape (n_windows, n_chans, n_times) to logits of shape (n_windows, n_outputs).

    Examples
    --------
    >>> net = EEGWindowNet(3, 4, 64, 32.0).eval()
    >>> net(torch.randn(2, 5, 4 * 64), torch.tensor([5, 1])).shape
    torch.Size([2, 3])
    """

    def __init__(
        self,
        n_outputs: int,
        n_chans: int,
        n_times: int,
        sampling_rate: float,
        *,
        normalize: bool = True,
        n_filters: int = 8,
        depth: int = 2,
        kernel: int | None = None,
        dropout: float = 0.5,
        module: Callable[..., nn.Module] | None = None,
    ) -> None:
        super().__init__()
        self.shape = (n_chans, n_times)
        self.n_outputs = n_outputs
        self.normalize = normalize
        sizes = {"n_chans": n_chans, "n_outputs": n_outputs, "n_times": n_times}
        if module is not None:
            self.net, self.n_units = module(**sizes), n_outputs
            return
        kernel = max(1, round(sampling_rate / 2)) if kernel is None else kernel
        net = EEGNet(**sizes, n_filters=n_filters, depth=depth, kernel=kernel, dropout=dropout)
        self.net, self.n_units = net, net.n_units

    def classify(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Embed and classify windows; another net than EEGNet gives its logits as vectors."""
        windows = frames.reshape(-1, *self.shape)
        if self.normalize:
            std, mean = torch.std_mean(windows, dim=2, keepdim=True)
            windows = (windows - mean) / std.clamp_min(1e-6)
        output = self.net(windows)
        vectors, logits = output if isinstance(output, tuple) else (output, output)
        if logits.shape != (len(windows), self.n_outputs):
            raise ValueError(
                f"module gives an output of shape {tuple(logits.shape)} for {len(windows)} windows "
                f"and {self.n_outputs} classes; expected {(len(windows), self.n_outputs)}."
            )
        return vectors, logits
