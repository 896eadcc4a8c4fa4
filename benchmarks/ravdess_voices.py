"""RAVDESS, eight emotions, from the vectors of a net that tells speakers apart.

    python benchmarks/ravdess_voices.py FOLDER

FOLDER holds the clips of RAVDESS in any audio format, under their official names; the weights are
those of the package resemblyzer. How much emotion is in vectors that are made to tell who speaks?
"""

import sys

from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline

from emoest.datasets import load_ravdess
from emoest.embeddings import SpeakerEmbedder
from emoest.evaluation import EvaluationResult, evaluate
from emoest.normalization import ZScoreNormalizer


def run(folder: str, verbose: int = 0) -> EvaluationResult:
    """Score the system; the settings were fixed beforehand, nothing is selected."""
    X, y = load_ravdess(folder, return_X_y=True)
    model = make_pipeline(
        SpeakerEmbedder(verbose=verbose),
        ZScoreNormalizer(),
        LogisticRegression(C=0.1, max_iter=3000),
    ).set_output(transform="pandas")
    return evaluate(model, X[["audio"]], y, cv=GroupKFold(6), random_state=0, verbose=verbose)


if __name__ == "__main__":
    print(run(sys.argv[1]).summary())
