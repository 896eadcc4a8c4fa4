"""A quick embedder that counts what it computes, on whichever process that is."""

import os
import time
from pathlib import Path

import numpy as np

from emoest.media.transformer import CellTransformer


class CountingEmbedder(CellTransformer):
    """Gives numbers that depend on the text alone; a line in `log` for each item computed."""

    _stem, _media = "count", "text"

    _parameter_constraints = {
        **CellTransformer._parameter_constraints,
        "log": [str],
        "pooling": [str, None],
        "delay": [float],
        "bad": [str, None],
    }

    def __init__(
        self,
        log,
        *,
        pooling="mean",
        delay=0.0,
        bad=None,
        errors="raise",
        cache_dir=False,
        batch_size=4,
        verbose=0,
    ):
        self.log = log
        self.pooling = pooling
        self.delay = delay
        self.bad = bad
        self.errors = errors
        self.cache_dir = cache_dir
        self.batch_size = batch_size
        self.verbose = verbose

    def _recipe(self):
        return {"stub": 1}

    def _n_dims(self):
        return 3

    def _read_item(self, item, name):
        if self.bad is not None and item == self.bad:
            raise ValueError(f"{name} cannot be read")
        return item

    def _compute(self, batch):
        time.sleep(self.delay * len(batch))
        with Path(self.log).open("a") as file:
            file.write("".join(f"{os.getpid()} {item}\n" for item in batch))
        sizes = [sum(map(ord, item)) for item in batch]
        return [
            np.float32([[size, size % 7, len(item)]])
            for size, item in zip(sizes, batch, strict=True)
        ]


def computed(log):
    """Lines of the log: process and item."""
    path = Path(log)
    return [line.split(" ", 1) for line in path.read_text().splitlines()] if path.exists() else []
