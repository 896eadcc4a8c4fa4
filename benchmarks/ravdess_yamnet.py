"""RAVDESS, eight emotions: YAMNet mean, z-score, linear SVM, actors kept apart.

    python benchmarks/ravdess_yamnet.py FOLDER [WEIGHTS]

FOLDER holds the clips of RAVDESS in any audio format, under their official names. WEIGHTS is
"yamnet" (the official file, fetched and verified) or the path of a local file.
"""

import sys
import time

from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from emoest.datasets import load_ravdess
from emoest.embeddings import YAMNetEmbedder
from emoest.evaluation import EvaluationResult, evaluate
from emoest.normalization import ZScoreNormalizer


def run(folder: str, weights: str = "yamnet", verbose: int = 0) -> EvaluationResult:
    """Score the system; the settings were fixed beforehand, nothing is selected."""
    X, y = load_ravdess(folder, return_X_y=True)
    model = make_pipeline(
        YAMNetEmbedder(weights, pooling="mean", verbose=verbose),
        ZScoreNormalizer(),
        LinearSVC(C=0.001, class_weight="balanced", max_iter=10_000, random_state=0),
    ).set_output(transform="pandas")
    return evaluate(model, X[["audio"]], y, cv=GroupKFold(6), random_state=0, verbose=verbose)


def main() -> None:
    """Print the summary and the time of a first and a second run."""
    for name in ("first", "second"):
        start = time.perf_counter()
        result = run(*sys.argv[1:])
        print(f"{name} run: {time.perf_counter() - start:.1f} s")
    print(result.summary())


if __name__ == "__main__":
    main()
