"""What fusion brings on RAVDESS: audio alone, faces alone, early, late and stacked fusion.

Actors 1 to 16, eight emotions, GroupKFold(8) by actor, UAR in percent with 95 % intervals from
resampling actors. Every system rests on the same learner, z-score and logistic regression, whose C
is chosen among 0.01, 0.1, 1 and 10 inside each training part alone: by UAR in an inner
GroupKFold(4) by actor, for each base estimator of late fusion. Prints a markdown table.

    python benchmarks/fusion_ravdess_av.py <folder of real data>
"""

import argparse
from pathlib import Path
from typing import Any

import pandas as pd
from corruption import load_ravdess
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from emoest.evaluation import EvaluationResult, evaluate, uar_scorer
from emoest.fusion import (
    EarlyFusionClassifier,
    LateFusionClassifier,
    MonteCarloFusionClassifier,
    MultiplicativeFusionClassifier,
)

STRENGTHS = (0.01, 0.1, 1.0, 10.0)


def tuned(model: Any, parameter: str) -> GridSearchCV:
    """Choose C by UAR on actors held out of the training part."""
    grid = {parameter: list(STRENGTHS)}
    return GridSearchCV(model, grid, scoring=uar_scorer, cv=GroupKFold(4))


def systems() -> dict[str, Any]:
    """Name the systems."""
    learner = LogisticRegression(max_iter=2000)
    base = tuned(make_pipeline(StandardScaler(), learner), "logisticregression__C")
    return {
        "audio": LateFusionClassifier([("audio", base), ("face", "drop")]),
        "face": LateFusionClassifier([("audio", "drop"), ("face", base)]),
        "early fusion": tuned(EarlyFusionClassifier(learner, random_state=0), "estimator__C"),
        "late fusion, mean": LateFusionClassifier(base, rule="mean"),
        "late fusion, product": LateFusionClassifier(base, rule="product"),
        "late fusion, stacking": LateFusionClassifier(base, rule="stacking", random_state=0),
        "multiplicative fusion": MultiplicativeFusionClassifier(base),
        "Monte Carlo, weights": MonteCarloFusionClassifier(base, random_state=0),
        "Monte Carlo, confusion": MonteCarloFusionClassifier(
            base, strategy="confusion", random_state=0
        ),
    }


def run(folder: Path) -> EvaluationResult:
    """Evaluate the systems on the same folds."""
    X, y, actors = load_ravdess(folder)
    kept = pd.Series(actors, index=X.index).astype(int).between(1, 16)
    return evaluate(
        systems(),
        X[kept],
        y[kept],
        groups=actors[kept.to_numpy()],
        cv=GroupKFold(8),
        random_state=0,
    )


def markdown(result: EvaluationResult) -> str:
    """Write the table."""
    table = 100 * result.table[["uar", "uar_low", "uar_high"]]
    rows = result.comparison
    against = rows[(rows["model_a"] == "face") | (rows["model_b"] == "face")]
    lines = [
        f"{int(result.table['n'].iloc[0])} clips of {result.protocol.n_groups} actors",
        "",
        "| system | UAR | 95 % interval | above faces alone |",
        "|---|---|---|---|",
    ]
    for name, (uar, low, high) in table.iterrows():
        pair = against[(against["model_a"] == name) | (against["model_b"] == name)]
        apart = ""
        if name != "face":
            row = pair.iloc[0]
            sign = 100 if row["model_a"] == name else -100
            low_end, high_end = sorted([sign * row["low"], sign * row["high"]])
            gain = round(sign * row["difference"], 1) + 0.0
            apart = f"{gain:+.1f} ({low_end:+.1f} to {high_end:+.1f})"
        lines.append(f"| {name} | {uar:.1f} | {low:.1f} to {high:.1f} | {apart} |")
    return "\n".join(lines)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("folder", type=Path, help="holds ravdess_av_features")
    print(markdown(run(parser.parse_args().folder)))


if __name__ == "__main__":
    main()
