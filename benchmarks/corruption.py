"""What a useless modality costs: early fusion plain, behind the filter with means, with proxies.

Systems are trained on clean samples, GroupKFold(6) by speaker; the C of the logistic regression is
chosen among 0.01, 0.1, 1 and 10 inside each training part alone, by UAR in an inner GroupKFold(4)
by speaker. The filter stands there with each of its similarity scores "pmi" (the default) and
"weighted_cosine". At test time a share of the samples gets one modality corrupted. Prints a
markdown table of UAR in percent for generated data of three modalities and, where the folder of
real data is given, for RAVDESS audio and face features; then how many samples the filter flags.

    python benchmarks/corruption.py [folder of real data] [--seeds 3 4 5]
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline

from emoest.evaluation import uar_scorer
from emoest.fusion import EarlyFusionClassifier
from emoest.utils import with_groups
from emoest.validity import (
    CCAValidityFilter,
    CorruptModality,
    ModalityImputer,
    ProxyFeatureGenerator,
)

STRENGTHS = (0.01, 0.1, 1.0, 10.0)
FRACTIONS = (0.0, 0.1, 0.3, 0.5)
KINDS = ("permute", "noise", "zeros", "mean")
SCORES = ("pmi", "weighted_cosine")

Seeds = tuple[int, ...]


def make_samples(seed: int) -> tuple[pd.DataFrame, pd.Series, np.ndarray]:
    """Generate 600 samples of 30 speakers: four emotions in ten shared factors, three modalities.

    Each modality sees the shared factors, fifteen factors of its own and noise.
    """
    rng = np.random.default_rng(seed)
    speakers = np.repeat(np.arange(30), 20)
    labels = np.tile(np.arange(4), 150)
    factors = rng.normal(size=(600, 10))
    factors[:, :4] += 2.0 * np.eye(4)[labels]
    columns = {}
    for name, width in {"audio": 40, "text": 40, "face": 40}.items():
        block = factors @ rng.normal(size=(10, width))
        block += rng.normal(size=(600, 15)) @ rng.normal(size=(15, width))
        block += rng.normal(size=(600, width))
        columns.update({f"{name}__{i:02d}": block[:, i] for i in range(width)})
    X = pd.DataFrame(columns)
    return X, pd.Series(labels, index=X.index), speakers


def load_ravdess(folder: Path) -> tuple[pd.DataFrame, pd.Series, np.ndarray]:
    """Load audio and face features of the RAVDESS actors in the folder."""
    tables = []
    for modality, file in (("audio", "audio_summary.csv"), ("face", "video_summary.csv")):
        table = pd.read_csv(folder / "ravdess_av_features" / file)
        stem = table["file"].str.rpartition(".")[0].str.slice(3)
        tables.append(table.assign(modality=modality).set_index(stem))
    audio, face = tables[0], tables[1].loc[tables[0].index]
    numbers = [
        table.drop(
            columns=["file", "emotion", "intensity", "actor", "gender", "modality"]
        ).add_prefix(f"{name}__")
        for name, table in (("audio", audio), ("face", face))
    ]
    return pd.concat(numbers, axis=1), audio["emotion"], audio["actor"].to_numpy()


def systems(seed: int) -> dict[str, list]:
    """Name the steps in front of the classifier."""
    found: dict[str, list] = {"early fusion": []}
    for score in SCORES:
        check = CCAValidityFilter(agreement=score, random_state=seed)
        proxies = ProxyFeatureGenerator(random_state=seed)
        found[f"{score}, imputer"] = [check, ModalityImputer(partial=False)]
        found[f"{score}, proxies"] = [check, proxies]
    return found


def tuned_learner() -> GridSearchCV:
    """Choose C by UAR on speakers held out of the training part; the index names them."""
    learner = LogisticRegression(max_iter=2000)
    return GridSearchCV(learner, {"C": list(STRENGTHS)}, scoring=uar_scorer, cv=GroupKFold(4))


def corruptions(names: list[str], seeds: Seeds) -> list[tuple[str, str, float, int]]:
    """List what is done to the test samples: modality, kind, share and seed."""
    return [
        (name, kind, fraction, seed)
        for name in names
        for kind in KINDS
        for fraction in FRACTIONS
        for seed in (seeds if fraction else seeds[:1])
    ]


def measure(
    steps: list, data: tuple, seeds: Seeds
) -> tuple[dict[tuple[str, str, float], float], dict[tuple[str, str, float], float]]:
    """Pooled UAR of one system under each corruption, and how many samples it flags.

    The system is trained once a fold, on clean samples; both are means over the seeds.
    """
    X, y, speakers = data
    X = with_groups(X.assign(speaker=speakers)).drop(columns="speaker")
    classifier = EarlyFusionClassifier(tuned_learner(), random_state=seeds[0])
    model = make_pipeline(*steps, classifier).set_output(transform="pandas")
    done = corruptions(modalities_of(X), seeds)
    predicted = {key: np.empty(len(X), dtype=y.to_numpy().dtype) for key in done}
    flagged = {key: np.zeros(len(X), dtype=bool) for key in done}
    for train, test in GroupKFold(6).split(X, y, speakers):
        model.fit(X.iloc[train], y.iloc[train])
        for name, kind, fraction, seed in done:
            corrupt = CorruptModality(name, kind=kind, fraction=fraction, random_state=seed)
            broken = corrupt.fit(X.iloc[train]).transform(X.iloc[test])
            predicted[name, kind, fraction, seed][test] = model.predict(broken)
            if steps:
                valid = model[0].predict_validity(broken)[name].to_numpy()
                flagged[name, kind, fraction, seed][test] = ~valid
    return (
        over_seeds({key: recall_score(y, p, average="macro") for key, p in predicted.items()}),
        over_seeds({key: rows.mean() for key, rows in flagged.items()}),
    )


def over_seeds(
    values: dict[tuple[str, str, float, int], float],
) -> dict[tuple[str, str, float], float]:
    """Average over the seeds."""
    found: dict[tuple[str, str, float], list[float]] = {}
    for (*key, _), value in values.items():
        found.setdefault(tuple(key), []).append(value)
    return {key: float(np.mean(each)) for key, each in found.items()}


def modalities_of(X: pd.DataFrame) -> list[str]:
    """Names of the modalities of a table."""
    return list(dict.fromkeys(column.partition("__")[0] for column in X))


def print_tables(title: str, data: tuple, seeds: Seeds) -> None:
    """Print two tables: a row for each corrupted modality, kind and system."""
    found = {name: measure(steps, data, seeds) for name, steps in systems(seeds[0]).items()}
    checks = {name: each for name, each in found.items() if name.endswith("imputer")}
    wheres = [(name, kind) for name in modalities_of(data[0]) for kind in KINDS]
    for what, shown, part in (
        ("UAR in percent", found, 0),
        ("samples whose corrupted modality the filter flags, in percent", checks, 1),
    ):
        print(f"\n{title}: {what}, mean over {len(seeds)} draws of the corruption\n")
        shares = " | ".join(f"{100 * fraction:.0f} %" for fraction in FRACTIONS)
        print(f"| corrupted | how | system | {shares} |\n|---|---|---|{'---|' * len(FRACTIONS)}")
        for name, kind in wheres:
            for system, values in shown.items():
                cells = " | ".join(f"{100 * values[part][name, kind, f]:.1f}" for f in FRACTIONS)
                print(f"| {name} | {kind} | {system} | {cells} |", flush=True)


def main() -> None:
    """Read the command line and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--seeds", type=int, nargs="+", default=(3, 4, 5))
    arguments = parser.parse_args()
    seeds = tuple(arguments.seeds)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        print_tables("Generated, three modalities", make_samples(seeds[0]), seeds)
        if arguments.folder is not None:
            print_tables("RAVDESS, audio and face", load_ravdess(arguments.folder), seeds)


if __name__ == "__main__":
    main()
