"""The speech ResNet on RAVDESS: transfer from speakers, masks, and the speed of training.

    python benchmarks/padi2021_ravdess.py ablation FOLDER
    python benchmarks/padi2021_ravdess.py speed FOLDER
    python benchmarks/padi2021_ravdess.py features FOLDER full.npz --protocol full
    python benchmarks/padi2021_ravdess.py ablation full.npz --protocol full --device cuda --jobs 4

FOLDER holds the clips of RAVDESS in any audio format, under their official names. ``features``
writes log-mel frames into one file, so that a machine without audio libraries can go on from there.
With ``--predictions FILE.csv`` a run that was stopped goes on where it was. On CPUs, one thread in
each of two processes (``OMP_NUM_THREADS=1``, ``--jobs 2``) is faster than two threads in one.

Two protocols, both fixed before their first run; nothing is selected on test folds. Transfer means
that the trunk learns the speakers of the training actors of the fold (softmax with an angular
margin, crops of 2 s), and that the emotions train a new head only. The epoch is chosen by the UAR
of held-out training actors.

- ``small``: for two cores and minutes. 16 channels, 40 bands every 20 ms, frames before the first
  and after the last one of more than the clip's mean energy left out, four emotions (angry, happy,
  neutral, sad), ``GroupKFold(2)`` by actor, 8 epochs of speakers and of emotions, batches of 16.
- ``full``: for an accelerator. 32 channels, 80 bands every 10 ms, whole clips, eight emotions,
  ``GroupKFold(4)`` by actor, 15 epochs of speakers, at most 25 of emotions with a patience of 8,
  batches of 32.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.model_selection import GroupKFold

from emoest.nets.batches import BucketedBatches, FrameDataset
from emoest.nets.speech_resnet import SpeechResNet
from emoest.neural import SpeakerPretrainer, SpeechResNetClassifier
from emoest.systems.padi2021 import VARIANTS, ablation_figures, ablation_predictions
from emoest.tables.cells import object_column

ROUNDS = 5


@dataclass(frozen=True)
class Protocol:
    """What is computed and trained; lengths in seconds."""

    channels: int
    n_mels: int
    window: float
    step: float
    trim: bool
    emotions: tuple[str, ...] | None
    n_folds: int
    speaker_epochs: int
    epochs: int
    patience: int | None
    batch_size: int

    def classifier(self, device: str, finetune: str = "head") -> SpeechResNetClassifier:
        """Make the network."""
        return SpeechResNetClassifier(
            channels=self.channels,
            finetune=finetune,
            max_epochs=self.epochs,
            patience=self.patience,
            batch_size=self.batch_size,
            device=device,
        )

    def pretrainer(self) -> SpeakerPretrainer:
        """Make what learns the speakers."""
        return SpeakerPretrainer(
            max_epochs=self.speaker_epochs,
            crop=round(2 / self.step),
            batch_size=self.batch_size,
        )


PROTOCOLS = {
    "small": Protocol(
        channels=16,
        n_mels=40,
        window=0.025,
        step=0.02,
        trim=True,
        emotions=("angry", "happy", "neutral", "sad"),
        n_folds=2,
        speaker_epochs=8,
        epochs=8,
        patience=None,
        batch_size=16,
    ),
    "full": Protocol(
        channels=32,
        n_mels=80,
        window=0.025,
        step=0.01,
        trim=False,
        emotions=None,
        n_folds=4,
        speaker_epochs=15,
        epochs=25,
        patience=8,
        batch_size=32,
    ),
}


def read(source: str, protocol: Protocol) -> tuple[pd.DataFrame, pd.Series]:
    """Frames and emotions of a folder of clips, or of a file that ``features`` wrote."""
    if source.endswith(".npz"):
        with np.load(source, allow_pickle=False) as file:
            cells = np.split(file["frames"].astype(np.float32), np.cumsum(file["lengths"])[:-1])
            index = pd.MultiIndex.from_arrays(
                [range(len(cells)), file["speakers"]], names=[None, "group"]
            )
            return object_column(cells, index, "audio__frames").to_frame(), pd.Series(
                file["emotions"], index=index
            )
    from emoest.features import LogMelSpectrogram

    X, y = clips(source, protocol)
    spectra = LogMelSpectrogram(
        n_mels=protocol.n_mels, window=protocol.window, step=protocol.step, device="cpu", verbose=1
    ).fit_transform(X)
    frames = spectra[["logmel_frames"]].set_axis(["audio__frames"], axis=1)
    return (frames.map(trimmed) if protocol.trim else frames), y


def clips(folder: str, protocol: Protocol) -> tuple[pd.DataFrame, pd.Series]:
    """Sound files and emotions of the clips of the protocol."""
    from emoest.datasets import load_ravdess

    X, y = load_ravdess(folder, return_X_y=True)
    kept = slice(None) if protocol.emotions is None else y.isin(protocol.emotions).to_numpy()
    return X.loc[kept, ["audio"]], y[kept]


def trimmed(frames: np.ndarray) -> np.ndarray:
    """Leave out the frames before the first and after the last loud one.

    Frames are mean-normalized, so a frame louder than the mean of the clip has a positive mean.
    """
    loud = np.flatnonzero(frames.mean(axis=1) > 0)
    return frames[loud[0] : loud[-1] + 1]


def features(arguments: argparse.Namespace) -> None:
    """Write the frames of a folder into one file, in half precision."""
    folder, target = arguments.sources
    X, y = read(folder, PROTOCOLS[arguments.protocol])
    cells = list(X["audio__frames"])
    np.savez_compressed(
        target,
        frames=np.concatenate(cells).astype(np.float16),
        lengths=np.array([len(cell) for cell in cells]),
        speakers=X.index.get_level_values("group").to_numpy(dtype=str),
        emotions=y.to_numpy(dtype=str),
    )


def ablation(arguments: argparse.Namespace) -> None:
    """Print the four rows; keep the predictions if asked to."""
    protocol = PROTOCOLS[arguments.protocol]
    X, y = read(arguments.sources[0], protocol)
    print(f"{len(X)} clips, {protocol}", flush=True)
    parts = []
    path = Path(arguments.predictions) if arguments.predictions else None
    if path is not None and path.exists():
        parts.append(pd.read_csv(path, dtype={"group": str}))
    done = {row for part in parts for row in part[["seed", "transfer", "masks"]].itertuples(False)}
    for seed, variant in product(arguments.seeds, VARIANTS):
        if (seed, *variant) in done:
            continue
        start = time.perf_counter()
        part = ablation_predictions(
            X,
            y,
            cv=GroupKFold(protocol.n_folds),
            transfer=protocol.pretrainer(),
            features="passthrough",
            classifier=protocol.classifier(arguments.device, arguments.finetune),
            seeds=[seed],
            variants=[variant],
            n_jobs=arguments.jobs,
        )
        minutes = (time.perf_counter() - start) / 60
        print(f"seed {seed}, transfer and masks {variant}: {minutes:.1f} min", flush=True)
        parts.append(part)
        if path is not None:
            part.to_csv(path, mode="a", header=not path.exists(), index=False)
    show(pd.concat(parts, ignore_index=True))


def show(predictions: pd.DataFrame) -> None:
    """Print the four rows in percent."""
    print("| transfer | masks | UA | 95 % interval | WA | 95 % interval | std over seeds (UA) |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for (transfer, masks), row in (100 * ablation_figures(predictions)).iterrows():
        print(
            f"| {'speakers' if transfer else 'scratch'} | {'yes' if masks else 'no'} | "
            f"{row['ua']:.1f} | {row['ua_low']:.1f} to {row['ua_high']:.1f} | {row['wa']:.1f} | "
            f"{row['wa_low']:.1f} to {row['wa_high']:.1f} | {row['ua_seed_std']:.1f} |"
        )


def speed(arguments: argparse.Namespace) -> None:
    """Compare epochs of the estimator, of a bare torch loop, and without buckets."""
    protocol = PROTOCOLS[arguments.protocol]
    X, y = read(arguments.sources[0], protocol)
    step = max(1, len(X) // arguments.clips)
    X, y = X.iloc[::step], y.iloc[::step]
    net = protocol.classifier(arguments.device).set_params(
        validation_fraction=None, max_epochs=1, random_state=0, warm_start=True
    )
    net.fit(X, y)
    cells = list(X["audio__frames"])
    lengths = np.array([len(cell) for cell in cells])
    data = FrameDataset(
        {"audio": cells},
        {"audio": lengths},
        {"audio": cells[0].shape[1]},
        target=np.searchsorted(net.classes_, y.to_numpy()),
        several=False,
    )
    contenders: dict[str, Callable[[], float]] = {
        "emoest": lambda: net.fit(X, y).history_[0]["seconds"],
        "bare torch loop, same batches": bare_loop(net, data, bucketed=True),
        "bare torch loop, batches in random order": bare_loop(net, data, bucketed=False),
    }
    wall: dict[str, list[float]] = {name: [] for name in contenders}
    cpu: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(ROUNDS):
        for name, run in contenders.items():
            start = time.process_time()
            wall[name].append(run())
            cpu[name].append(time.process_time() - start)
    print(f"{len(X)} clips, {lengths.min()} to {lengths.max()} frames, medians of {ROUNDS}\n")
    print("| loop | epochs a minute | CPU seconds an epoch | against the bare loop |")
    print("| --- | --- | --- | --- |")
    base = statistics.median(cpu["bare torch loop, same batches"])
    for name in contenders:
        seconds, burnt = statistics.median(wall[name]), statistics.median(cpu[name])
        print(f"| {name} | {60 / seconds:.1f} | {burnt:.2f} | {burnt / base:.3f} |")


def bare_loop(net: Any, data: FrameDataset, *, bucketed: bool) -> Callable[[], float]:
    """Make a function that trains the same module for one epoch, and gives the seconds."""
    module = SpeechResNet(**net.module_params_).to(net.device_)
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-3, weight_decay=1e-4, fused=True)
    generator = torch.Generator().manual_seed(0)
    batches = BucketedBatches(data, net.batch_size, generator)

    def rows() -> list[list[int]]:
        if bucketed:
            return batches.rows()
        return [part.tolist() for part in torch.randperm(len(data)).split(net.batch_size)]

    def epoch() -> float:
        start = time.perf_counter()
        module.train()
        for each in rows():
            inputs, (target, _) = data.batch(each)
            inputs = {name: value.to(net.device_) for name, value in inputs.items()}
            optimizer.zero_grad()
            logits = module(**inputs)
            torch.nn.functional.cross_entropy(logits, target.to(net.device_)).backward()
            torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
            optimizer.step()
        return time.perf_counter() - start

    epoch()
    return epoch


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["ablation", "features", "speed"])
    parser.add_argument("sources", nargs="+", help="folder of clips, or files")
    parser.add_argument("--protocol", choices=list(PROTOCOLS), default="small")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--jobs", type=int, default=1, help="folds at a time")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--finetune", default="head", help="what transfer trains: head or all")
    parser.add_argument("--predictions", help="file that ablation adds its predictions to")
    parser.add_argument("--clips", type=int, default=96, help="clips that the speed is measured on")
    arguments = parser.parse_args()
    todo = {"ablation": ablation, "features": features, "speed": speed}
    todo[arguments.what](arguments)


if __name__ == "__main__":
    main()
