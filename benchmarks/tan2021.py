"""Faces and EEG (Tan et al. 2021): a net for FER2013, and all fusions on generated trials.

    python benchmarks/tan2021.py train DATA net.safetensors --model cnn4_small --passes 30
    python benchmarks/tan2021.py score DATA net.safetensors --model cnn4_small
    python benchmarks/tan2021.py curve DATA FOLDER --model cnn4_small
    python benchmarks/tan2021.py fusion --drawn
    python benchmarks/tan2021.py fusion --data DATA --weights net.safetensors --scoring uar
    python benchmarks/tan2021.py flattery

DATA holds fer2013_dev.npz and fer2013_train_rest.npz: the official training pictures in two files
(``train_x``, ``train_y``) and PublicTest (``val_x``, ``val_y``).

For ``train``, pictures of PublicTest that stand in the training set, and training pictures that
repeat, leave the training set; a stratified tenth of the rest chooses the pass whose weights are
kept. The learning rate falls from ``--lr`` to 0 along half a cosine over the passes. After each
pass over the data the best weights and the state of the run are written, so that a run that was
stopped goes on (with a new optimizer, as every pass has). ``score`` reads PublicTest, once, with
its copies and without.
``curve`` trains in the same way on a tenth, three tenths and all of the pictures, with changes
drawn in training and without; it prints what the held-out tenth says of each, and PublicTest stays
closed.

``fusion`` makes 48 trials (`emoest.datasets.make_face_eeg_trials`, seed 0), holds out clip k in
fold k and scores each modality alone and all fusions; with ``--drawn`` the net learns 400 drawn
faces of its own, and ``--scoring`` adds a row whose Monte Carlo weights are chosen by it (those of
the other rows are by ``neg_log_loss``, the default). ``flattery`` chooses weights on the tested
trials of modalities that know nothing.
"""

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import StratifiedKFold, train_test_split

from emoest.datasets import make_face_eeg_trials
from emoest.datasets._generated.face_drawings import EXPRESSIONS, draw_face
from emoest.evaluation import binomial_interval, evaluate, uar_interval, uar_score
from emoest.fusion._monte_carlo_rules import choose_weights, draw_weights, mix_weights
from emoest.neural import FaceCNNClassifier
from emoest.systems import make_tan2021, make_tan2021_eeg, tan2021_comparison
from emoest.systems.tan2021 import EMOTIONS

Pictures = dict[str, np.ndarray]


def read(folder: str) -> Pictures:
    """Read the training pictures without copies, and PublicTest with a mark on its copies."""
    with np.load(Path(folder) / "fer2013_dev.npz", allow_pickle=False) as file:
        names = np.array([str(name) for name in file["classes"]])
        parts, labels = [file["train_x"]], [file["train_y"]]
        test, truth = file["val_x"], names[file["val_y"]]
    with np.load(Path(folder) / "fer2013_train_rest.npz", allow_pickle=False) as file:
        parts.append(file["train_x"])
        labels.append(file["train_y"])
    train, y = np.concatenate(parts), names[np.concatenate(labels)]
    contents = [image.tobytes() for image in train]
    tested = {image.tobytes() for image in test}
    first = {content: i for i, content in reversed(list(enumerate(contents)))}
    kept = [
        i
        for i, content in enumerate(contents)
        if first[content] == i and content not in tested and np.ptp(train[i])
    ]
    seen = set(contents)
    copies = np.array([image.tobytes() in seen for image in test])
    return {"x": train[kept], "y": y[kept], "test": test, "truth": truth, "copies": copies}


def make_net(arguments: argparse.Namespace, lr: float, seed: int) -> FaceCNNClassifier:
    """Make the net for one pass over the training pictures."""
    return FaceCNNClassifier(
        arguments.model,
        lr=lr,
        max_epochs=1,
        augment=None if arguments.augment == "none" else arguments.augment,
        validation_fraction=None,
        warm_start=True,
        device=arguments.device,
        precision=arguments.precision,
        errors="missing",
        random_state=seed,
    )


