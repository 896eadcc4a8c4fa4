"""Train on one corpus and test on another, beside the figure within each.

Vectors of CREMA-D and RAVDESS (wav2vec 2.0 tuned on MSP-Podcast) on their six shared classes, with
scaling and logistic regression, with and without z-scores by speaker. Prints a table.

    python benchmarks/cross_corpus.py DATA

DATA holds ``cremad_vectors/`` and ``ravdess_frames/``.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from emoest.evaluation import cross_corpus_table
from emoest.normalization import SpeakerZScoreNormalizer

CORPORA = {"CREMA-D": "cremad_vectors", "RAVDESS": "ravdess_frames"}


def read(folder):
    """Vectors with their speakers, and emotions."""
    with np.load(folder / "audio_w2v2_msp.npz") as table:
        X = pd.DataFrame(table["audio"].astype(np.float32)).add_prefix("audio__w2v2_")
        return X.assign(speaker=table["speakers"]), table["labels"]


def models():
    """With and without z-scores by speaker."""
    last = StandardScaler(), LogisticRegression(C=0.01, max_iter=200)
    return {
        "as they are": make_pipeline(*last),
        "z-scores by speaker": make_pipeline(SpeakerZScoreNormalizer(), *last),
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    folder = parser.parse_args().data
    warnings.simplefilter("ignore")
    corpora = {name: read(folder / place) for name, place in CORPORA.items()}
    print("| train | test | vectors | UAR | 95 % interval | clips | speakers |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, model in models().items():
        for _, row in cross_corpus_table(model, corpora, cv=5, random_state=0).iterrows():
            bounds = f"{100 * row['uar_low']:.1f} to {100 * row['uar_high']:.1f}"
            cells = [row["train"], row["test"], name, f"{100 * row['uar']:.1f}", bounds]
            print(f"| {' | '.join(map(str, [*cells, row['n'], row['n_groups']]))} |", flush=True)


if __name__ == "__main__":
    main()
