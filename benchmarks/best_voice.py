"""The best voice that Whisper base and openSMILE give, chosen by nested folds.

Run:  python benchmarks/best_voice.py FOLDER KEPT [--corpus EmoDB] [--minutes 8]
FOLDER holds the clips (official file names). KEPT is a folder for what is computed once: the
statistics of every layer of Whisper, a file an actor, and a csv of predictions, a part an outer
fold, so that a stopped run goes on where it was. Functionals come from the user's store.

RAVDESS has 960 clips of 16 actors here and eight emotions, EmoDB 443 of 8 actors and seven. The
outer folds are GroupKFold by actor, six of RAVDESS and one an actor of EmoDB. Inside each
outer training part layer, pooling, functionals, their fusion and C of a logistic regression (class
weights balanced) are chosen by the UAR in GroupKFold(4) by actor; of equals the first is taken,
which is the simpler one. Each step of the table may choose among more than the step before it.
Everything is done twice: z-scored over the training clips, and over the unlabelled clips of each
actor, which is transductive. Intervals are from resampling actors. A linear discriminant may take
the place of the regression: the covariance within the emotions, shrunk to a degree that is chosen,
tells it which directions differ between actors; it may learn from copies of the training clips at
other speeds as well. The last step may average what several choices say, instead of taking one.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import soxr
from linear_paths import discriminant_path, logistic_path
from parts import Parts
from scipy.special import log_softmax, softmax
from sklearn.model_selection import GroupKFold

from emoest.datasets import load_emodb, load_ravdess
from emoest.evaluation import recall_per_class, uar_interval
from emoest.evaluation._bootstrap import (
    bootstrap_interval,
    group_codes,
    resample_scores,
    uar_sums,
)
from emoest.features import OpenSMILEFunctionals
from emoest.features._whisper_mel import RATE, whisper_log_mel
from emoest.files.weights import find_weights
from emoest.media.audio import read_audio

CORPORA: dict[str, tuple[Callable[..., Any], int]] = {
    "RAVDESS": (load_ravdess, 6),
    "EmoDB": (load_emodb, 8),
}
"""Who reads a corpus, and its outer folds."""
STRENGTHS = {"regression": (0.003, 0.01, 0.03), "discriminant": (0.1, 0.2, 0.3, 0.5)}
"""C of the regression, shrinkage of the discriminant."""
PATHS = {"regression": logistic_path, "discriminant": discriminant_path}
WEIGHTS = (0.25, 0.5, 1.0)
LAYERS = ("mean", *range(1, 7))
EACH = "each"
"""A regression for each of the layers 1 to 6, and the product of their probabilities."""
POOLINGS = {"mean": (0,), "mean and deviation": (0, 1)}
SPEEDS = (0.8, 0.9, 1.1, 1.2)
"""Of copies of the clips that the discriminant may learn from too, higher or lower in pitch."""
FUNCTIONALS = ("eGeMAPSv02", "ComParE_2016")
SCALINGS = ("training", "speaker")


class Choice(NamedTuple):
    """What may be chosen: the vector of Whisper, what learns from it, and what stands beside it.

    `c` is the C of a regression or the shrinkage of a discriminant.
    """

    layer: int | str = "mean"
    pooling: str = "mean"
    c: float = 0.01
    other: str = ""
    fusion: str = ""
    other_c: float = 0.0
    weight: float = 0.0
    learner: str = "regression"
    copies: bool = False

    def text(self) -> str:
        """Name what is chosen."""
        return " ".join(f"{k}={v}" for k, v in self._asdict().items() if v != "")


def whisper_only(layers: Any, poolings: Any, learners: Any = ("regression",)) -> list[Choice]:
    """List the choices without functionals."""
    return [
        Choice(layer, pooling, c, learner=learner)
        for learner in learners
        for layer, pooling, c in product(layers, poolings, STRENGTHS[learner])
    ]


def with_functionals(best: Choice) -> list[Choice]:
    """List what may stand beside a vector of Whisper: nothing, or functionals early or late."""
    early = [
        best._replace(c=c, other=other, fusion="early")
        for other, c in product(FUNCTIONALS, STRENGTHS[best.learner])
        if best.layer != EACH and not best.copies
    ]
    late = [
        best._replace(other=other, fusion="late", other_c=c, weight=weight)
        for other, c, weight in product(FUNCTIONALS, STRENGTHS["regression"], WEIGHTS)
    ]
    return [best, *early, *late]


STEPS: dict[str, Callable[[Choice], list[Choice]]] = {
    "mean of layers, mean, C = 0.01": lambda best: [Choice()],
    "and C chosen": lambda best: whisper_only(["mean"], ["mean"]),
    "and the layer": lambda best: whisper_only(LAYERS, ["mean"]),
    "and the pooling": lambda best: whisper_only(LAYERS, POOLINGS),
    "and a regression for each layer": lambda best: whisper_only([*LAYERS, EACH], POOLINGS),
    "and a linear discriminant": lambda best: whisper_only([*LAYERS, EACH], POOLINGS, PATHS),
    "and copies at other speeds": lambda best: [
        choice._replace(copies=copies)
        for copies in (False, True)
        for choice in whisper_only([*LAYERS, EACH], POOLINGS, PATHS)
        if choice.learner == "discriminant" or not copies
    ],
    "and functionals, early or late": with_functionals,
}
AVERAGED = "and choices averaged"
N_AVERAGED = 10


def layer_statistics(
    files: pd.Series, kept: Path, actors: pd.Series, end: float, speed: float = 1.0
) -> np.ndarray:
    """Compute of each clip and layer mean and deviation of the frames.

    Shape (n_clips, n_layers + 1, 2, n_dims); an actor's clips are kept in a file. After `end`, a
    time of the clock, no actor is begun.
    """
    found = {}
    net = None
    suffix = "" if speed == 1 else f"_{speed}"
    for actor in actors.unique():
        path = kept / f"whisper_base_layers_{actor}{suffix}.npy"
        clips = files[actors == actor]
        if not path.exists():
            if time.monotonic() > end:
                raise SystemExit("Layers are left: run the command again.")
            if net is None:
                from emoest.nets.whisper import load_whisper_encoder

                net = load_whisper_encoder(find_weights("whisper-base", is_folder=True))
            np.save(path, np.stack([_of_clip(net, clip, speed) for clip in clips]))
            print(f"{path.name} written", flush=True)
        found.update(zip(clips.index, np.load(path), strict=True))
    return np.stack([found[row] for row in files.index])


def mels_of(net: Any, clip: str, speed: float) -> Any:
    """Read a clip at a speed, higher or lower with it: a batch of one log-mel spectrum."""
    import torch

    signal, _ = read_audio(clip, target_rate=RATE)
    if speed != 1:
        signal = soxr.resample(signal, RATE * speed, RATE)
    return torch.from_numpy(whisper_log_mel(signal, net.n_mels))[None]


def _of_clip(net: Any, clip: str, speed: float) -> np.ndarray:
    import torch

    mels = mels_of(net, clip, speed)
    with torch.inference_mode():
        layers = np.stack([states[0].numpy() for states in net(mels)])
    return np.stack([layers.mean(axis=1), layers.std(axis=1)], axis=1).astype(np.float32)


class Voices:
    """The blocks of features of all clips, z-scored when they are asked for.

    Parameters
    ----------
    versions : list of ndarray, each of shape (n_clips, n_layers + 1, 2, n_dims)
        What `layer_statistics` gives for the clips as they are, and at other speeds.
    functionals : dict of str to ndarray (n_clips, n_features)
        By name of the set.
    y : ndarray of int
        Numbers of classes.
    actors : ndarray
        The speaker of each clip.
    scaling : {"training", "speaker"}
        Over which clips the z-scores are taken.
    """

    def __init__(
        self,
        versions: list[np.ndarray],
        functionals: dict[str, np.ndarray],
        y: np.ndarray,
        actors: np.ndarray,
        scaling: str,
    ) -> None:
        self.versions, self.functionals = versions, functionals
        self.y, self.actors, self.scaling = y, actors, scaling

    def block(self, choice: Choice, part: str, version: int = 0) -> np.ndarray:
        """Return a block of features that is not scaled yet."""
        if part == "other":
            return self.functionals[choice.other].astype(np.float64)
        stats = self.versions[version]
        layers = stats.mean(axis=1) if choice.layer == "mean" else stats[:, choice.layer]
        return layers[:, POOLINGS[choice.pooling]].reshape(len(stats), -1).astype(np.float64)

    def scaled(self, choice: Choice, part: str, train: np.ndarray, version: int = 0) -> np.ndarray:
        """Z-score a block by the training clips, or by each actor's own clips, as they are."""
        block, reference = self.block(choice, part, version), self.block(choice, part)
        if self.scaling == "training":
            return _z_scored(block, reference[train])
        out = np.empty_like(block)
        for actor in np.unique(self.actors):
            rows = self.actors == actor
            out[rows] = _z_scored(block[rows], reference[rows])
        return out

    def probabilities(
        self, parts: tuple[str, ...], choice: Choice, train: np.ndarray, test: np.ndarray
    ) -> dict[float, np.ndarray]:
        """Fit the learner for each C or shrinkage; the probabilities of the test clips."""
        blocks = [self.scaled(choice, part, train) for part in parts]
        # Blocks of a fusion weigh the same, and C means what it means for Whisper alone.
        size = blocks[0].shape[1]
        X = np.hstack([block * np.sqrt(size / block.shape[1]) for block in blocks])
        known, y = X[train], self.y[train]
        if choice.copies:
            others = range(1, len(self.versions))
            copies = [self.scaled(choice, "whisper", train, other)[train] for other in others]
            known, y = np.vstack([known, *copies]), np.tile(y, len(self.versions))
        return PATHS[choice.learner](known, y, X[test], STRENGTHS[choice.learner])


