"""Ways to leak on real data: what `evaluate` says, and what the leak is worth in UAR.

Vectors of RAVDESS (960 clips of 16 actors, wav2vec 2.0, `RidgeClassifier`, 8 classes) are split by
actor, and then leaked on purpose; texts of MELD are split by dialogue, and windows of a second of
EEG (three mental states of three subjects, two sessions of three recordings each, random forest)
by subject. Each row is printed with what stands in the table of `check_leakage`, what is warned or
raised, and UAR beside that without a leak.

    python benchmarks/leakage.py DATA

DATA holds ``ravdess_frames/``, ``text_meld/`` and ``eeg_mental_state/``.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from eeg_muse import read_recordings, windows_of
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from emoest.evaluation import check_leakage, evaluate
from emoest.features import BandPower
from emoest.neural import SequenceClassifier
from emoest.tables.cells import object_column
from emoest.utils import with_groups

TOLD = ("same", "differ only", "in both", "under another name")
"""Of warnings of leaks, beside which there are those of few groups."""
BY_GROUP, MIXED = GroupKFold(6), KFold(6, shuffle=True, random_state=0)


def ridge():
    """The classifier of every row."""
    return RidgeClassifier(alpha=1000)


def plain(*steps):
    """Scaling in the fold, and a ridge classifier."""
    return make_pipeline(*(steps or [StandardScaler()]), ridge())


def read(folder):
    """Vectors with their actors, and emotions."""
    with np.load(folder / "ravdess_frames" / "audio_w2v2_msp.npz") as table:
        X = pd.DataFrame(table["audio"].astype(float)).add_prefix("audio__w")
        return X.assign(speaker=table["speakers"]), table["labels"]


def copied(X, y, noise):
    """A fifth of the clips once more, of speakers of other names."""
    rng = np.random.default_rng(0)
    rows = rng.permutation(len(X))[: len(X) // 5]
    again, values = X.iloc[rows].copy(), list(X.columns[:-1])
    again[values] += noise * X[values].std().to_numpy() * rng.normal(size=(len(rows), len(values)))
    again["speaker"] = [f"new{number:02d}" for number in rng.integers(0, 4, len(rows))]
    return pd.concat([X, again], ignore_index=True), np.concatenate([y, y[rows]])


def respelled(X):
    """Half of the clips of each actor under another spelling of the name."""
    odd = np.random.default_rng(0).random(len(X)) < 0.5
    return X.assign(speaker=np.where(odd, "Actor_" + X["speaker"], X["speaker"]))


def one_frame(X):
    """Sequences of one frame, as nets read them."""
    cells = [row[None] for row in X.to_numpy(np.float32)]
    return object_column(cells, X.index, "audio__frames").to_frame()


def net():
    """A small net behind scaling."""
    small = SequenceClassifier(max_epochs=10, validation_fraction=None, random_state=0)
    scale = StandardScaler().set_output(transform="pandas")
    return make_pipeline(scale, FunctionTransformer(one_frame), small)


def ways(X, y):
    """Name, table, labels, model, folds of each way to leak, and the model that does not."""
    values = X.columns[:-1]
    numbers = X[values].to_numpy()
    frozen = FrozenEstimator(StandardScaler().fit(numbers))
    chosen = SelectKBest(f_classif, k=100).fit(numbers, y)
    whole = FrozenEstimator(plain().fit(numbers, y))
    grid = {"ridgeclassifier__alpha": [10.0, 1000.0, 1e5]}
    search = GridSearchCV(plain(), grid, cv=GroupKFold(5)).fit(numbers, y, groups=X["speaker"])
    scaled = X.assign(**{c: StandardScaler().fit_transform(X[[c]])[:, 0] for c in values})
    kept = X[[*values[chosen.get_support()], "speaker"]]
    in_fold = plain(SelectKBest(f_classif, k=100), StandardScaler())
    finished = plain(FrozenEstimator(chosen), StandardScaler())
    named = X.assign(code=pd.Series(y).str.upper().to_numpy())
    coded = plain(FunctionTransformer(pd.get_dummies), StandardScaler())
    yield "none", X, y, plain(), BY_GROUP, None
    yield "speakers in both parts", X, y, plain(), MIXED, None
    yield "a fifth of the clips under a second name", *copied(X, y, 0.0), plain(), BY_GROUP, None
    for noise in (0.05, 0.1, 0.2, 0.3):
        name = f"the same with noise of {noise:.0%} of the deviation"
        yield name, *copied(X, y, noise), plain(), BY_GROUP, None
    yield "two spellings of each speaker", respelled(X), y, plain(), BY_GROUP, None
    yield "scaled before the split", scaled, y, ridge(), BY_GROUP, None
    yield "scaler fitted on all, frozen", X, y, plain(frozen), BY_GROUP, None
    yield "100 columns chosen on all", kept, y, plain(), BY_GROUP, in_fold
    yield "100 columns chosen on all, frozen", X, y, finished, BY_GROUP, in_fold
    yield "the model fitted on all, frozen", X, y, whole, BY_GROUP, None
    fitted = net().fit(with_groups(X).drop(columns="speaker"), y)
    yield "a net fitted on all, frozen", X, y, FrozenEstimator(fitted), BY_GROUP, net()
    yield "search fitted on all before", X, y, search, BY_GROUP, search
    yield "search fitted on all, frozen", X, y, FrozenEstimator(search), BY_GROUP, search
    yield "search on all, its best parameters", X, y, search.best_estimator_, BY_GROUP, search
    yield "the label among the columns", named, y, coded, BY_GROUP, None


def score(X, y, model, cv, column="speaker"):
    """UAR, with leaks allowed, and what was said: raised, warned, in the table."""
    said = []
    groups, seen = (None, X) if column is None else (X[column], X.drop(columns=column))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        options = {"groups": groups, "cv": cv, "random_state": 0, "n_resamples": 1, "proba": False}
        try:
            result = evaluate(model, seen, y, **options)
        except ValueError:
            said.append("raises")
            result = evaluate(model, seen, y, allow_overlap=True, **options)
    if any(word in str(each.message) for each in caught for word in TOLD):
        said.append("warns")
    table = check_leakage(seen, y, groups, cv, model=model)
    for verdict in ("leak", "suspect", "unknown"):
        rows = table[table["verdict"] == verdict]
        if verdict == "unknown":
            rows = rows[~rows["check"].str.contains("session")]
        said += [f"{verdict}: {check}" for check in rows["check"]]
    return result.table["uar"].iloc[0], "; ".join(said) or "nothing"


def eeg(folder):
    """Windows of EEG with subject, recording and session, and mental states."""
    recordings = read_recordings(folder / "eeg_mental_state" / "eeg_muse.npz")
    windows = windows_of(recordings, BandPower(window=1.0, chunks="concat", cache_dir=False))
    names = windows.index.to_frame(index=False)
    session = names["subject"] + names["recording"].str[-2:]
    X = windows.reset_index(drop=True).add_prefix("eeg__power")
    X = X.assign(trial=names["recording"], session=session, speaker=names["subject"])
    return X, names["state"].to_numpy()


def dialogues(folder):
    """Texts of MELD (train) with their dialogues."""
    table = pd.read_csv(folder / "text_meld" / "train_sent_emo.csv", encoding="utf-8")
    X = pd.DataFrame({"text": table["Utterance"], "dialogue": table["Dialogue_ID"].astype(str)})
    return X, table["Emotion"].to_numpy()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", default="", help="a part of the names of leaks")
    given = parser.parse_args()
    folder = given.data
    print("| leak | evaluate and check_leakage | UAR | worth |\n| --- | --- | --- | --- |")
    clean, own = read(folder)
    base = score(clean, own, plain(), BY_GROUP)[0]
    for name, X, y, model, cv, honest in ways(clean, own):
        if given.only not in name:
            continue
        uar, said = score(X, y, model, cv)
        clean_uar = base if honest is None else score(clean, own, honest, BY_GROUP)[0]
        print(f"| {name} | {said} | {100 * uar:.1f} | {100 * (uar - clean_uar):+.1f} |", flush=True)
    powers = FunctionTransformer(lambda X: X.filter(like="eeg__"))
    forest = make_pipeline(powers, RandomForestClassifier(300, random_state=0))
    first = FunctionTransformer(lambda X: X["text"].str.lower())
    words = make_pipeline(first, TfidfVectorizer(sublinear_tf=True), RidgeClassifier(alpha=1))
    for corpus, read_rows, model, divisions in (
        ("texts of MELD", dialogues, words, {"dialogue": BY_GROUP, "dialogues": MIXED}),
        ("EEG", eeg, forest, {"speaker": "loso", "trial": BY_GROUP, None: MIXED}),
    ):
        if given.only not in corpus:
            continue
        X, y = read_rows(folder)
        clean = None
        for column, cv in divisions.items():
            uar, said = score(X, y, model, cv, "dialogue" if column == "dialogues" else column)
            clean = uar if clean is None else clean
            print(f"| {corpus}: {column} | {said} | {100 * uar:.1f} | {100 * (uar - clean):+.1f} |")


if __name__ == "__main__":
    main()
