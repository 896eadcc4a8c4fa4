"""Label sets, calibration and abstention on held-out actors of RAVDESS.

Vectors of voice (wav2vec 2.0) with scaling and logistic regression on 960 clips of 16 actors. In
each of 20 splits twelve actors train and calibrate, each by models of the other nine (four folds),
and four are tested: coverage of sets of 90 % over the tested actors, and its spread over them,
without and with the guarantee. Then, by five folds of actors: calibration error
before and after temperature scaling by held-out actors, and UAR where the model abstains.

    python benchmarks/conformal_ravdess.py DATA

DATA holds ``ravdess_frames/``.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from emoest.evaluation import (
    ConformalSets,
    abstention_curve,
    coverage_by_group,
    evaluate,
    expected_calibration_error,
    temperature_scaled,
)


def read(folder):
    """Vectors, emotions and actors."""
    with np.load(folder / "ravdess_frames" / "audio_w2v2_msp.npz") as table:
        return table["audio"].astype(np.float64), table["labels"], table["speakers"]


def sets(X, y, speakers, model, n_splits=20):
    """Print coverage over held-out actors."""
    parts = []
    for seed in range(n_splits):
        order = np.random.default_rng(seed).permutation(np.unique(speakers))
        known, test = (np.isin(speakers, some) for some in np.split(order, [12]))
        groups, cv = speakers[known], GroupKFold(4)
        inner = cross_val_predict(
            model, X[known], y[known], groups=groups, cv=cv, method="predict_proba"
        )
        proba = model.fit(X[known], y[known]).predict_proba(X[test])
        for guarantee in (False, True):
            found = ConformalSets(0.9, guarantee=guarantee)
            found.fit(y[known], inner, groups, classes=model.classes_)
            table = coverage_by_group(y[test], found.predict(proba), speakers[test])
            parts.append(table.assign(split=seed, guarantee=guarantee))
    for guarantee, table in pd.concat(parts).groupby("guarantee"):
        by_split = table.groupby("split")["coverage"].mean()
        print(
            f"sets of 90 %{', guaranteed' if guarantee else ''}: coverage "
            f"{100 * by_split.mean():.1f} % over {n_splits} splits (from "
            f"{100 * by_split.min():.1f} to {100 * by_split.max():.1f}), single actors from "
            f"{100 * table['coverage'].min():.1f} to {100 * table['coverage'].max():.1f} %, "
            f"{table['size'].mean():.2f} of 8 labels a set",
            flush=True,
        )


def main() -> None:
    """Print all of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    X, y, speakers = read(parser.parse_args().data)
    warnings.simplefilter("ignore")
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=200))
    result = evaluate(model, X, y, groups=speakers, random_state=0)
    rows, proba = result.select(), result.probabilities()
    scaled = temperature_scaled(rows["y"], proba, rows["group"])
    errors = [expected_calibration_error(rows["y"], each) for each in (proba, scaled)]
    print(f"ECE {100 * errors[0]:.1f} %, scaled by other actors {100 * errors[1]:.1f} %")
    print(abstention_curve(rows["y"], proba).round(3).to_string(index=False))
    table, whole = result.subgroups("group"), result.table["uar"].iloc[0]
    print(f"worst actor {table.index[0]}: UAR {table['uar'].iloc[0]:.3f}, all {whole:.3f}")
    sets(X, y, speakers, model)


if __name__ == "__main__":
    main()
