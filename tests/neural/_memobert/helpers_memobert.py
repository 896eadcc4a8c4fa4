"""Small clips in which the mood is in words, faces and voice, and small nets for them."""

import numpy as np
import pandas as pd
import torch

from emoest.neural import MEmoBERTPretrainer
from emoest.tables.cells import object_column

MOODS = {
    "anger": "leave me alone I hate this",
    "happy": "what a wonderful day I love it",
    "sad": "she is gone and I cried all night",
}
SIZES = {"hidden_size": 16, "n_layers": 1, "n_heads": 2, "intermediate_size": 32}
PRETRAIN = {**SIZES, "max_steps": 6, "warmup_steps": 2, "log_every": 2, "random_state": 0}
FIT = {
    **{"max_steps": 6, "warmup_steps": 2, "eval_every": 3, "batch_size": 8},
    **{"validation_fraction": None, "random_state": 0},
}
DIRECT = {**SIZES, **FIT}


def make_clips(n_rows=24, seed=0, speakers=6, modalities=("text", "face", "audio"), strength=1.0):
    """Clips of three moods, a speaker in the index."""
    draws = np.random.default_rng(seed)
    labels = np.array(list(MOODS))[np.arange(n_rows) % len(MOODS)]
    index = pd.MultiIndex.from_arrays(
        [range(n_rows), [f"s{i // 3 % speakers}" for i in range(n_rows)]], names=[None, "group"]
    )
    means = {name: draws.normal(size=(3, 3)) for name in ("face", "audio")}
    cells = {"text": [], "face": [], "face_probs": [], "audio": []}
    for label in labels:
        words = MOODS[label].split()
        cells["text"].append(" ".join(draws.permutation(words)[: 3 + draws.integers(3)]))
        which = list(MOODS).index(label)
        face = strength * means["face"][which] + draws.normal(size=(draws.integers(16, 22), 3))
        odds = np.exp(face)
        cells["face"].append(face.astype("f4"))
        cells["face_probs"].append((odds / odds.sum(axis=1, keepdims=True)).astype("f4"))
        audio = strength * means["audio"][which] + draws.normal(size=(draws.integers(20, 30), 3))
        cells["audio"].append(audio.astype("f4"))
    names = [*modalities, *(["face_probs"] if "face" in modalities else [])]
    columns = {
        name if name == "text" else f"{name}__frames": object_column(cells[name], index)
        for name in names
    }
    return pd.DataFrame(columns), labels


def with_cell(X, column, row, cell):
    """The table with one cell changed."""
    cells = list(X[column])
    cells[row] = cell
    return X.assign(**{column: object_column(cells, X.index)})


def weights_of(X):
    return MEmoBERTPretrainer(**PRETRAIN).fit(X).export()


def same_weights(left, right):
    one, other = left.net_.module_.state_dict(), right.net_.module_.state_dict()
    assert one.keys() == other.keys()
    return all(torch.equal(one[name], other[name]) for name in one)