def _z_scored(block: np.ndarray, reference: np.ndarray) -> np.ndarray:
    mean, deviation = reference.mean(axis=0), reference.std(axis=0)
    return (block - mean) / np.where(deviation > 1e-9 * np.abs(mean) + 1e-12, deviation, np.inf)


class Fold:
    """One division into training and test clips; each model is fitted once."""

    def __init__(self, voices: Voices, train: np.ndarray, test: np.ndarray) -> None:
        self.voices, self.train, self.test = voices, train, test
        self.held: dict[tuple, dict[float, np.ndarray]] = {}

    def log_proba(self, choice: Choice) -> np.ndarray:
        """Predict logarithms of the probabilities of the test clips."""
        whisper = Choice(choice.layer, choice.pooling, learner=choice.learner, copies=choice.copies)
        if choice.fusion == "early":
            both = whisper._replace(other=choice.other)
            return self._log(("whisper", "other"), both, choice.c)
        layers = LAYERS[1:] if choice.layer == EACH else [choice.layer]
        logs = [self._log(("whisper",), whisper._replace(layer=i), choice.c) for i in layers]
        scores = np.mean(logs, axis=0)
        if choice.fusion == "late":
            alone = Choice(other=choice.other)
            scores = scores + choice.weight * self._log(("other",), alone, choice.other_c)
        return log_softmax(scores, axis=1)

    def predict_proba(self, choices: Sequence[Choice]) -> np.ndarray:
        """Predict probabilities; of several choices it is their geometric mean."""
        return softmax(np.mean([self.log_proba(choice) for choice in choices], axis=0), axis=1)

    def _log(self, parts: tuple[str, ...], choice: Choice, c: float) -> np.ndarray:
        key = parts, choice
        if key not in self.held:
            found = self.voices.probabilities(parts, choice, self.train, self.test)
            self.held[key] = {each: np.log(values + 1e-12) for each, values in found.items()}
        return self.held[key][c]


