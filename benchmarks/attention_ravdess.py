"""Attention over Whisper's frames in place of their mean: RAVDESS, voice alone.

Run:  python benchmarks/attention_ravdess.py RAVDESS predictions.csv [--minutes 8]
The 960 clips, GroupKFold(6) by actor, eight emotions. Frames are the mean over the layers of
Whisper base, 50 a second; they are z-scored over the training clips, or over the unlabelled clips
of each actor, which is transductive. ``SequenceClassifier(cell=None)`` is a pooling over the frames
and a linear head, with emoest's default settings of training (early stopping on training actors
that are held out) and balanced class weights; the seeds are 0, 1 and 2, and a row is the mean over
them. "mean of frames" is the logistic regression of speech_encoders_ravdess.py (C = 0.01). Products
multiply probabilities with equal weights. Nothing was chosen after a look at the outer folds.
predictions.csv gets each part when it is done, so that a stopped run goes on where it was.
"""

import argparse
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from parts import Parts
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline

from emoest.aggregation import StatisticsPooling
from emoest.datasets import load_ravdess
from emoest.embeddings import WhisperEmbedder
from emoest.evaluation import recall_per_class, uar_interval
from emoest.neural import SequenceClassifier
from emoest.normalization import ZScoreNormalizer
from emoest.tables.cells import object_column

SEEDS = (0, 1, 2)
SCALINGS = ("training z-scores", "speaker z-scores")
MEAN = "mean of frames, logistic regression"
POOLINGS = ("attention", "statistics", "mean")
PRODUCT = "attention x mean of frames"


def models() -> dict[str, tuple[Any, tuple[int, ...]]]:
    """Name each model, with the seeds that it is fitted with."""
    learner = LogisticRegression(C=0.01, class_weight="balanced", max_iter=2000)
    made: dict[str, tuple[Any, tuple[int, ...]]] = {
        MEAN: (make_pipeline(StatisticsPooling(["mean"]), ZScoreNormalizer(), learner), (0,))
    }
    for pooling in POOLINGS:
        net = SequenceClassifier(None, pooling=pooling, class_weight="balanced")
        made[f"{pooling} over frames, learned together with the head"] = (net, SEEDS)
    return made


def by_speaker(frames: pd.DataFrame, speakers: pd.Series) -> pd.DataFrame:
    """Z-score frames over all frames of the speaker's clips."""
    ((name, column),) = frames.items()
    cells = np.empty(len(column), dtype=object)
    for speaker in speakers.unique():
        rows = np.flatnonzero(speakers == speaker)
        every = np.concatenate([column.iloc[i] for i in rows])
        mean, deviation = every.mean(axis=0), every.std(axis=0)
        for i in rows:
            cells[i] = (column.iloc[i] - mean) / deviation
    return object_column(list(cells), frames.index, name).to_frame()


def predict(model: Any, X: pd.DataFrame, y: pd.Series, train: Any, test: Any) -> pd.DataFrame:
    """Fit on training clips; probabilities of the others."""
    model.fit(X.iloc[train], y.iloc[train])
    proba = pd.DataFrame(model.predict_proba(X.iloc[test]), columns=model.classes_)
    groups = X.index.get_level_values("group")[test].astype(str)
    return proba.assign(row=test, group=groups, y=y.to_numpy()[test])


def run(folder: Path, parts: Parts) -> pd.DataFrame:
    """Compute what is not there yet, while there is time."""
    X, y = load_ravdess(folder, return_X_y=True)
    frames = WhisperEmbedder(pooling=None, verbose=1).fit_transform(X[["audio"]])
    frames = frames.filter(like="frames")
    # The nets scale by the training clips themselves.
    scaled = dict(zip(SCALINGS, (frames, by_speaker(frames, X["speaker"])), strict=True))
    for (name, (model, seeds)), scaling in product(models().items(), SCALINGS):
        for seed in seeds:
            if name != MEAN:
                model.set_params(random_state=seed)
            folds = GroupKFold(6).split(frames, groups=X["speaker"])
            for i, (train, test) in enumerate(folds):
                make = partial(predict, model, scaled[scaling], y, train, test)
                about = {"scaling": scaling, "model": name, "seed": seed}
                parts.add(f"{scaling}, {name}, seed {seed}, fold {i}", make, **about)
    return parts.table()


def markdown(table: pd.DataFrame) -> str:
    """Write UAR with intervals, and the spread between seeds."""
    classes = [name for name in table.columns if name in set(table["y"])]
    lines = ["| model | scaling | UAR | between seeds |", "| --- | --- | --- | --- |"]
    for scaling in SCALINGS:
        found = {
            name: [part.sort_values("row") for _, part in of_model.groupby("seed")]
            for name, of_model in table[table["scaling"] == scaling].groupby("model", sort=False)
        }
        attention = next((runs for name, runs in found.items() if "attention" in name), None)
        if attention is not None:
            mean = found[MEAN][0][classes].to_numpy()
            found[PRODUCT] = [
                run.assign(**dict(zip(classes, (run[classes].to_numpy() * mean).T, strict=True)))
                for run in attention
            ]
        for name, runs in found.items():
            lines.append(f"| {name} | {scaling} | {score_cells(runs, classes)} |")
    return "\n".join(lines)


def score_cells(runs: list[pd.DataFrame], classes: list[str]) -> str:
    """Write the mean UAR of runs that differ by seed, its interval, and their spread."""
    labels = np.array(classes)
    true, groups = runs[0]["y"].to_numpy(), runs[0]["group"].to_numpy()
    predicted = [labels[run[classes].to_numpy().argmax(axis=1)] for run in runs]
    uars = [float(recall_per_class(true, each).mean()) for each in predicted]
    ends = np.mean([uar_interval(true, each, groups, random_state=0) for each in predicted], axis=0)
    spread = f"{max(uars) - min(uars):.3f}" if len(uars) > 1 else ""
    return f"{np.mean(uars):.3f} ({ends[0]:.3f} to {ends[1]:.3f}) | {spread}"


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("ravdess", type=Path, help="folder of RAVDESS (official file names)")
    parser.add_argument("predictions", type=Path, help="csv of predictions, gone on with")
    parser.add_argument("--minutes", type=float, default=8.0, help="begin no part after these")
    given = parser.parse_args()
    print(markdown(run(given.ravdess, Parts(given.predictions, given.minutes))))


if __name__ == "__main__":
    main()
