"""Whisper's voice joined with the faces of RAVDESS: early, late, product and stacking.

Run:  python benchmarks/voice_faces_ravdess.py DATA SCORES [--layers KEPT] [--only NAME ...]
DATA holds `ravdess/speech_16k_flac` and `ravdess_frames`; SCORES is a csv of predictions to which
each system is added, so that a stopped run goes on where it was. 960 clips of 16 actors, eight
emotions, GroupKFold(6) by actor, pooled UAR with 95 % intervals from resampling actors. Voice is
`WhisperEmbedder(pooling="mean")`, a face the mean and deviation over its frames of the seven
emotions that an external classifier saw in them; "and AU" adds the means of 35 action units as a
third modality. Fusions have emoest's default settings; "C = 0.01" fixes the learner as in
speech_encoders_ravdess.py; "discriminant" is a linear one with equal priors and shrinkage 0.3,
which nested folds of best_voice.py had chosen for the voice. Speaker z-scores are taken of
the pooled vectors, over the unlabelled clips of each actor: transductive.

With KEPT, the folder of best_voice.py, "layers" are the six layers of Whisper, mean and
deviation over the frames, each a modality with a discriminant of its own, whose geometric mean is
the voice.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from best_voice import layer_statistics
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline

from emoest.aggregation import StatisticsPooling
from emoest.datasets import load_ravdess
from emoest.embeddings import WhisperEmbedder
from emoest.evaluation import evaluate, recall_per_class, uar_interval
from emoest.fusion import EarlyFusionClassifier, LateFusionClassifier
from emoest.normalization import SpeakerZScoreNormalizer, ZScoreNormalizer
from emoest.tables.cells import object_column

NORMALIZERS = {"": ZScoreNormalizer, ", speaker z-scores": SpeakerZScoreNormalizer}
MEMBERS = {
    "voice": ["audio"],
    "face": ["face"],
    "AU": ["au"],
    "voice and face": ["audio", "face"],
    "voice, face and AU": ["audio", "face", "au"],
}
LAYERS = [f"layer{i}" for i in range(1, 7)]


def load(data: Path, kept: Path | None) -> tuple[pd.DataFrame, pd.Series]:
    """Read the clips' vectors: voice, emotions of the face, action units."""
    X, y = load_ravdess(data / "ravdess" / "speech_16k_flac", return_X_y=True)
    voice = WhisperEmbedder(pooling="mean", verbose=1).fit_transform(X[["audio"]])
    names = [Path(path).stem for path in X["audio"]]
    with np.load(data / "ravdess_frames" / "face_fer_frames.npz") as file:
        cells = np.split(file["frames"].astype(np.float32), file["offsets"][1:-1])
        found = dict(zip(file["audio_names"].tolist(), cells, strict=True))
    with np.load(data / "ravdess_frames" / "face_au_clip.npz") as file:
        units = pd.DataFrame(file["au_mean"], index=file["audio_names"]).loc[names]
    frames = object_column([found[name] for name in names], X.index, "face__frames")
    faces = StatisticsPooling().fit_transform(frames.to_frame())
    tables = [
        voice.add_prefix("audio__"),
        faces,
        units.set_axis(X.index).add_prefix("au__"),
        X[["speaker"]],
    ]
    if kept is not None:
        found = layer_statistics(X["audio"].astype(str), kept, X["speaker"], float("inf"))
        for i, name in enumerate(LAYERS, start=1):
            block = pd.DataFrame(found[:, i].reshape(len(X), -1), index=X.index)
            tables.append(block.add_prefix(f"{name}__"))
    return pd.concat(tables, axis=1), y