def nested(voices: Voices, train: np.ndarray, test: np.ndarray) -> Iterator[tuple]:
    """Choose by inner folds and predict, step by step: name, choice, probabilities."""
    inner = [
        Fold(voices, train[fit], train[held])
        for fit, held in GroupKFold(4).split(train, groups=voices.actors[train])
    ]
    outer, best = Fold(voices, train, test), Choice()
    true = np.concatenate([voices.y[fold.test] for fold in inner])

    def score(*choices: Choice) -> float:
        found = np.concatenate([fold.predict_proba(choices) for fold in inner])
        return recall_per_class(true, found.argmax(axis=1)).mean()

    scores: dict[Choice, float] = {}
    taken = []
    for name, options in STEPS.items():
        offered = options(best)
        scores |= {choice: score(choice) for choice in offered if choice not in scores}
        best = max(offered, key=lambda choice: scores[choice])
        taken.append(best)
        yield name, best, outer.predict_proba([best])
    ranked = sorted(scores, key=lambda choice: -scores[choice])[:N_AVERAGED]
    groups = {"one": [best], "each step": list(dict.fromkeys(taken)), "the ten best": ranked}
    which = max(groups, key=lambda name: score(*groups[name]))
    yield AVERAGED, which, outer.predict_proba(groups[which])


