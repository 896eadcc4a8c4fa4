"""Encoders of speech on RAVDESS and EmoDB: logistic regression on the mean frame, actors apart.

Run:  python benchmarks/speech_encoders_ravdess.py --ravdess FOLDER [--emodb FOLDER]
          [--yamnet WEIGHTS] [--context padded] [--only NAME ...]
It prints a Markdown table of pooled UAR with 95 % intervals from resampling actors, z-scored over
the training actors and, as its own column, over each actor's clips (transductive: it reads the
unlabelled clips of the test actors). Layer, C and folds were fixed before the first run. Embeddings
are kept in the user's store, so a second run is a matter of seconds.
"""

import argparse
import time
from pathlib import Path
from typing import Any

from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline

from emoest.datasets import load_emodb, load_ravdess
from emoest.embeddings import WhisperEmbedder, YAMNetEmbedder
from emoest.evaluation import evaluate
from emoest.features import OpenSMILEFunctionals
from emoest.normalization import SpeakerZScoreNormalizer, ZScoreNormalizer

CORPORA = {"RAVDESS": (load_ravdess, 6), "EmoDB 2 s": (load_emodb, 8)}
C = 0.01


def encoders(yamnet: str | None, context: str) -> dict[str, Any]:
    """Name each encoder; each gives one vector a clip."""
    found = {
        f"Whisper base, mean of layers, context={context!r}": WhisperEmbedder(
            context=context, pooling="mean", verbose=1
        ),
        "eGeMAPSv02": OpenSMILEFunctionals("eGeMAPSv02", pooling="mean", verbose=1),
        "ComParE_2016": OpenSMILEFunctionals("ComParE_2016", pooling="mean", verbose=1),
    }
    if yamnet is not None:
        found["YAMNet"] = YAMNetEmbedder(yamnet, pooling="mean", verbose=1)
    return found


def learners() -> dict[str, Any]:
    """Name each way to scale, with the classifier behind it."""
    learner = LogisticRegression(C=C, class_weight="balanced", max_iter=2000)
    return {
        "z-score": make_pipeline(ZScoreNormalizer(), learner),
        "z-score per speaker": make_pipeline(SpeakerZScoreNormalizer(), learner),
    }


def rows(corpus: str, folder: Path, chosen: dict[str, Any]) -> list[str]:
    """Evaluate every encoder on a corpus; the lines of the table."""
    load, n_splits = CORPORA[corpus]
    X, y = load(folder, return_X_y=True)
    n_splits = min(n_splits, X["speaker"].nunique())
    lines = []
    for name, encoder in chosen.items():
        start = time.perf_counter()
        vectors = encoder.fit_transform(X[["audio", "speaker"]])
        seconds = time.perf_counter() - start
        result = evaluate(
            learners(), vectors, y, groups=X["speaker"], cv=GroupKFold(n_splits), random_state=0
        )
        cells = [
            f"{row['uar']:.3f} ({row['uar_low']:.3f} to {row['uar_high']:.3f})"
            for _, row in result.table.iterrows()
        ]
        lines.append(
            f"| {corpus}, {len(X)} clips, {X['speaker'].nunique()} actors, {y.nunique()} classes "
            f"| {name} | {' | '.join(cells)} |"
        )
        print(f"{lines[-1]} embedded in {seconds:.1f} s", flush=True)
    return lines


def main() -> None:
    """Read the folders and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--ravdess", type=Path, help="folder of RAVDESS (official file names)")
    parser.add_argument("--emodb", type=Path, help="folder of EmoDB (official file names)")
    parser.add_argument("--yamnet", help="'yamnet', or the path of its weights")
    parser.add_argument("--context", default="clip", choices=["clip", "padded"])
    parser.add_argument("--only", nargs="*", default=None, help="starts of names of encoders")
    given = parser.parse_args()
    folders = {"RAVDESS": given.ravdess, "EmoDB 2 s": given.emodb}
    chosen = {
        name: encoder
        for name, encoder in encoders(given.yamnet, given.context).items()
        if given.only is None or name.startswith(tuple(given.only))
    }
    head = ["| corpus | encoder | UAR, z-score | UAR, z-score per speaker (transductive) |"]
    lines = [*head, "| --- | --- | --- | --- |"]
    for corpus, folder in folders.items():
        if folder is not None:
            lines += rows(corpus, folder, chosen)
    print("\n".join(lines))


if __name__ == "__main__":
    main()
