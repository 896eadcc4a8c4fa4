"""MFN and M3ER on real sequences: emotions of the face per video frame, and the sound under them.

    python benchmarks/sequences_ravdess.py frames FOLDER frames.npz
    python benchmarks/sequences_ravdess.py table frames.npz --predictions table.csv --minutes 9

FOLDER holds ``ravdess`` and ``ravdess_frames``. ``frames`` embeds the sound of the 960 clips with
Whisper base (50 frames a second) and averages it over the video frames, for which there are seven
emotion probabilities of an external classifier; `--every` joins so many video frames to one step.
The faces begin at frame 26 of a video, and sound outside their span is dropped, for the baselines
too. ``table`` evaluates by actor, ``GroupKFold(6)``: two logistic regressions on means and standard
deviations over the steps, multiplied, beside the networks; trained on clean clips, tested on clean
ones and with the face or the sound of half of the test clips exchanged for those of other clips,
the same for every system. With `--predictions` a run that was stopped goes on.
"""

import argparse
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from parts import Parts
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from emoest.aggregation import FrameAligner, StatisticsPooling
from emoest.evaluation import uar_interval, uar_score
from emoest.fusion import LateFusionClassifier
from emoest.neural import M3ERClassifier, MFNClassifier
from emoest.normalization import SpeakerZScoreNormalizer
from emoest.systems import make_m3er
from emoest.tables.cells import object_column
from emoest.utils import with_groups
from emoest.validity import CorruptModality

FPS = 29.97
SMALL: dict[str, Any] = {"max_epochs": 20, "patience": 5, "batch_size": 64, "lr": 3e-3}
"""Of all networks; fixed before the first run."""


def faces(folder: Path, every: int) -> pd.DataFrame:
    """Emotions of the face, when each frame is, who speaks and the sound file, of each clip."""
    with np.load(folder / "ravdess_frames" / "face_fer_frames.npz", allow_pickle=False) as file:
        table = {name: file[name] for name in file.files}
    frames, seconds = [], []
    for a, b in zip(table["offsets"][:-1], table["offsets"][1:], strict=True):
        starts = range(a, b, every)
        index = table["frame_index"]
        frames.append(
            np.stack([table["frames"][i : min(i + every, b)].mean(axis=0) for i in starts])
        )
        seconds.append(
            np.array([((index[i] - 1) / FPS, index[min(i + every, b) - 1] / FPS) for i in starts])
        )
    names = pd.Index(table["audio_names"].astype(str))
    return pd.DataFrame(
        {
            "face__frames": object_column([f.astype("float32") for f in frames], names),
            "face__seconds": object_column(seconds, names),
            "speaker": table["speakers"].astype(str),
            "emotion": table["labels"].astype(str),
        },
        index=names,
    )


def write_frames(folder: Path, target: Path, every: int) -> None:
    """Align the sound with the faces and write both, in half precision."""
    from emoest.embeddings import WhisperEmbedder

    X = faces(folder, every)
    clips = {path.stem: path for path in (folder / "ravdess").rglob("*.flac")}
    paths = [str(clips[Path(name).stem]) for name in X.index]
    sound = WhisperEmbedder(verbose=1).fit_transform(pd.DataFrame({"audio": paths}, index=X.index))
    for kind in ("frames", "seconds"):
        (found,) = [column for column in sound if column.endswith(kind)]
        X[f"audio__{kind}"] = sound[found]
    columns = ["face__frames", "face__seconds", "audio__frames", "audio__seconds"]
    aligned = FrameAligner("face").fit_transform(X[columns])
    np.savez(
        target,
        lengths=aligned["face__frames"].map(len).to_numpy(),
        **{
            name: np.concatenate(list(aligned[f"{name}__frames"])).astype(np.float16)
            for name in ("face", "audio")
        },
        speakers=X["speaker"].to_numpy(dtype=str),
        emotions=X["emotion"].to_numpy(dtype=str),
    )


def read_frames(source: Path) -> tuple[pd.DataFrame, pd.Series, np.ndarray]:
    """Time-aligned frames, emotions and actors."""
    with np.load(source, allow_pickle=False) as file:
        cuts = np.cumsum(file["lengths"])[:-1]
        index = pd.RangeIndex(len(file["lengths"]))
        X = pd.DataFrame({"speaker": file["speakers"]}, index=index)
        for name in ("face", "audio"):
            cells = np.split(file[name].astype(np.float32), cuts)
            X[f"{name}__frames"] = object_column(cells, index)
        X = with_groups(X)
        groups = X["speaker"].to_numpy()
        return X.drop(columns="speaker"), pd.Series(file["emotions"], index=X.index), groups


