"""Functionals of openSMILE, z-score and a linear SVM on RAVDESS and EmoDB, one actor out at a time.

Run:  python benchmarks/egemaps_ravdess_emodb.py --ravdess FOLDER --emodb FOLDER
It prints a Markdown table of pooled UAR with 95 % intervals from resampling actors. Functionals are
kept in the user's store, so a second run is a matter of seconds. With --cross it prints how eGeMAPS
trained on one corpus does on the other, on their six shared classes, beside five folds of actors
within each.
"""

import argparse
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.model_selection import LeaveOneGroupOut
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from emoest.datasets import load_emodb, load_ravdess
from emoest.evaluation import cross_corpus_table, evaluate
from emoest.features import AcousticFunctionals, OpenSMILEFunctionals
from emoest.normalization import SpeakerZScoreNormalizer, ZScoreNormalizer

CORPORA = {"RAVDESS": load_ravdess, "EmoDB": load_emodb}


def systems(n_jobs: int | None) -> dict[str, tuple[Any, Any]]:
    """Name each system: what gives the vectors, and what learns from them.

    The costs of the SVM are fixed beforehand: 0.01 for the small sets and 0.0001 for ComParE's
    6,373 columns.
    """
    egemaps = OpenSMILEFunctionals("eGeMAPSv02", pooling="mean", n_jobs=n_jobs, verbose=1)
    compare = OpenSMILEFunctionals("ComParE_2016", pooling="mean", n_jobs=n_jobs, verbose=1)
    own = AcousticFunctionals(pooling="mean", verbose=1)
    small, large = SVC(kernel="linear", C=0.01), SVC(kernel="linear", C=1e-4)
    return {
        "eGeMAPSv02, z-score": (egemaps, make_pipeline(ZScoreNormalizer(), small)),
        "eGeMAPSv02, z-score per speaker": (
            egemaps,
            make_pipeline(SpeakerZScoreNormalizer(), small),
        ),
        "ComParE_2016, z-score": (compare, make_pipeline(ZScoreNormalizer(), large)),
        "AcousticFunctionals, z-score": (own, make_pipeline(ZScoreNormalizer(), small)),
    }


def table(folders: dict[str, Path], n_jobs: int | None = None, n_resamples: int = 2000) -> str:
    """Evaluate every system on every corpus that has a folder; a Markdown table."""
    lines = [
        "| corpus | clips | actors | classes | system | UAR | 95 % interval | chance |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for corpus, folder in folders.items():
        X, y = CORPORA[corpus](folder, return_X_y=True)
        n_classes, actors = y.nunique(), X["speaker"].nunique()
        for name, (features, model) in systems(n_jobs).items():
            vectors: pd.DataFrame = features.fit_transform(X[["audio", "speaker"]])
            row = evaluate(
                model,
                vectors,
                y,
                groups=X["speaker"],
                cv=LeaveOneGroupOut(),
                proba=False,
                n_resamples=n_resamples,
                random_state=0,
            ).table.iloc[0]
            lines.append(
                f"| {corpus} | {len(X)} | {actors} | {n_classes} | {name} | {row['uar']:.3f} | "
                f"{row['uar_low']:.3f} to {row['uar_high']:.3f} | {1 / n_classes:.3f} |"
            )
    return "\n".join(lines)


SHARED = {
    "RAVDESS": {
        "angry": "anger",
        "happy": "happiness",
        "sad": "sadness",
        "fearful": "fear",
        "disgust": "disgust",
        "neutral": "neutral",
        "calm": None,
        "surprised": None,
    },
    "EmoDB": {
        **{name: name for name in ("anger", "happiness", "sadness", "fear", "disgust", "neutral")},
        "boredom": None,
    },
}


def cross(folders: dict[str, Path], n_jobs: int | None = None) -> str:
    """Train on each corpus and test on the other; a Markdown table."""
    features = OpenSMILEFunctionals("eGeMAPSv02", pooling="mean", n_jobs=n_jobs, verbose=1)
    corpora = {}
    for corpus, folder in folders.items():
        X, y = CORPORA[corpus](folder, return_X_y=True)
        corpora[corpus] = features.fit_transform(X[["audio", "speaker"]]), y
    models = {
        "z-score": make_pipeline(ZScoreNormalizer(), SVC(kernel="linear", C=0.01)),
        "z-score per speaker": make_pipeline(
            SpeakerZScoreNormalizer(), SVC(kernel="linear", C=0.01)
        ),
    }
    lines = [
        "| train | test | normalized | UAR | 95 % interval | clips | actors |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, model in models.items():
        found = cross_corpus_table(model, corpora, label_map=SHARED, cv=5, random_state=0)
        for _, row in found.iterrows():
            bounds = f"{100 * row['uar_low']:.1f} to {100 * row['uar_high']:.1f}"
            cells = [row["train"], row["test"], name, f"{100 * row['uar']:.1f}", bounds]
            lines.append(
                f"| {' | '.join(map(str, [*cells, int(row['n']), int(row['n_groups'])]))} |"
            )
    return "\n".join(lines)


def main() -> None:
    """Read the folders and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--ravdess", type=Path, help="folder of RAVDESS (official file names)")
    parser.add_argument("--emodb", type=Path, help="folder of EmoDB (official file names)")
    parser.add_argument("--n-jobs", type=int, default=None, help="threads for openSMILE")
    parser.add_argument("--cross", action="store_true", help="one corpus against the other")
    given = parser.parse_args()
    folders = {"RAVDESS": given.ravdess, "EmoDB": given.emodb}
    folders = {corpus: folder for corpus, folder in folders.items() if folder is not None}
    if not folders:
        parser.error("pass --ravdess, --emodb or both")
    if given.cross and len(folders) < len(CORPORA):
        parser.error("--cross needs both folders")
    print((cross if given.cross else table)(folders, given.n_jobs))


if __name__ == "__main__":
    main()
