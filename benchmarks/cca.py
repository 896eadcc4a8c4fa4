"""CCA side by side: emoest, scikit-learn and, where it is installed, cca-zoo.

Prints two markdown tables. Contenders take turns, each figure is the median over the rounds, and
CPU seconds stand beside wall time. Set OMP_NUM_THREADS to fix the number of threads.

    python benchmarks/cca.py
    python benchmarks/cca.py --samples 1000 --features 200 150 --rounds 3
"""

import argparse
import importlib.util
import time
import warnings
from collections.abc import Callable
from statistics import median

import numpy as np
from sklearn.cross_decomposition import CCA

from emoest.validity import RegularizedCCA, permutation_test

Result = tuple[float, float, np.ndarray]


def make_blocks(n_samples: int, p: int, q: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Make two blocks of features with twenty shared factors of falling strength."""
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(n_samples, 20)) * np.linspace(3, 0.3, 20)
    blocks = [
        factors @ rng.normal(size=(20, d)) + 8 * rng.normal(size=(n_samples, d)) for d in (p, q)
    ]
    return blocks[0], blocks[1]


def correlations_of(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Correlation of each pair of score columns, in decreasing order."""
    rho = [np.corrcoef(a, b)[0, 1] for a, b in zip(u.T, v.T, strict=True)]
    return np.sort(rho)[::-1]


def timed(run: Callable[[], np.ndarray]) -> Result:
    """Wall seconds, CPU seconds and the answer of one run."""
    wall, cpu = time.perf_counter(), time.process_time()
    answer = run()
    return time.perf_counter() - wall, time.process_time() - cpu, answer


def emoest_cca(X: np.ndarray, Y: np.ndarray, k: int) -> np.ndarray:
    """Fit RegularizedCCA without shrinkage."""
    p = X.shape[1]
    modalities = {"a": slice(0, p), "b": slice(p, None)}
    cca = RegularizedCCA(modalities=modalities, n_components=k, shrinkage=0.0)
    return cca.fit(np.hstack([X, Y])).correlations_


def sklearn_cca(X: np.ndarray, Y: np.ndarray, k: int) -> np.ndarray:
    """Fit scikit-learn's iterative CCA."""
    return correlations_of(*CCA(n_components=k).fit(X, Y).transform(X, Y))


def zoo_cca(X: np.ndarray, Y: np.ndarray, k: int) -> np.ndarray:
    """Fit cca-zoo's CCA."""
    from cca_zoo import linear

    return correlations_of(*linear.CCA(n_components=k).fit([X, Y]).transform([X, Y]))


def zoo_permutations(X: np.ndarray, Y: np.ndarray, n: int) -> np.ndarray:
    """Run cca-zoo's permutation test of one dimension."""
    from cca_zoo import linear
    from cca_zoo.model_selection import permutation_test_significance

    result = permutation_test_significance(
        linear.CCA(n_components=1), [X, Y], n_permutations=n, random_state=0
    )
    return result.null_correlations


def emoest_permutations(X: np.ndarray, Y: np.ndarray, n: int) -> np.ndarray:
    """Run the permutation test of one dimension."""
    return permutation_test(X, Y, n_permutations=n, random_state=0).null_statistics


def compare_fits(X: np.ndarray, Y: np.ndarray, options: argparse.Namespace) -> None:
    """Time fits, contenders taking turns, and print the table."""
    k = options.components
    contenders = {"emoest": (emoest_cca, options.rounds)}
    if options.zoo:
        contenders["cca-zoo"] = (zoo_cca, options.rounds)
    if options.sklearn_rounds:
        contenders["scikit-learn"] = (sklearn_cca, options.sklearn_rounds)
    emoest_cca(X[:500, :50], Y[:500, :50], 2)
    runs: dict[str, list[Result]] = {name: [] for name in contenders}
    for turn in range(max(rounds for _, rounds in contenders.values())):
        for name, (fit, rounds) in contenders.items():
            if turn < rounds:
                runs[name].append(timed(lambda fit=fit: fit(X, Y, k)))
    best = runs["emoest"][0][2]
    own = median(run[1] for run in runs["emoest"])
    print("\n| CCA | runs | wall s | CPU s | times emoest (CPU) | rho 1 | largest shortfall |")
    print("|---|---|---|---|---|---|---|")
    for name, results in runs.items():
        wall, cpu = (median(run[i] for run in results) for i in (0, 1))
        rho = results[0][2]
        print(
            f"| {name} | {len(results)} | {wall:.2f} | {cpu:.2f} | {cpu / own:.1f} | {rho[0]:.6f} "
            f"| {np.max(best - rho):.1e} |"
        )


def compare_permutations(X: np.ndarray, Y: np.ndarray, options: argparse.Namespace) -> None:
    """Time permutations beyond the first, contenders taking turns, and print the table."""
    contenders = {"emoest": emoest_permutations}
    if options.zoo:
        contenders["cca-zoo"] = zoo_permutations
    n = options.permutations
    costs: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
    for _ in range(options.rounds):
        for name, test in contenders.items():
            one = timed(lambda test=test: test(X, Y, 1))
            many = timed(lambda test=test: test(X, Y, 1 + n))
            costs[name].append(((many[0] - one[0]) / n, (many[1] - one[1]) / n))
    own = median(cpu for _, cpu in costs["emoest"])
    print(
        "\n| permutation test, one dimension | rounds | wall s each | CPU s each | times emoest |"
    )
    print("|---|---|---|---|---|")
    for name, results in costs.items():
        wall, cpu = (median(cost[i] for cost in results) for i in (0, 1))
        print(f"| {name} | {len(results)} | {wall:.3f} | {cpu:.3f} | {cpu / own:.1f} |")


def main() -> None:
    """Read the command line and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--samples", type=int, default=5000)
    parser.add_argument("--features", type=int, nargs=2, default=(1024, 768))
    parser.add_argument("--components", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sklearn-rounds", type=int, default=1, help="0 leaves it out")
    parser.add_argument("--permutations", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.zoo = importlib.util.find_spec("cca_zoo") is not None
    X, Y = make_blocks(options.samples, *options.features, options.seed)
    print(
        f"{X.shape[0]} samples, {X.shape[1]} against {Y.shape[1]} features, "
        f"{options.components} components"
    )
    if not options.zoo:
        print("cca-zoo is not installed and left out.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compare_fits(X, Y, options)
        compare_permutations(X, Y, options)


if __name__ == "__main__":
    main()
