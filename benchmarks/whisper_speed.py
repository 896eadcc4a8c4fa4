"""Speed of WhisperEmbedder beside transformers' own loop and faster-whisper's encoder.

Run:  python benchmarks/whisper_speed.py FOLDER [--clips 16] [--rounds 5] [--threads 2]
The same clips of RAVDESS, decoded beforehand and handed over as arrays of 16 kHz, go through
`WhisperEmbedder` in clip and in padded context, through a loop over transformers'
`WhisperFeatureExtractor` and `WhisperModel.encoder` (30 s each, one at a time), and through the
encoder of faster-whisper (CTranslate2, float32). Nothing is cached but the models; all get the same
number of threads. The ways take turns; the median over rounds is printed, and how often a way is as
fast as transformers' loop.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from faster_whisper import WhisperModel as FasterWhisper
from transformers import WhisperConfig, WhisperFeatureExtractor
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from emoest.embeddings import WhisperEmbedder
from emoest.files.hub import CTRANSLATE2, TENSORS
from emoest.files.weights import find_weights
from emoest.media import read_audio
from emoest.nets.whisper import load_whisper_encoder

RATE = 16_000
LOOP = "transformers, padded to 30 s, one by one"


def find_folder() -> Path:
    """Find the folder of Whisper base as CTranslate2 keeps it."""
    return find_weights(
        "whisper-base", is_folder=True, tokenizer=True, tensors=(*TENSORS, CTRANSLATE2)
    )


def ways(signals: list[np.ndarray], threads: int) -> dict[str, Callable[[], None]]:
    """Name each way to encode the clips."""
    folder = find_folder()
    net = load_whisper_encoder(folder)
    sizes = WhisperConfig(
        d_model=512, encoder_layers=6, encoder_attention_heads=8, encoder_ffn_dim=2048
    )
    # Random weights take as long as trained ones.
    reference = WhisperEncoder(sizes).eval()
    extractor = WhisperFeatureExtractor(net.n_mels)
    faster = FasterWhisper(str(folder), device="cpu", compute_type="float32", cpu_threads=threads)

    def transformers_loop() -> None:
        for signal in signals:
            inputs = extractor(signal, sampling_rate=RATE, return_tensors="pt")
            with torch.inference_mode():
                reference(inputs.input_features)

    def faster_loop() -> None:
        for signal in signals:
            mels = faster.feature_extractor(signal)[:, :3000]
            padded = np.zeros((len(mels), 3000), dtype=np.float32)
            padded[:, : mels.shape[1]] = mels
            np.asarray(faster.encode(padded))

    def embed(context: str) -> Callable[[], None]:
        embedder = WhisperEmbedder(context=context, pooling="mean", cache_dir=False)
        cells = [(signal, RATE) for signal in signals]
        embedder.fit(cells)

        def transform() -> None:
            embedder.transform(cells)

        return transform

    return {
        "WhisperEmbedder, context='clip'": embed("clip"),
        "WhisperEmbedder, context='padded'": embed("padded"),
        LOOP: transformers_loop,
        "faster-whisper's encoder, float32": faster_loop,
    }


def measure(folder: Path, n_clips: int, n_rounds: int, threads: int) -> pd.DataFrame:
    """Time each way; seconds for all clips."""
    torch.set_num_threads(threads)
    paths = sorted(folder.rglob("*.flac"))
    chosen = np.random.default_rng(0).choice(len(paths), n_clips, replace=False)
    signals = [read_audio(paths[i], target_rate=RATE)[0] for i in sorted(chosen)]
    found = ways(signals, threads)
    times: dict[str, list[float]] = {name: [] for name in found}
    for encode in found.values():
        encode()
    for _ in range(n_rounds):
        for name, encode in found.items():
            start = time.perf_counter()
            encode()
            times[name].append(time.perf_counter() - start)
    medians = pd.Series({name: statistics.median(each) for name, each in times.items()})
    seconds = sum(len(signal) for signal in signals) / RATE
    return pd.DataFrame(
        {
            "seconds": medians.round(2),
            "times real time": (seconds / medians).round(1),
            "times transformers' loop": (medians[LOOP] / medians).round(1),
        }
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="folder of RAVDESS")
    parser.add_argument("--clips", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    print(measure(given.folder, given.clips, given.rounds, given.threads).to_string())


if __name__ == "__main__":
    main()
