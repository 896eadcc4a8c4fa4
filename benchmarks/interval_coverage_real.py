"""How often the interval of a few real speakers holds the score of all of them.

Predictions of CREMA-D's 70 speakers are made once (wav2vec 2.0 vectors, z-scores by speaker, ridge
classifier, five folds of speakers). Then 6, 10 and 24 speakers are drawn without replacement, and
their interval is compared with the score of all 70: as it is, and with both arms shortened by
sqrt(1 - n / 70), since drawn speakers are part of the 70.

    python benchmarks/interval_coverage_real.py DATA [--draws 1000]

DATA holds ``cremad_vectors/``.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline

from emoest.evaluation import evaluate
from emoest.evaluation._bootstrap import (
    GroupSums,
    bootstrap_interval,
    group_codes,
    resample_scores,
    uar_sums,
)
from emoest.normalization import SpeakerZScoreNormalizer


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--draws", type=int, default=1000)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    with np.load(arguments.data / "cremad_vectors" / "audio_w2v2_msp.npz") as table:
        X = pd.DataFrame(table["audio"].astype(np.float32)).add_prefix("audio__")
        y, speakers = table["labels"], table["speakers"]
    model = make_pipeline(SpeakerZScoreNormalizer(), RidgeClassifier(alpha=1000))
    rows = evaluate(model, X, y, groups=speakers, random_state=0, proba=False).predictions
    sums = uar_sums(rows["y"], rows["y_pred"], group_codes(rows["group"], len(rows)))
    whole, n_all = sums.value(), len(sums.sums)
    print(f"UAR of all {n_all}: {100 * whole:.1f}\n\n| speakers | holds | corrected |")
    print("| --- | --- | --- |")
    for n in (6, 10, 24):
        held = np.zeros(2)
        for seed in range(arguments.draws):
            drawn = np.random.default_rng([n, seed]).permutation(n_all)[:n]
            part = GroupSums(sums.sums[drawn], sums.score)
            scores = resample_scores([part], 1000, seed)[:, 0]
            low, high = bootstrap_interval(part.value(), scores, n)
            shorter = np.sqrt(1 - n / n_all)
            near = (part.value() + shorter * (end - part.value()) for end in (low, high))
            held += low <= whole <= high, next(near) <= whole <= next(near)
        cells = [f"{100 * each / arguments.draws:.1f} %" for each in held]
        print(f"| {n} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
