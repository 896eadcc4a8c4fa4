"""What helps the speech ResNet on the few actors of RAVDESS: remedies alone and all together.

    python benchmarks/remedies_ravdess.py FOLDER --predictions small.csv
    python benchmarks/remedies_ravdess.py FOLDER --protocol eight --predictions eight.csv

FOLDER holds the clips of RAVDESS in any audio format, under their official names. A run that was
stopped goes on from the predictions that are there. On CPUs one thread a process
(``OMP_NUM_THREADS=1``) is fastest. Two protocols; nothing is selected on test folds, and the epoch
is chosen by the UAR of held-out training actors.

``small`` is that of ``padi2021_ravdess.py`` (16 channels, 40 bands every 20 ms, four emotions,
``GroupKFold(2)`` by actor, 8 epochs), from scratch with masks: nothing, each remedy alone, all of
them; beside a frozen random trunk and the vectors of the speaker encoder of the package
resemblyzer, each with z-scores and logistic regression, and frames of Whisper base under the same
pooling and a linear head, trained as the net is. ``speakers`` and ``averaged`` are two ways
not to let one actor of eight choose the epoch: three are held out, or nobody is and the weights of
the last 3 epochs are averaged.

``eight`` has the same width and bands on all eight emotions, ``GroupKFold(4)`` by actor, at most 25
epochs with a patience of 8: the net with its defaults, and with all training actors learned from
and the weights of the last 3 epochs averaged (all 25 are run), since one actor chooses badly;
beside ComParE_2016 with z-scores and a linear SVM (C = 0.0001, class weights balanced), and frames
of Whisper under the pooling and the head.

``--actors N`` trains on the first N training actors of each fold only, and ``--folds`` changes how
many there are: a learning curve of people.
"""

import argparse
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from padi2021_ravdess import PROTOCOLS, Protocol, clips, read
from parts import Parts
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from emoest.evaluation import uar_interval, uar_score
from emoest.nets.batches import BucketedBatches, FrameDataset
from emoest.nets.speech_resnet import SpeechResNet
from emoest.neural import SequenceClassifier, SpeechResNetClassifier

BEFORE: dict[str, Any] = {
    "silence": "trim",
    "scale_statistics": False,
    "batch_statistics": "running",
}
"""The network before the remedies: quiet ends are cut, as the protocol says."""

REMEDIES: dict[str, dict[str, Any]] = {
    "none": {},
    "not even trimmed": {"silence": "keep"},
    "statistics": {"batch_statistics": "fresh"},
    "gate": {"silence": "gate"},
    "scaled": {"scale_statistics": True},
    "speakers": {"validation_fraction": 0.375},
    "averaged": {"validation_fraction": None, "average_epochs": 3},
    "perturbed": {"perturb": {"speed": 0.1, "noise": (10.0, 40.0)}},
}
ALL = {
    name: value
    for remedy in ("statistics", "gate", "scaled", "averaged", "perturbed")
    for name, value in REMEDIES[remedy].items()
}
FROZEN = {
    "random trunk": ("gate", True),
    "random trunk, trimmed": ("trim", True),
    "random trunk, whole clips": ("keep", True),
    "random trunk, not scaled": ("gate", False),
}
"""Frozen trunks that learned nothing: what is pooled, and whether the vectors are scaled."""

NETS: dict[str, dict[str, Any]] = {
    **{name: {**BEFORE, **remedy} for name, remedy in REMEDIES.items()},
    "all": {**BEFORE, **ALL},
    "all but augmentation": {**BEFORE, **ALL, "specaugment": None, "perturb": None},
    "no masks": {**BEFORE, "specaugment": None},
    "all, 24 epochs": {**BEFORE, **ALL, "max_epochs": 24},
    "defaults": {},
    "defaults, averaged": REMEDIES["averaged"],
    "defaults, averaged, no masks": {**REMEDIES["averaged"], "specaugment": None},
}
"""Networks that are trained, with what they differ in from the defaults."""

VOICE, WHISPER, COMPARE = "speaker encoder", "frames of Whisper, pooled", "ComParE and linear SVM"
SMALL = (*FROZEN, *NETS, VOICE, WHISPER)
EIGHT = ("random trunk, trimmed", "defaults", "defaults, averaged", WHISPER, COMPARE)
SVM = LinearSVC(C=1e-4, class_weight="balanced", max_iter=10_000, random_state=0)
UNDRAWN = (VOICE, COMPARE)
"""Rows without anything random."""


def run(arguments: argparse.Namespace) -> pd.DataFrame:
    """Predict with every row in every fold, as far as that is not there yet."""
    # The network cuts the ends itself here, so that the rows can differ in it.
    protocol = replace(PROTOCOLS["small"], trim=False)
    if arguments.protocol == "eight":
        more = {"n_folds": 4, "epochs": 25, "patience": 8, "batch_size": 32}
        protocol = replace(protocol, emotions=None, **more)
    if arguments.folds:
        protocol = replace(protocol, n_folds=arguments.folds)
    X, y = read(arguments.folder, protocol)
    speakers = X.index.get_level_values("group").to_numpy()
    parts = Parts(arguments.predictions, arguments.minutes)
    rows = arguments.rows or (EIGHT if arguments.protocol == "eight" else SMALL)
    for seed in arguments.seeds:
        for row in rows:
            if row in UNDRAWN and seed != arguments.seeds[0]:
                continue
            model, make = system(row, seed, arguments, protocol, X)
            folds = GroupKFold(protocol.n_folds).split(X, y, speakers)
            for fold, (train, test) in enumerate(folds):
                known = train[
                    np.isin(speakers[train], np.unique(speakers[train])[: arguments.actors])
                ]

                def predict(
                    model: Any = model, make: Any = make, known: Any = known, test: Any = test
                ) -> pd.DataFrame:
                    table = make()
                    fitted = clone(model).fit(table.iloc[known], y.iloc[known])
                    if hasattr(fitted, "history_"):
                        print(curve(fitted), flush=True)
                    found = fitted.predict(table.iloc[test])
                    made = {"y": y.iloc[test].to_numpy(), "y_pred": found, "group": speakers[test]}
                    return pd.DataFrame(made)

                name = row
                if arguments.actors or arguments.folds:
                    name = f"{row}, {len(np.unique(speakers[known]))} actors"
                parts.add(f"{name}, seed {seed}, fold {fold}", predict, row=name, seed=seed)
    return parts.table()


