"""Audio files for tests, whole and damaged, by codec."""

import io
import struct
from functools import cache

import numpy as np
import soundfile

RATE = 16000
SECONDS = 3.0


def tone(pause=0.0):
    """Three seconds of a tone that swells, with a pause in front."""
    time = np.arange(round(SECONDS * RATE)) / RATE
    signal = 0.4 * np.sin(2 * np.pi * 440 * time) * (0.3 + 0.7 * (np.sin(4 * time) > 0))
    signal += 0.02 * np.random.default_rng(0).standard_normal(len(signal))
    signal[: round(pause * RATE)] = 0
    return signal.astype(np.float32)


@cache
def saved(form, subtype=None, pause=0.0):
    """Bytes of a whole file, as libsndfile writes it."""
    file = io.BytesIO()
    soundfile.write(file, tone(pause), RATE, format=form, subtype=subtype)
    return file.getvalue()


class _Pipe:
    """Cannot go back to fill in what was not known at the beginning."""

    def __init__(self):
        self.content = bytearray()

    def write(self, data):
        self.content += bytes(data)
        return len(data)


def streamed(codec, form, pause=0.0, rate=RATE, **options):
    """Bytes of a file that FFmpeg wrote to a pipe."""
    import av

    pipe = _Pipe()
    with av.open(pipe, "w", format=form) as container:
        stream = container.add_stream(codec, rate=rate, options=options)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(tone(pause)[None], "fltp", "mono")
        frame.sample_rate = RATE
        resampler = av.AudioResampler(
            stream.format.name, "mono", rate, stream.codec_context.frame_size or 4096
        )
        for part in resampler.resample(frame) + resampler.resample(None):
            container.mux(stream.encode(part))
        container.mux(stream.encode())
    return bytes(pipe.content)


def with_size(content, size, whole=None):
    """A WAV file whose header declares another number of bytes."""
    at = content.index(b"data") + 4
    changed = content[:at] + struct.pack("<I", size) + content[at + 4 :]
    return changed if whole is None else changed[:4] + struct.pack("<I", whole) + changed[8:]
