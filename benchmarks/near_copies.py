"""How many near copies are seen, by noise and by what clips are described with.

A fifth of the clips is added once more with noise, whose deviation is a fraction of that of each
column. Prints, for vectors of RAVDESS and CREMA-D, how many of the copies `check_leakage` would
name (wherever the folds part them), how many other pairs, and the pairs in the corpus itself.

    python benchmarks/near_copies.py DATA

DATA holds ``ravdess_frames/`` and ``cremad_vectors/``.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from emoest.evaluation._leaks.near import find_near_pairs, sample_vectors

NOISES = (0.05, 0.1, 0.2, 0.3)


def tables(folder):
    """Vectors of each kind."""
    ravdess = folder / "ravdess_frames"
    with np.load(ravdess / "audio_w2v2_msp.npz") as table:
        yield "RAVDESS, wav2vec 2.0", table["audio"].astype(float)
    with np.load(folder / "cremad_vectors" / "audio_w2v2_msp.npz") as table:
        yield "CREMA-D, wav2vec 2.0", table["audio"].astype(float)
    with np.load(ravdess / "logmel.npz") as table:
        mel = table["mel_u8"].astype(np.float64)
        yield "RAVDESS, log-mel, mean and deviation", np.hstack([mel.mean(2), mel.std(2)])
    with np.load(ravdess / "face_au_clip.npz") as table:
        yield "RAVDESS, action units", table["au_mean"].astype(float)
    with np.load(ravdess / "face_fer_frames.npz") as table:
        parts = np.split(table["frames"].astype(float), table["offsets"][1:-1])
        yield "RAVDESS, emotions per frame", np.array([[*p.mean(0), *p.std(0)] for p in parts])


def pairs_of(values):
    """Pairs that are named as near copies."""
    vectors = sample_vectors(pd.DataFrame(values).add_prefix("audio__"))
    return set(map(tuple, find_near_pairs(vectors).tolist()))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    folder = parser.parse_args().data
    heads = [f"noise of {noise:.0%}" for noise in NOISES]
    print(f"| vectors | columns | in the corpus itself | {' | '.join(heads)} |")
    print("| --- " * (3 + len(NOISES)) + "|")
    for name, X in tables(folder):
        own = pairs_of(X)
        cells = [name, X.shape[1], len(own)]
        for noise in NOISES:
            rng = np.random.default_rng(0)
            some = rng.choice(len(X), len(X) // 5, replace=False)
            copies = X[some] + noise * X.std(axis=0) * rng.normal(size=(len(some), X.shape[1]))
            found = pairs_of(np.vstack([X, copies]))
            right = set(zip(some.tolist(), range(len(X), len(X) + len(some)), strict=True))
            wrong = len(found - right - own)
            cells.append(f"{len(found & right) / len(right):.1%}, {wrong} wrong")
        print(f"| {' | '.join(map(str, cells))} |", flush=True)


if __name__ == "__main__":
    main()