def product(normalizer: Any) -> Any:
    """Make two logistic regressions on pooled frames whose probabilities are multiplied."""
    learner = LogisticRegression(C=0.01, class_weight="balanced", max_iter=2000)
    steps = [StatisticsPooling(), *normalizer]
    late = LateFusionClassifier(make_pipeline(StandardScaler(), learner), rule="product")
    return make_pipeline(*steps, late).set_output(transform="pandas")


def systems(seed: int) -> dict[str, Any]:
    """Name the systems."""
    mfn, m3er = MFNClassifier(**SMALL), M3ERClassifier(**SMALL)
    plain: dict[str, Any] = {"check": False, "proxies": False, "random_state": seed}
    return {
        "product of two logistic regressions": product([]),
        "the same, z-scores per speaker": product([SpeakerZScoreNormalizer()]),
        "MFN": make_m3er(classifier=mfn, loss="cross_entropy", **plain),
        "M3ER's network": make_m3er(classifier=m3er, **plain),
        "M3ER's network, fusion='concat'": make_m3er(
            classifier=M3ERClassifier(**SMALL, fusion="concat"), **plain
        ),
        "MFN, check + proxies": make_m3er(classifier=mfn, loss="cross_entropy", random_state=seed),
        "M3ER, check + proxies": make_m3er(classifier=m3er, random_state=seed),
    }


def evaluated(model: Any, data: tuple[pd.DataFrame, pd.Series, np.ndarray]) -> pd.DataFrame:
    """Predictions of clean and of corrupted test clips, fold by fold."""
    X, y, actors = data
    rows = []
    for fold, (train, test) in enumerate(GroupKFold(6).split(X, y, actors)):
        model.fit(X.iloc[train], y.iloc[train])
        tests = {"clean": X.iloc[test]}
        for modality in ("face", "audio"):
            corrupt = CorruptModality(modality, kind="permute", fraction=0.5, random_state=fold)
            tests[f"{modality} exchanged"] = corrupt.fit(X.iloc[train]).transform(X.iloc[test])
        for condition, table in tests.items():
            rows.append(
                pd.DataFrame(
                    {
                        "condition": condition,
                        "y": y.iloc[test].to_numpy(),
                        "y_pred": model.predict(table),
                        "group": actors[test],
                    }
                )
            )
    return pd.concat(rows, ignore_index=True)


def table(arguments: argparse.Namespace) -> None:
    """Evaluate what is not there yet and print one row a system."""
    data = read_frames(arguments.sources[0])
    lengths = data[0]["face__frames"].map(len)
    print(f"{len(data[1])} clips of {lengths.min()} to {lengths.max()} steps", flush=True)
    parts = Parts(arguments.predictions, arguments.minutes)
    for seed in arguments.seeds:
        for name, model in systems(seed).items():
            if arguments.systems and name not in arguments.systems:
                continue
            if name.startswith(("product", "the same")) and seed != arguments.seeds[0]:
                continue
            parts.add(
                f"{name}, seed {seed}",
                lambda model=model: evaluated(model, data),
                system=name,
                seed=seed,
            )
    show(parts.table())


def show(predictions: pd.DataFrame) -> None:
    """Print UAR with intervals, over all seeds together."""
    conditions = list(predictions["condition"].unique())
    print(f"| system | seeds | {' | '.join(conditions)} |\n|---|---|{'---|' * len(conditions)}")
    for system, rows in predictions.groupby("system", sort=False):
        cells = []
        for condition in conditions:
            part = rows[rows["condition"] == condition]
            low, high = uar_interval(part["y"], part["y_pred"], part["group"], random_state=0)
            uar = np.mean([uar_score(p["y"], p["y_pred"]) for _, p in part.groupby("seed")])
            cells.append(f"{100 * uar:.1f} ({100 * low:.1f} to {100 * high:.1f})")
        print(f"| {system} | {rows['seed'].nunique()} | {' | '.join(cells)} |")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["frames", "table"])
    parser.add_argument("sources", nargs="+", type=Path, help="folder and file, or file")
    parser.add_argument("--every", type=int, default=1, help="video frames of a step")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--systems", nargs="+", help="names of systems; all by default")
    parser.add_argument("--predictions", type=Path, help="file that parts are added to")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="of a run in parts")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if arguments.what == "frames":
            write_frames(*arguments.sources, arguments.every)
        else:
            table(arguments)


if __name__ == "__main__":
    main()
