"""What `evaluate` costs beside plain scikit-learn, and that it finds the same.

Prints UAR of the same SVM on the same folds by `evaluate` and by `cross_val_predict`, the CPU time
of `evaluate` beside `cross_val_score` (median of alternating runs), and that of 10,000 resamples of
10,000 predictions beside a loop over scikit-learn's score.

    python benchmarks/evaluation_cost.py DATA [--runs 5]

DATA holds ``ravdess_frames/`` (means of 35 action units, 960 clips of 16 actors).
"""

import argparse
import statistics
import time
import warnings
from functools import partial
from pathlib import Path

import numpy as np
from sklearn.metrics import recall_score
from sklearn.model_selection import GroupKFold, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from emoest.evaluation import evaluate, uar_interval, uar_score, uar_scorer


def read(folder):
    """Action units, labels and actors of RAVDESS."""
    with np.load(folder / "ravdess_frames" / "face_au_clip.npz") as table:
        return table["au_mean"].astype(float), table["labels"], table["speakers"]


def timed(call):
    """CPU seconds of a call, which other programs on the machine change less than seconds."""
    start = time.process_time()
    call()
    return time.process_time() - start


def parity(X, y, speakers, n_runs):
    """Print scores of both, and what the evaluation costs more."""
    model = make_pipeline(StandardScaler(), SVC(random_state=0))
    cv, options = GroupKFold(10), {"groups": speakers, "random_state": 0}
    result = evaluate(model, X, y, cv=cv, **options)
    plain = uar_score(y, cross_val_predict(model, X, y, cv=cv, groups=speakers))
    ours = result.table["uar"].iloc[0]
    print(f"UAR on {len(y)} clips, 10 folds: {ours:.12f}, plain {plain:.12f}", flush=True)
    for n in (160, 480, len(y)):
        some = np.random.default_rng(0).permutation(len(y))[:n]
        part = X[some], y[some], speakers[some]
        score = {"groups": part[2], "scoring": uar_scorer, "cv": cv}
        call = {"groups": part[2], "random_state": 0, "proba": False, "cv": cv}
        calls = (
            partial(cross_val_score, model, *part[:2], **score),
            partial(evaluate, model, *part[:2], **call),
        )
        times = [[timed(call) for call in calls] for _ in range(n_runs)]
        times = list(zip(*times, strict=True))
        first, second = map(statistics.median, times)
        table = timed(partial(getattr, calls[1](), "table"))
        print(
            f"{n} clips: cross_val_score {1000 * first:.0f} ms, evaluate {1000 * second:.0f} ms "
            f"({100 * (second / first - 1):+.0f} %), its table {1000 * table:.0f} ms",
            flush=True,
        )


def bootstrap(n_runs):
    """Print the time of resampling speakers and single samples, beside a loop over recall."""
    rng = np.random.default_rng(0)
    y, groups = rng.integers(0, 6, 10_000), np.arange(10_000) % 100
    pred = np.where(rng.random(10_000) < 0.6, y, rng.integers(0, 6, 10_000))
    members = [np.flatnonzero(groups == group) for group in range(100)]

    def loop(n, members):
        for _ in range(n):
            if members is None:
                rows = rng.integers(0, len(y), len(y))
            else:
                rows = np.concatenate([members[i] for i in rng.integers(0, 100, 100)])
            recall_score(y[rows], pred[rows], average="macro")

    for what, by, rows in (("100 speakers", groups, members), ("single samples", None, None)):
        ours, theirs = [], []
        for _ in range(n_runs):
            ours.append(timed(partial(uar_interval, y, pred, by, n_resamples=10_000)))
            theirs.append(timed(partial(loop, 50, rows)) * 200)
        first, second = statistics.median(ours), statistics.median(theirs)
        print(
            f"10,000 resamples of {what}, 10,000 predictions: {1000 * first:.0f} ms, a loop (50 "
            f"resamples, times 200) {second:.1f} s: {second / first:.0f} times"
        )


def main() -> None:
    """Print all of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    parity(*read(arguments.data), arguments.runs)
    bootstrap(arguments.runs)


if __name__ == "__main__":
    main()