def train(arguments: argparse.Namespace) -> None:
    """Train pass by pass, while there are minutes."""
    pictures, target = read(arguments.data), Path(arguments.weights)
    last, record = target.with_suffix(".last.safetensors"), target.with_suffix(".json")
    splits = StratifiedKFold(10, shuffle=True, random_state=0).split(pictures["y"], pictures["y"])
    rows, held = next(iter(splits))
    if arguments.fraction < 1:
        kept = {"train_size": arguments.fraction, "random_state": 0}
        rows, _ = train_test_split(rows, stratify=pictures["y"][rows], **kept)
    X, y = list(pictures["x"][rows]), pictures["y"][rows]
    scores: list[float] = []
    if record.exists():
        scores = json.loads(record.read_text(encoding="utf-8"))
    start = time.monotonic()
    for i in range(len(scores), arguments.passes):
        if time.monotonic() - start > 60 * arguments.minutes:
            return
        lr = arguments.lr * (1 + math.cos(math.pi * i / arguments.passes)) / 2
        net = make_net(arguments, lr, i)
        if last.exists():
            net.load_weights(last)
        net.fit(X, y)
        net.save_weights(last)
        scores.append(uar_score(pictures["y"][held], net.predict(list(pictures["x"][held]))))
        if scores[-1] == max(scores):
            net.save_weights(target)
        record.write_text(json.dumps(scores), encoding="utf-8")
        print(f"pass {i + 1}: held-out UAR {scores[-1]:.4f}", flush=True)


def curve(arguments: argparse.Namespace) -> None:
    """Train on parts of the pictures, and print the best held-out UAR of each."""
    folder, end = Path(arguments.weights), time.monotonic() + 60 * arguments.minutes
    folder.mkdir(exist_ok=True)
    print("| pictures | augment | passes | best pass | held-out UAR |\n" + "| --- " * 5 + "|")
    # Fewer pictures are passed more often, though not as often as there are fewer of them.
    for fraction, often in ((0.1, 2), (0.3, 1), (1.0, 1)):
        for augment in ("none", "standard"):
            target = folder / f"{arguments.model}_{augment}_{fraction}.safetensors"
            own = {"fraction": fraction, "augment": augment, "weights": str(target)}
            own |= {"minutes": (end - time.monotonic()) / 60, "passes": often * arguments.passes}
            train(argparse.Namespace(**{**vars(arguments), **own}))
            scores = json.loads(target.with_suffix(".json").read_text(encoding="utf-8"))
            best = int(np.argmax(scores))
            print(f"| {fraction} | {augment} | {len(scores)} | {best + 1} | {scores[best]:.4f} |")


def score(arguments: argparse.Namespace) -> None:
    """Score the best weights on PublicTest, with copies of training pictures and without."""
    pictures = read(arguments.data)
    net = make_net(arguments, 5e-4, 0).load_weights(arguments.weights)
    predicted = net.predict(list(pictures["test"]))
    for name, rows in (("all", slice(None)), ("without copies", ~pictures["copies"])):
        truth, found = pictures["truth"][rows], predicted[rows]
        right = int((truth == found).sum())
        accuracy = (right / len(truth), *binomial_interval(right, len(truth)))
        uar = (uar_score(truth, found), *uar_interval(truth, found, random_state=0))
        print(f"PublicTest, {name}: {len(truth)} pictures")
        for kind, values in (("accuracy", accuracy), ("UAR", uar)):
            print(f"  {kind} {values[0]:.4f} ({values[1]:.4f} to {values[2]:.4f})")


