"""Videos for tests whose images can be told apart."""

import numpy as np
import pytest

av = pytest.importorskip("av")


def write_video(path, *, rate=10, n_frames=30, audio=False, images=True, shape=(48, 64), grid=0):
    """A video whose image k is gray of level 8 k, with a brighter grid; or audio only."""
    with av.open(str(path), "w") as container:
        if images:
            stream = container.add_stream("mpeg4", rate=rate)
            stream.height, stream.width = shape
            stream.pix_fmt = "yuv420p"
            stream.bit_rate = 2_000_000
        if audio:
            voice = container.add_stream("aac", rate=16_000)
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 16_000), np.float32), "fltp", "mono")
            frame.sample_rate = 16_000
            container.mux(voice.encode(frame))
            container.mux(voice.encode())
        for k in range(n_frames if images else 0):
            image = np.full((*shape, 3), 8 * k, dtype=np.uint8)
            image[::8] += grid
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        if images:
            container.mux(stream.encode())
    return path


def levels(clip):
    """Which images of `write_video` a clip gives."""
    return [round(float(frame.mean()) / 8) for frame in clip.frames()]
