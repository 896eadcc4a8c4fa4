"""Two small transformers of cells that say what they computed."""

import numpy as np
import pandas as pd

from emoest.media.transformer import CellTransformer

COMPUTED: list[str] = []
BATCHES: list[int] = []


class WordFrames(CellTransformer):
    """One frame a word: its length and its first letter; each word lasts its length in seconds."""

    _stem = "word"
    _media = "text"
    _sidecars = ("seconds", "loudness")

    def __init__(
        self,
        pooling=None,
        chunks="pool",
        scale=1,
        errors="raise",
        cache_dir=None,
        batch_size=4,
        verbose=0,
    ):
        self.pooling = pooling
        self.chunks = chunks
        self.scale = scale
        self.errors = errors
        self.cache_dir = cache_dir
        self.batch_size = batch_size
        self.verbose = verbose

    def _recipe(self):
        return {"scale": self.scale}

    def _n_dims(self):
        return 2

    def _read_item(self, item, name):
        if "unreadable" in item:
            raise ValueError(f"{name} is unreadable")
        if "interrupt" in item:
            raise KeyboardInterrupt
        return item

    def _compute(self, batch):
        if any("uncomputable" in item for item in batch):
            raise ValueError("cannot be computed")
        BATCHES.append(len(batch))
        COMPUTED.extend(batch)
        return [self._frames(item) for item in batch]

    def _frames(self, item):
        words = [] if item == "nothing" else item.split()
        rows = [[self.scale * len(w), ord(w[0]), len(w), i] for i, w in enumerate(words)]
        return np.array(rows, dtype=np.float32).reshape(-1, 4)


class FileSizes(CellTransformer):
    """One frame a file or array: its size."""

    _stem = "size"

    def __init__(self, sampling_rate=None, errors="raise", cache_dir=None, batch_size=4, verbose=0):
        self.sampling_rate = sampling_rate
        self.errors = errors
        self.cache_dir = cache_dir
        self.batch_size = batch_size
        self.verbose = verbose

    def _recipe(self):
        return {}

    def _n_dims(self):
        return 1

    def _read_item(self, item, name):
        return item

    def _compute(self, batch):
        COMPUTED.extend(str(item) for item in batch)
        return [np.ones((1, 1), dtype=np.float32) for _ in batch]


def table(n=10):
    cells = [f"{'abcdefgh'[i % 8]}{'x' * i} some words {i}" for i in range(n)]
    return pd.DataFrame({"text": cells}, index=[f"clip_{i}" for i in range(n)])
