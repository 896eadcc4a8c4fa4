"""RAVDESS on EmoBox's six folds: vectors that are there, scaled, with logistic regression.

Published figures of EmoBox (wav2vec 2.0 base 54.3, HuBERT large 70.0, WavLM large 72.0, Whisper
large v3 75.3 UAR) are a scale, no comparison: they are of all 24 actors, and these of the actors
that are there.

    python benchmarks/emobox_ravdess.py DATA [--from-sound]

DATA holds ``emobox_metadata/``, ``ravdess/`` and ``ravdess_frames/``, and for --from-sound
(Whisper, YAMNet and eGeMAPS, computed here and kept in the user's store) ``yamnet/``.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from emoest.datasets import load_emobox
from emoest.evaluation import evaluate
from emoest.normalization import SpeakerZScoreNormalizer


def tables(folder):
    """Vectors by the name of the clip."""
    with np.load(folder / "audio_w2v2_msp.npz") as table:
        yield "wav2vec 2.0 (MSP-Podcast)", frame(table["audio"], table["audio_names"], "audio")
    with np.load(folder / "logmel.npz") as table:
        name = next(n for n in table.files if table[n].ndim == 3)
        bands = table[name].astype(np.float32)
        axis = 2 if bands.shape[1] == 64 else 1
        values = np.hstack([bands.mean(axis), bands.std(axis)])
        yield "log-mel, mean and deviation", frame(values, table["audio_names"], "audio")
    with np.load(folder / "face_au_clip.npz") as table:
        yield "face, action units", frame(table["au_mean"], table["audio_names"], "face")
    with np.load(folder / "face_fer_frames.npz") as table:
        parts = np.split(table["frames"].astype(np.float32), table["offsets"][1:-1])
        values = np.array([np.concatenate([part.mean(0), part.std(0)]) for part in parts])
        yield "face, emotions per frame", frame(values, table["audio_names"], "face")


def from_sound(folder, audio):
    """Vectors of encoders and features that read the clips themselves."""
    from emoest.embeddings import WhisperEmbedder, YAMNetEmbedder
    from emoest.features import OpenSMILEFunctionals

    yamnet = folder / "yamnet" / "yamnet_int8_dynamic.tflite"
    encoders = {
        "Whisper base, mean of layers": WhisperEmbedder(pooling="mean"),
        "YAMNet (int8, dequantized)": YAMNetEmbedder(str(yamnet), pooling="mean"),
        "eGeMAPSv02": OpenSMILEFunctionals("eGeMAPSv02", pooling="mean"),
    }
    for name, encoder in encoders.items():
        vectors = encoder.fit_transform(audio)
        vectors.index = [Path(path).stem for path in audio["audio"]]
        yield name, vectors


def frame(values, names, modality):
    """Vectors as columns of a modality."""
    return pd.DataFrame(values.astype(float), index=names).add_prefix(f"{modality}__")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--from-sound", action="store_true")
    given = parser.parse_args()
    folder = given.data
    warnings.simplefilter("ignore")
    bunch = load_emobox("ravdess", folder / "emobox_metadata", folder / "ravdess")
    context = bunch.frame[["speaker", "fold", "emotion"]].reset_index(drop=True)
    context.index = [Path(path).stem for path in bunch.data["audio"]]
    last = StandardScaler(), LogisticRegression(C=0.01, max_iter=200)
    models = {
        "as they are": make_pipeline(*last),
        "z-scores by speaker": make_pipeline(SpeakerZScoreNormalizer(), *last),
    }
    print("| vectors | normalized | UAR | 95 % interval | clips | actors |")
    print("| --- | --- | --- | --- | --- | --- |")
    if given.from_sound:
        found = from_sound(folder, bunch.data[["audio"]])
    else:
        kept = dict(tables(folder / "ravdess_frames"))
        both = kept["wav2vec 2.0 (MSP-Podcast)"].join(kept["face, action units"])
        found = (kept | {"wav2vec 2.0 and action units": both}).items()
    for name, vectors in found:
        X = vectors.join(context, how="inner")
        y = X.pop("emotion")
        result = evaluate(models, X, y, group_column="speaker", cv="fold", random_state=0)
        for model, row in result.table.iterrows():
            bounds = f"{100 * row['uar_low']:.1f} to {100 * row['uar_high']:.1f}"
            cells = [name, model, f"{100 * row['uar']:.1f}", bounds, int(row["n"])]
            print(f"| {' | '.join(map(str, [*cells, int(row['n_groups'])]))} |", flush=True)


if __name__ == "__main__":
    main()
