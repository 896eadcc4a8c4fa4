"""Fits that a pruner saves, and the best UAR that it costs, on generated stories.

Run:  python benchmarks/pruning.py --seeds 5
Arousal of generated spoken stories from acoustic functionals, an RBF SVM over C and gamma, 40
trials, ten folds without common speakers. Each seed draws its own folds and trials. It prints a
Markdown table: one search a row, fits (folds that were trained) and best UAR.
"""

import argparse
import tempfile

import numpy as np
import optuna
import pandas as pd
from optuna.distributions import FloatDistribution
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from emoest.datasets import make_stories
from emoest.features import AcousticFunctionals
from emoest.tuning import OptunaSearchCV

SPACE = {
    "svc__C": FloatDistribution(1e-3, 1e3, log=True),
    "svc__gamma": FloatDistribution(1e-5, 1.0, log=True),
}
PRUNERS = {
    "none": None,
    "median": optuna.pruners.MedianPruner(),
    "median, after 3 folds": optuna.pruners.MedianPruner(n_warmup_steps=2),
}


def count_fits(search: OptunaSearchCV) -> int:
    """Count the folds that were trained."""
    folds = [search.cv_results_[f"split{k}_test_score"] for k in range(search.n_splits_)]
    return int(np.isfinite(folds).sum())


def main() -> None:
    """Search with each pruner and seed, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--speakers", type=int, default=60)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        X, y = make_stories(
            folder, n_speakers=options.speakers, n_stories=2, target="arousal", return_X_y=True
        )
        speakers = X["speaker"].to_numpy()
        features = AcousticFunctionals(pooling="mean").fit_transform(X[["audio"]]).to_numpy()
    rows = []
    for seed in range(options.seeds):
        for name, pruner in PRUNERS.items():
            search = OptunaSearchCV(
                make_pipeline(StandardScaler(), SVC(class_weight="balanced")),
                SPACE,
                cv=10,
                n_trials=40,
                pruner=pruner,
                random_state=seed,
                refit=False,
            )
            search.fit(features, y, groups=speakers)
            rows.append((seed, name, count_fits(search), round(search.best_score_, 4)))
    table = pd.DataFrame(rows, columns=["seed", "pruner", "fits", "best UAR"])
    print(table.to_markdown(index=False))


if __name__ == "__main__":
    main()