def system(
    row: str, seed: int, arguments: argparse.Namespace, protocol: Protocol, X: pd.DataFrame
) -> tuple[Any, Callable[[], pd.DataFrame]]:
    """Make what is fitted in each fold, and the function that gives its table."""
    if row in NETS:
        net = protocol.classifier("cpu").set_params(random_state=seed, **NETS[row])
        return net.set_params(precision=arguments.precision), lambda: X
    if row in FROZEN:
        silence, scaled = FROZEN[row]
        return linear(scaled), cache(partial(random_vectors, X, protocol, seed, silence))
    table = cache(partial(encoded, row, arguments.folder, protocol))
    if row == WHISPER:
        head = SequenceClassifier(None, max_epochs=protocol.epochs, patience=protocol.patience)
        return head.set_params(batch_size=protocol.batch_size, random_state=seed), table
    if row == COMPARE:
        return make_pipeline(StandardScaler(), SVM), table
    return linear(), table


def curve(net: SpeechResNetClassifier) -> str:
    """Write the losses of training, and the UAR of held-out actors where there are any."""
    losses = " ".join(f"{row['train_loss']:.2f}" for row in net.history_)
    held_out = [f"{100 * row['valid_uar']:.0f}" for row in net.history_ if "valid_uar" in row]
    return f"losses {losses}" + (f"; held-out UAR {' '.join(held_out)}" if held_out else "")


def linear(scaled: bool = True) -> Any:
    """Make what stands behind a frozen trunk."""
    scale = StandardScaler() if scaled else "passthrough"
    return make_pipeline(scale, LogisticRegression(max_iter=3000))


def random_vectors(X: pd.DataFrame, protocol: Protocol, seed: int, silence: str) -> pd.DataFrame:
    """Pooled statistics behind a trunk that has learned nothing."""
    cells = list(X["audio__frames"])
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = SpeechResNet(cells[0].shape[1], 2, channels=protocol.channels, silence=silence).eval()
    lengths = {"audio": np.array([len(cell) for cell in cells])}
    data = FrameDataset({"audio": cells}, lengths, {"audio": cells[0].shape[1]}, several=False)
    order, pooled = [], []
    for rows in BucketedBatches(data, protocol.batch_size).rows():
        with torch.inference_mode():
            pooled.append(net.pool(**data.batch(rows)[0]).numpy())
        order.extend(rows)
    return pd.DataFrame(np.concatenate(pooled)[np.argsort(order)], index=X.index)


def encoded(row: str, folder: str, protocol: Protocol) -> pd.DataFrame:
    """What stands before a frozen row: vectors, or frames of Whisper."""
    from emoest.embeddings import SpeakerEmbedder, WhisperEmbedder
    from emoest.features import OpenSMILEFunctionals

    encoder: Any = {
        VOICE: SpeakerEmbedder,
        WHISPER: partial(WhisperEmbedder, pooling=None),
        COMPARE: partial(OpenSMILEFunctionals, "ComParE_2016", pooling="mean"),
    }[row]
    return encoder(verbose=1).fit_transform(clips(folder, protocol)[0])


def show(predictions: pd.DataFrame) -> None:
    """Print UA over all folds and seeds, its interval, its spread, and the gain over no remedy."""
    print("| row | UA | 95 % interval | std over seeds | above none, seed by seed |")
    print("| --- | --- | --- | --- | --- |")
    by_seed = {
        row: pd.Series(
            {s: uar_score(each["y"], each["y_pred"]) for s, each in part.groupby("seed")}
        )
        for row, part in predictions.groupby("row", sort=False)
    }
    for row, part in predictions.groupby("row", sort=False):
        low, high = uar_interval(part["y"], part["y_pred"], part["group"], random_state=0)
        gain = 100 * (by_seed[row] - by_seed["none"]).dropna() if "none" in by_seed else []
        gains = ", ".join(f"{value:+.1f}" for value in gain) if row != "none" else ""
        print(
            f"| {row} | {100 * by_seed[row].mean():.1f} | {100 * low:.1f} to {100 * high:.1f} | "
            f"{100 * by_seed[row].std():.1f} | {gains} |"
        )


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", help="of the clips of RAVDESS")
    parser.add_argument("--protocol", choices=["small", "eight"], default="small")
    parser.add_argument("--rows", nargs="+", choices=[*FROZEN, *NETS, VOICE, WHISPER, COMPARE])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--actors", type=int, help="training actors of a fold; all by default")
    parser.add_argument("--folds", type=int, help="instead of the protocol's")
    parser.add_argument("--precision", default="auto", help="of training")
    parser.add_argument("--predictions", type=Path, help="file that parts are added to")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="of a run in parts")
    show(run(parser.parse_args()))


if __name__ == "__main__":
    main()
