"""Small nets and small tables of frames, for the tests of this room."""

import numpy as np
import pandas as pd
import torch
from skorch.callbacks import LRScheduler
from torch.optim.lr_scheduler import CosineAnnealingLR

from emoest.tables.cells import object_column

SMALL = {"hidden_size": 4, "max_epochs": 3, "lr": 0.02, "random_state": 0}
PLAIN = {**SMALL, "validation_fraction": None}
FAST_FUSION = {"max_epochs": 2, "validation_fraction": None, "random_state": 0}
SMALL_FUSION = {
    "memory_dim": 8,
    "attention_size": 8,
    "update_size": 8,
    "gate_size": 8,
    "output_size": 8,
}


def make_frames(n_rows=40, n_dims=3, seed=0, speakers=8, longest=9):
    """Ragged frames whose mean tells the class, with a speaker in the index."""
    generator = np.random.RandomState(seed)
    y = np.array(["happy", "sad"])[np.arange(n_rows) % 2]
    cells = [
        (
            generator.randn(generator.randint(1, longest + 1), n_dims)
            + (1.5 if label == "sad" else 0)
        ).astype("float32")
        for label in y
    ]
    index = pd.MultiIndex.from_arrays(
        [range(n_rows), [f"s{i // 2 % speakers}" for i in range(n_rows)]], names=[None, "group"]
    )
    return object_column(cells, index, "audio__frames").to_frame(), y


def make_two(n_rows=12):
    """Time-aligned frames of two modalities."""
    X, y = make_frames(n_rows=n_rows)
    other = [2.0 * cell[:, :2] for cell in X["audio__frames"]]
    return X.assign(text__frames=object_column(other, X.index)), y


def make_voices(n_rows=32, n_dims=16, seed=0):
    """Ragged spectra of two speakers, one of whom has more in the upper bands."""
    generator = np.random.RandomState(seed)
    speakers = np.array(["ann", "bob"])[np.arange(n_rows) % 2]
    slope = np.linspace(-1, 1, n_dims)
    cells = [
        (0.4 * generator.randn(generator.randint(20, 40), n_dims) + slope * (s == "bob")).astype(
            "float32"
        )
        for s in speakers
    ]
    return object_column(cells, range(n_rows), "audio__frames").to_frame(), speakers


def state_of(model):
    return {name: value.clone() for name, value in model.net_.module_.state_dict().items()}


def assert_same_state(left, right):
    assert list(left) == list(right)
    for name, value in left.items():
        assert torch.equal(value, right[name]), name


def falling_rate(max_epochs):
    """A learning rate that falls to zero.

    The running statistics of batch normalization lag behind weights that still move fast, so that
    a net trained for few epochs predicts by luck without it.
    """
    return LRScheduler(CosineAnnealingLR, T_max=max_epochs)