def fusion(arguments: argparse.Namespace) -> None:
    """Score each modality alone and all fusions on 48 generated trials."""
    if arguments.drawn:
        generator, faces = np.random.RandomState(5), None
        labels = np.array(list(EXPRESSIONS) * 100)
        drawn = [draw_face(EXPRESSIONS[label], generator, spread=0.4) for label in labels]
        net = FaceCNNClassifier(
            "cnn4_small", max_epochs=8, validation_fraction=None, lr=2e-3, random_state=0
        ).fit(drawn, labels)
    else:
        pictures = read(arguments.data)
        net = make_net(arguments, 5e-4, 0).load_weights(arguments.weights)
        kept = ~pictures["copies"] & (np.ptp(pictures["test"], axis=(1, 2)) > 0)
        faces = (list(pictures["test"][kept]), pictures["truth"][kept])
        net.classes_ = np.array(EMOTIONS)
        net.class_prior_ = np.full(len(EMOTIONS), 1 / len(EMOTIONS))
    X, y = make_face_eeg_trials(faces, random_state=0, return_X_y=True)
    parts = {
        "face": FrozenEstimator(net),
        "eeg": make_tan2021_eeg(filtered=False, random_state=0),
    }
    folds = {"groups": X["clip__group"], "cv": 4, "random_state": 0}
    table = tan2021_comparison(X, y, **parts, **folds)
    if arguments.scoring:
        model = make_tan2021(**parts, random_state=0).set_params(fuse__scoring=arguments.scoring)
        found = evaluate(model, X, y, proba=False, **folds).predictions
        right = int((found["y"] == found["y_pred"]).sum())
        interval = binomial_interval(right, len(found))
        uar = uar_score(found["y"], found["y_pred"])
        row = [right, len(found), right / len(found), *interval, uar]
        table.loc[f"weights by {arguments.scoring}"] = row
    print(table.round(3).to_string())


def flattery(arguments: argparse.Namespace) -> None:
    """Choose weights for modalities that know nothing, on the tested trials and nested."""
    generator, rows = np.random.RandomState(0), []
    y, clips = np.repeat(np.arange(4), 12), np.tile(np.arange(4), 12)
    for _ in range(arguments.corpora):
        proba = generator.dirichlet(np.ones(4), size=(48, 2))
        present = np.ones((48, 2), dtype=bool)
        weights = draw_weights(1000, 2, generator)
        right = mix_weights(weights, proba, present).argmax(axis=2) == y
        nested = 0
        for clip in range(4):
            test = clips == clip
            chosen = choose_weights(weights, right[:, ~test].mean(axis=1))
            found = mix_weights(chosen[None], proba[test], present[test])[0].argmax(axis=1)
            nested += int((found == y[test]).sum())
        rows.append(
            {"chosen on the tested trials": right.mean(axis=1).max(), "nested": nested / 48}
        )
    print(pd.DataFrame(rows).agg(["mean", "std", "max"]).round(3).to_string())


def main() -> None:
    """Run a command."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("train", "score", "curve"):
        command = commands.add_parser(name)
        command.add_argument("data")
        command.add_argument("weights")
        command.add_argument("--minutes", type=float, default=150)
        command.add_argument("--fraction", type=float, default=1.0)
        command.add_argument("--passes", type=int, default=30)
        command.add_argument("--lr", type=float, default=2e-3)
    command = commands.add_parser("fusion")
    command.add_argument("--drawn", action="store_true")
    command.add_argument("--scoring", choices=("neg_log_loss", "uar", "accuracy"))
    command.add_argument("--data")
    command.add_argument("--weights")
    for command in commands.choices.values():
        command.add_argument("--model", default="cnn4")
        command.add_argument("--augment", default="standard")
        command.add_argument("--device", default="auto")
        command.add_argument("--precision", default="auto")
    commands.add_parser("flattery").add_argument("--corpora", type=int, default=200)
    arguments = parser.parse_args()
    run = {"train": train, "curve": curve, "score": score, "fusion": fusion, "flattery": flattery}
    run[arguments.command](arguments)


if __name__ == "__main__":
    main()