def outer_fold(voices: Voices, classes: np.ndarray, train: Any, test: Any) -> pd.DataFrame:
    """Tabulate predictions and probabilities of every step in one outer fold."""
    rows = [
        pd.DataFrame(proba, columns=classes).assign(
            step=name,
            row=test,
            group=voices.actors[test],
            y=classes[voices.y[test]],
            y_pred=classes[proba.argmax(axis=1)],
            chosen=choice if isinstance(choice, str) else choice.text(),
        )
        for name, choice, proba in nested(voices, train, test)
    ]
    return pd.concat(rows, ignore_index=True)


def run(corpus: str, folder: Path, kept: Path, minutes: float, scalings: list[str]) -> pd.DataFrame:
    """Compute what is not there yet, while there is time."""
    kept.mkdir(parents=True, exist_ok=True)
    load, n_folds = CORPORA[corpus]
    X, y = load(folder, return_X_y=True)
    X = X.reset_index(drop=True)
    end = time.monotonic() + 60 * minutes
    versions = [
        layer_statistics(X["audio"].astype(str), kept, X["speaker"], end, speed)
        for speed in (1.0, *SPEEDS)
    ]
    functionals = {
        name: OpenSMILEFunctionals(name, pooling="mean").fit_transform(X[["audio"]]).to_numpy()
        for name in FUNCTIONALS
    }
    classes, numbers = np.unique(y.to_numpy(), return_inverse=True)
    actors = X["speaker"].to_numpy().astype(str)
    parts = Parts(kept / "predictions.csv", (end - time.monotonic()) / 60)
    for scaling in scalings:
        voices = Voices(versions, functionals, numbers, actors, scaling)
        for i, (train, test) in enumerate(GroupKFold(n_folds).split(X, groups=actors)):
            make = partial(outer_fold, voices, classes, train, test)
            parts.add(f"{scaling} {i}", make, scaling=scaling)
    return parts.table()


def markdown(table: pd.DataFrame) -> str:
    """Write what each step reaches, what it adds to the one before it, and what was chosen."""
    scalings = [scaling for scaling in SCALINGS if scaling in set(table["scaling"])]
    head = ["step", *(f"UAR, {scaling} z-scores | added" for scaling in scalings)]
    lines = [f"| {' | '.join(head)} |", "| --- " * (1 + 2 * len(scalings)) + "|"]
    before: dict[str, Any] = {}
    for step in (*STEPS, AVERAGED):
        cells = []
        for scaling in scalings:
            rows = table[(table["step"] == step) & (table["scaling"] == scaling)]
            cells += _cells(rows, before.get(scaling))
            before[scaling] = rows
        lines.append(f"| {step} | {' | '.join(cells)} |")
    last = table[table["step"].isin([list(STEPS)[-1], AVERAGED])]
    last = last.drop_duplicates(["part", "step"])
    chosen = [
        f"{part}: {choice}" for part, choice in zip(last["part"], last["chosen"], strict=True)
    ]
    return "\n".join([*lines, "", "Chosen in the last two steps:", *chosen])


def _cells(rows: pd.DataFrame, before: pd.DataFrame | None) -> list[str]:
    true, predicted, actors = (rows[name].to_numpy() for name in ("y", "y_pred", "group"))
    uar = recall_per_class(true, predicted).mean()
    low, high = uar_interval(true, predicted, actors, random_state=0)
    cell = f"{uar:.3f} ({low:.3f} to {high:.3f})"
    if before is None:
        return [cell, ""]
    codes = group_codes(actors, len(actors))
    sums = [uar_sums(true, each["y_pred"].to_numpy(), codes) for each in (rows, before)]
    drawn = resample_scores(sums, 2000, 0)
    added = float(sums[0].value() - sums[1].value())
    ends = bootstrap_interval(added, drawn[:, 0] - drawn[:, 1], codes.max() + 1, bounds=(-1, 1))
    return [cell, f"{added:+.3f} ({ends[0]:+.3f} to {ends[1]:+.3f})"]


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="of the corpus (official file names)")
    parser.add_argument("kept", type=Path, help="folder of what is computed once")
    parser.add_argument("--corpus", default="RAVDESS", choices=CORPORA)
    parser.add_argument("--minutes", type=float, default=8.0, help="begin no fold after these")
    parser.add_argument("--scalings", nargs="*", default=SCALINGS, choices=SCALINGS)
    given = parser.parse_args()
    print(markdown(run(given.corpus, given.folder, given.kept, given.minutes, given.scalings)))


if __name__ == "__main__":
    main()
