"""Nets of deep estimators as they are exported."""

from typing import Any

import numpy as np
import torch

from emoest.nets.export import ExportableNet, RowOfFrames

_EXAMPLE_FRAMES = 24


def frames_net(estimator: Any) -> ExportableNet:
    """Return the net of a fitted estimator of one modality: a row of frames in, outputs out."""
    (name,) = estimator.modalities_
    n_dims = int(estimator.n_dims_)
    scale = estimator.scales_.get(name)
    mean = np.zeros(n_dims, np.float32) if scale is None else scale.mean
    std = np.ones(n_dims, np.float32) if scale is None else scale.std
    generator = torch.Generator().manual_seed(0)
    frames = torch.randn(1, _EXAMPLE_FRAMES, n_dims, generator=generator)
    return ExportableNet(
        RowOfFrames(estimator.net_.module_, mean, std),
        {"frames": frames * torch.as_tensor(std) + torch.as_tensor(mean)},
        {"frames": {1: "n_frames"}},
        "outputs",
    )
