"""Pictures of noise, tables of pictures, and videos of given ones."""

import numpy as np
import pandas as pd
import pytest

from emoest.tables.cells import object_column

av = pytest.importorskip("av")


def noise(seed, side=48):
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


def table(cells, index=None):
    index = pd.RangeIndex(len(cells)) if index is None else pd.Index(index)
    return object_column(cells, index, "face").to_frame()


def write_video(path, pictures, rate=10):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt, stream.bit_rate = "yuv420p", 4_000_000
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path
