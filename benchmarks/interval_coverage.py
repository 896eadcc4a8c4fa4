"""How often intervals of UAR hold the true score, and how often equal systems seem to differ.

Corpora are simulated: each speaker has a level of difficulty of its own (normal, on the scale of
log odds) and one for each class, and says 8 to 40 samples of four unequal classes. The true score
is that of 200,000 further speakers. Compared are systems of equal true score whose difficulties
share half of their variance. Prints a markdown table of

- the coverage of the 95 % percentile interval, as it is and widened (`uar_interval`),
- the share of comparisons of equal systems with p below 0.05, by the bootstrap (how far out zero
  lies in the resampled differences) and by exchanging predictions (`evaluate`).

A second table holds the share of equal systems (nearest means on other features) with p below 0.05
by the t-test of their scores on the same splits, paired and corrected (`resampled_t_test`).

From 500 speakers on all corpora are resampled by the same draws, which are most of the work.

    python benchmarks/interval_coverage.py [--corpora 2000] [--speakers 5 6 10 24 87]
"""

import argparse
from functools import lru_cache

import numpy as np
from scipy.special import expit

from emoest.evaluation import resampled_t_test
from emoest.evaluation._bootstrap import (
    bootstrap_interval,
    draw_groups,
    resample_scores,
    sign_flip_p,
    uar_sums,
)

SPREADS = {"alike": 0.4, "unlike": 1.0}
CLASSES = np.array([0.4, 0.3, 0.2, 0.1])
EASE = np.array([0.8, 0.4, 0.0, -0.4])
N_RESAMPLES = 2000
MANY = 500


def draw_recalls(rng, n_speakers, spread):
    """Chances of being recognized, of two systems: (2, n_speakers, n_classes)."""
    shared = rng.normal(size=(n_speakers, 1)) + rng.normal(size=(n_speakers, len(CLASSES)))
    own = rng.normal(size=(2, n_speakers, 1)) + rng.normal(size=(2, n_speakers, len(CLASSES)))
    return expit(EASE + spread * (shared + own) / 2)


def draw_corpus(rng, n_speakers, spread):
    """Sums by speaker of both systems on the same samples."""
    codes = np.repeat(np.arange(n_speakers), rng.integers(8, 41, n_speakers))
    y = rng.choice(len(CLASSES), len(codes), p=CLASSES)
    recalls = draw_recalls(rng, n_speakers, spread)[:, codes, y]
    right = rng.random(recalls.shape) < recalls
    wrong = (y + 1) % len(CLASSES)
    return [uar_sums(y, np.where(each, y, wrong), codes) for each in right]


@lru_cache
def draws_of_many(n_speakers):
    """How often each speaker is drawn, for all corpora: (N_RESAMPLES, n_speakers)."""
    return np.concatenate(list(draw_groups(n_speakers, N_RESAMPLES, seed=0)))


def resample(parts, n_speakers, seed):
    """Score both systems on the same resamples of the speakers."""
    if n_speakers < MANY:
        return resample_scores(parts, N_RESAMPLES, seed)
    draws = draws_of_many(n_speakers)
    return np.stack([part.score(draws @ part.sums) for part in parts], axis=1)


def bootstrap_p(differences):
    """Two-sided p of "no difference", from how far out zero lies in resampled differences."""
    count = min(np.sum(differences <= 0), np.sum(differences >= 0))
    return min(1.0, 2 * (count + 1) / (len(differences) + 1))


def measure(n_speakers, spread, n_corpora):
    """Fractions of corpora: percentile and widened intervals that hold, p below 0.05 by both."""
    truth = draw_recalls(np.random.default_rng(1), 200_000, spread)[0].mean()
    counts = np.zeros(4)
    for seed in range(n_corpora):
        rng = np.random.default_rng([n_speakers, seed])
        parts = draw_corpus(rng, n_speakers, spread)
        scores = resample(parts, n_speakers, seed)
        low, high = np.quantile(scores[:, 0], [0.025, 0.975])
        wide = bootstrap_interval(parts[0].value(), scores[:, 0], n_speakers)
        p = bootstrap_p(scores[:, 0] - scores[:, 1]), sign_flip_p(parts, N_RESAMPLES, seed)
        counts += low <= truth <= high, wide[0] <= truth <= wide[1], p[0] < 0.05, p[1] < 0.05
    return counts / n_corpora


def nearest_mean(X, y, train, test):
    """Accuracy on the test rows of the nearer of the means of two classes."""
    means = [X[train][y[train] == label].mean(axis=0) for label in (0, 1)]
    near = np.argmin([((X[test] - mean) ** 2).sum(axis=1) for mean in means], axis=0)
    return np.mean(near == y[test])


def measure_t_test(n_corpora, kind, n_samples=120, n_splits=10):
    """Fractions of corpora with p below 0.05 by the paired and by the corrected t-test.

    Two systems of equal worth see different features, each as telling as the other's.
    """
    counts, n_test = np.zeros(2), n_samples // (n_splits if kind == "folds" else 3)
    for seed in range(n_corpora):
        rng = np.random.default_rng(seed)
        y = np.arange(n_samples) % 2
        X = rng.normal(size=(2, n_samples, 5)) + 0.4 * y[:, None]
        orders = [rng.permutation(n_samples) for _ in range(n_splits)]
        if kind == "folds":
            orders = [np.roll(orders[0], n_test * k) for k in range(n_splits)]
        scores = np.array(
            [[nearest_mean(each, y, o[n_test:], o[:n_test]) for o in orders] for each in X]
        )
        options = {"n_test": n_test, "n_train": n_samples - n_test}
        # Without the term of overlap, it is the paired test.
        plain = resampled_t_test(*scores, n_test=1e-12, n_train=1)
        counts += plain.p < 0.05, resampled_t_test(*scores, **options).p < 0.05
    return counts / n_corpora


def print_t_tests(n_corpora):
    """Print the second table."""
    print("\n| splits | p < 0.05, paired t | p < 0.05, corrected |\n| --- | --- | --- |")
    for kind, name in (("folds", "10 folds"), ("splits", "10 random splits, a third tested")):
        found = [f"{100 * each:.1f} %" for each in measure_t_test(n_corpora, kind)]
        print(f"| {name} | {' | '.join(found)} |", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpora", type=int, default=2000)
    parser.add_argument("--speakers", type=int, nargs="*", default=[5, 6, 10, 24, 87])
    arguments = parser.parse_args()
    print(
        "| speakers | they are | percentile | widened | p < 0.05, bootstrap | p < 0.05, exchange |"
    )
    print("| --- | --- | --- | --- | --- | --- |")
    for n_speakers in arguments.speakers:
        for name, spread in SPREADS.items():
            found = measure(n_speakers, spread, arguments.corpora)
            cells = [f"{100 * each:.1f} %" for each in found]
            print(f"| {n_speakers} | {name} | {' | '.join(cells)} |", flush=True)
    print_t_tests(arguments.corpora)


if __name__ == "__main__":
    main()