def systems(layers: bool) -> dict[str, tuple[list[str], Any]]:
    """Name each system: its modalities, and what is fitted to their vectors."""
    fixed = LogisticRegression(C=0.01, class_weight="balanced", max_iter=2000)
    shrunk = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.3, priors=[1 / 8] * 8)
    made: dict[str, tuple[list[str], Any]] = {}
    for name in ("voice", "face", "AU"):
        made[f"{name}, discriminant"] = (MEMBERS[name], shrunk)
        made[f"{name}, C = 0.01"] = (MEMBERS[name], fixed)
        made[name] = (MEMBERS[name], EarlyFusionClassifier(normalize=None))
    for name in ("voice and face", "voice, face and AU"):
        late = {rule: LateFusionClassifier(rule=rule) for rule in ("product", "mean")}
        made[f"{name}, product, C = 0.01"] = (
            MEMBERS[name],
            LateFusionClassifier(fixed, rule="product"),
        )
        made[f"{name}, product, discriminant"] = (
            MEMBERS[name],
            LateFusionClassifier(shrunk, rule="product"),
        )
        made[f"{name}, product"] = (MEMBERS[name], late["product"])
        made[f"{name}, late (mean)"] = (MEMBERS[name], late["mean"])
        made[f"{name}, early"] = (MEMBERS[name], EarlyFusionClassifier())
        made[f"{name}, stacked"] = (
            MEMBERS[name],
            LateFusionClassifier(rule="stacking", random_state=0),
        )
    for others in ([], ["face"], ["face", "au"]) if layers else ():
        title = ", ".join(["voice of layers", *others]).replace("au", "AU")
        weights = {**dict.fromkeys(LAYERS, 1 / len(LAYERS)), **dict.fromkeys(others, 1.0)}
        pool = LateFusionClassifier(shrunk, rule="log_pool", weights=weights)
        made[f"{title}, product, discriminant"] = ([*LAYERS, *others], pool)
    return made


def run(
    data: Path, scores: Path, kept: Path | None, only: list[str] | None, minutes: float
) -> None:
    """Evaluate what has no predictions yet, while there is time."""
    begin = time.monotonic()
    done = set(pd.read_csv(scores)["system"]) if scores.exists() else set()
    X, y = load(data, kept)
    for name, (members, model) in systems(kept is not None).items():
        for ending, normalizer in NORMALIZERS.items():
            title = name + ending
            wanted = only is None or any(part in title for part in only)
            if title in done or not wanted or time.monotonic() - begin > 60 * minutes:
                continue
            start = time.perf_counter()
            columns = [c for c in X.columns if c.partition("__")[0] in members]
            result = evaluate(
                make_pipeline(normalizer(), model).set_output(transform="pandas"),
                X[columns],
                y,
                groups=X["speaker"],
                cv=GroupKFold(6),
                random_state=0,
            )
            table = result.predictions.assign(system=title)[["system", "group", "y", "y_pred"]]
            table.to_csv(scores, mode="a", header=not scores.exists(), index=False)
            print(f"{title}: {time.perf_counter() - start:.0f} s", flush=True)


def markdown(scores: Path) -> str:
    """Write the table."""
    lines = ["| system | UAR | 95 % interval |", "| --- | --- | --- |"]
    for name, rows in pd.read_csv(scores).groupby("system", sort=False):
        true, predicted = rows["y"].to_numpy(), rows["y_pred"].to_numpy()
        low, high = uar_interval(true, predicted, rows["group"].to_numpy(), random_state=0)
        uar = recall_per_class(true, predicted).mean()
        lines.append(f"| {name} | {uar:.3f} | {low:.3f} to {high:.3f} |")
    return "\n".join(lines)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, help="folder of real data")
    parser.add_argument("scores", type=Path, help="csv of predictions; made, or added to")
    parser.add_argument("--layers", type=Path, help="folder of best_voice.py")
    parser.add_argument("--only", nargs="*", default=None, help="parts of names of systems")
    parser.add_argument("--minutes", type=float, default=8.0, help="begin no system after these")
    given = parser.parse_args()
    run(given.data, given.scores, given.layers, given.only, given.minutes)
    print(markdown(given.scores))


if __name__ == "__main__":
    main()
