"""Tables of blocks of numbers, one a modality."""

import numpy as np
import pandas as pd

NAMES = ["audio", "text", "face"]


def to_frame(blocks, names=NAMES):
    columns = [
        f"{name}__{i:02d}"
        for name, block in zip(names, blocks, strict=False)
        for i in range(block.shape[1])
    ]
    index = [f"r{i}" for i in range(len(blocks[0]))]
    return pd.DataFrame(np.hstack(blocks), columns=columns, index=index)


def of(X, name):
    return [c for c in X if c.startswith(name)]


def speakers(X, n=20):
    return np.arange(len(X)) % n
