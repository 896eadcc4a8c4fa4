"""Transfer with enough speakers: a speech ResNet that learned CREMA-D before it learns RAVDESS.

    python benchmarks/transfer_cremad.py FOLDER --backbones DIR --predictions t.csv --minutes 9

FOLDER holds ``cremad_vectors`` and ``ravdess_frames``: log-mel spectra of 64 bands, 21.5 a second,
of 70 and of 16 speakers. A backbone of 8 channels learns the speakers of CREMA-D, or their
emotions, or nothing; then RAVDESS (eight emotions) by actor, ``GroupKFold(4)``, the backbone frozen
or trained on, with and without masks over the spectra, which are drawn in this stage only. The
corpora share no speaker. Backbones are kept in DIR; a run that was stopped goes on. Nothing is
selected: all epochs are run, and the weights of the last three are averaged.
"""

import argparse
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from parts import Parts
from sklearn.model_selection import GroupKFold

from emoest.evaluation import evaluate, uar_interval, uar_score
from emoest.neural import SpeakerPretrainer, SpeechResNetClassifier, TrunkWeights
from emoest.tables.cells import object_column

CHANNELS = 8
STAGES = ("none", "speakers", "emotions")
EPOCHS = {"speakers": 8, "emotions": 8, "RAVDESS": 10}


def spectra(path: Path) -> tuple[pd.DataFrame, pd.Series]:
    """Log-mel frames with the speaker in the index, and emotions."""
    with np.load(path, allow_pickle=False) as file:
        low, high = file["scale_lo_hi"]
        values = file["mel_u8"].astype(np.float32) / 255 * (high - low) + low
        speakers, labels = file["speakers"].astype(str), file["labels"].astype(str)
    cells = [np.ascontiguousarray(value.T) for value in values]
    index = pd.MultiIndex.from_arrays([range(len(cells)), speakers], names=[None, "group"])
    return object_column(cells, index, "audio__frames").to_frame(), pd.Series(labels, index=index)


def net(epochs: int, seed: int, precision: str, **settings: Any) -> SpeechResNetClassifier:
    """Make a classifier that trains on all rows for all epochs."""
    return SpeechResNetClassifier(
        max_epochs=epochs,
        patience=None,
        validation_fraction=None,
        average_epochs=3,
        precision=precision,
        random_state=seed,
        **settings,
    )


def learn(stage: str, folder: Path, seed: int, precision: str) -> TrunkWeights:
    """Train a backbone on CREMA-D."""
    X, y = spectra(folder / "cremad_vectors" / "logmel.npz")
    speakers = X.index.get_level_values("group").to_numpy()
    if stage == "speakers":
        pretrainer = SpeakerPretrainer(
            channels=CHANNELS,
            max_epochs=EPOCHS[stage],
            crop=None,
            precision=precision,
            random_state=seed,
        )
        return pretrainer.fit(X, speakers).weights_
    model = net(EPOCHS[stage], seed, precision, channels=CHANNELS, specaugment=None).fit(X, y)
    module = model.net_.module_
    return TrunkWeights.of(
        module.trunk, unbiased=module.pooling.unbiased, speakers=sorted(set(speakers))
    )


def backbone(stage: str, arguments: argparse.Namespace, seed: int) -> TrunkWeights | None:
    """Read a backbone, or train and keep it; None where time is over."""
    path = arguments.backbones / f"{stage}-{seed}.safetensors"
    if not path.exists():
        if time.monotonic() > arguments.end:
            return None
        start = time.monotonic()
        path.parent.mkdir(parents=True, exist_ok=True)
        learn(stage, arguments.folder, seed, arguments.precision).save(path)
        print(f"{path.stem}: {(time.monotonic() - start) / 60:.1f} min", flush=True)
    return TrunkWeights.load(path)


def run(arguments: argparse.Namespace) -> pd.DataFrame:
    """Make all parts that there is time for."""
    X, y = spectra(arguments.folder / "ravdess_frames" / "logmel.npz")
    how: dict[str, Any] = {"cv": GroupKFold(4), "proba": False, "random_state": 0}
    parts = Parts(arguments.predictions, arguments.minutes)
    for seed in arguments.seeds:
        for stage in STAGES:
            trunk = None if stage == "none" else backbone(stage, arguments, seed)
            if stage != "none" and trunk is None:
                continue
            start: dict[str, Any] = {"channels": CHANNELS} if trunk is None else {"model": trunk}
            for finetune in ("all",) if trunk is None else ("head", "all"):
                for masks in (None, "SM"):
                    settings = {**start, "finetune": finetune, "specaugment": masks}
                    model = net(EPOCHS["RAVDESS"], seed, arguments.precision, **settings)
                    name = f"{stage}, {finetune}, {'masks' if masks else 'no masks'}"
                    parts.add(
                        f"{name}, seed {seed}",
                        lambda model=model: evaluate({"net": model}, X, y, **how).predictions,
                        backbone=stage,
                        trained="on" if finetune == "all" else "frozen",
                        masks="yes" if masks else "no",
                        seed=seed,
                    )
    return parts.table()


def show(predictions: pd.DataFrame) -> None:
    """Print UA over all folds and seeds, its interval, and its spread between seeds."""
    print("| learned of CREMA-D | backbone | masks | seeds | UA | 95 % interval | std over seeds |")
    print("|---|---|---|---|---|---|---|")
    for (stage, trained, masks), part in predictions.groupby(
        ["backbone", "trained", "masks"], sort=False
    ):
        uars = [uar_score(each["y"], each["y_pred"]) for _, each in part.groupby("seed")]
        low, high = uar_interval(part["y"], part["y_pred"], part["group"], random_state=0)
        spread = f"{100 * np.std(uars, ddof=1):.1f}" if len(uars) > 1 else ""
        print(
            f"| {stage} | {trained} | {masks} | {len(uars)} | {100 * np.mean(uars):.1f} | "
            f"{100 * low:.1f} to {100 * high:.1f} | {spread} |"
        )


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="holds cremad_vectors and ravdess_frames")
    parser.add_argument("--backbones", type=Path, required=True, help="folder that keeps them")
    parser.add_argument("--predictions", type=Path, help="file that parts are added to")
    parser.add_argument("--minutes", type=float, default=float("inf"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--precision", default="auto")
    arguments = parser.parse_args()
    arguments.end = time.monotonic() + 60 * arguments.minutes
    torch.set_num_threads(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        show(run(arguments))


if __name__ == "__main__":
    main()
