"""The corpora of benchmarks/unimse.py: generated ones, texts with scores, MELD, MOSI, RAVDESS."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from emoest.tables.cells import object_column

KINDS = ("film_reviews", "product_reviews", "editorials")
MELD_POLARITY = "text__polarity"

MOODS = {
    "joy": ("lovely bright cheerful sweet sunny", 1.0),
    "neutral": ("usual plain square regular daily", 0.0),
    "sadness": ("gloomy lonely grey empty tearful", -1.0),
    "anger": ("rude vile hateful brutal nasty", -1.0),
}
THINGS = ["film", "day", "meal", "house", "story", "plan", "trip", "song", "walk", "book"]
FILLERS = [
    "the",
    "a",
    "this",
    "that",
    "was",
    "is",
    "seemed",
    "felt",
    "quite",
    "rather",
    "so",
    "very",
]


def generated(n_rows: int, *, emotional: bool, seed: int) -> tuple[pd.DataFrame, Any]:
    """Texts of eight words, of which one or two tell the mood, with frames that tell it weakly."""
    generator = np.random.default_rng(seed)
    names = list(MOODS)
    moods = generator.choice(names, n_rows)
    columns: dict[str, list[Any]] = {"text": [], "audio__frames": [], "face__frames": []}
    scores = []
    for mood in moods:
        words, sign = MOODS[mood]
        strength = generator.uniform(0.5, 1.5)
        telling = generator.choice(words.split(), 2 if strength > 1 else 1).tolist()
        others = [*generator.choice(FILLERS, 4), *generator.choice(THINGS, 2)]
        text = [*telling, *others]
        generator.shuffle(text)
        columns["text"].append(" ".join(text))
        scores.append(round(float(np.clip(2 * sign * strength, -3, 3)), 1))
        place = np.eye(4)[names.index(mood)]
        for column, width in (("audio__frames", 16), ("face__frames", 16)):
            walk = generator.normal(0, 1, (generator.integers(8, 20), width)).cumsum(axis=0) * 0.2
            shift = np.concatenate([0.6 * strength * place, np.zeros(width - 4)])
            columns[column].append((walk + shift).astype(np.float32))
    index = pd.RangeIndex(n_rows)
    X = pd.concat([object_column(cells, index, name) for name, cells in columns.items()], axis=1)
    return X, moods.astype(object) if emotional else np.array(scores)


def read_scored(folder: str) -> dict[str, tuple[pd.DataFrame, Any]]:
    """Read 800 rows of each kind of text, whole documents, drawn once."""
    found = {}
    for kind in KINDS:
        path = Path(folder) / "text_sentiment_scores" / f"{kind}.tsv"
        table = pd.read_csv(path, sep="\t", quoting=3, keep_default_na=False, dtype=str)
        groups = table["group"].where(table["group"] != "", table["id"].astype(str))
        order = {
            name: place
            for place, name in enumerate(np.random.default_rng(0).permutation(groups.unique()))
        }
        table = table.assign(document=f"{kind} " + groups, place=groups.map(order))
        table = table.sort_values("place", kind="stable").iloc[:800].reset_index(drop=True)
        # Scores have their sign; the column is there for the other corpus, which has its own.
        X = table[["text"]].assign(**{MELD_POLARITY: pd.Series([None] * len(table), dtype=object)})
        X = X.set_index(table["document"].rename("group"), append=True)
        found[kind] = (X, (table["score"].astype(float) / (4 / 3)).clip(-3, 3).to_numpy())
    return found


def read_meld(folder: str) -> dict[str, tuple[pd.DataFrame, Any]]:
    """Read 1000 rows of MELD's train, whole dialogues, and dev, with MELD's own polarity."""
    from emoest.datasets import load_meld

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        bunch = load_meld(Path(folder) / "text_meld")
    frame = bunch.frame
    X = bunch.data[["text", "dialogue"]].assign(**{MELD_POLARITY: frame["sentiment"].to_numpy()})
    X = X.reset_index(drop=True)
    split = frame["split"].to_numpy()
    y = frame["emotion"].to_numpy().astype(object)
    train, dev = np.flatnonzero(split == "train"), np.flatnonzero(split == "dev")
    names = X["dialogue"].iloc[train]
    order = {
        name: place
        for place, name in enumerate(np.random.default_rng(0).permutation(names.unique()))
    }
    train = train[np.argsort(names.map(order).to_numpy(), kind="stable")][:1000]
    return {"train": (X.iloc[train], y[train]), "dev": (X.iloc[dev], y[dev])}


def read_mosi(folder: str) -> tuple[pd.DataFrame, Any, Any]:
    """Read transcripts and audio of MOSI with their polarity, and the videos."""
    with np.load(Path(folder) / "mosi_utterance" / "mosi_train.npz") as file:
        texts, y = file["train_transcript"], file["train_y"]
        audio, videos = file["train_audio"], file["train_video_id"]
    X = object_column([str(text) for text in texts], pd.RangeIndex(len(texts)), "text").to_frame()
    X = pd.concat([X, pd.DataFrame(audio, columns=[f"audio__{i:04d}" for i in range(73)])], axis=1)
    X.index = pd.MultiIndex.from_arrays([X.index, videos], names=[None, "group"])
    words = np.where(y == 1, "positive", "negative").astype(object)
    return X, words, videos


def read_ravdess(folder: str) -> tuple[pd.DataFrame, Any, Any]:
    """Read log-mel frames (standardized a clip) and facial probabilities of 959 clips."""
    root = Path(folder) / "ravdess_frames"
    with np.load(root / "logmel.npz") as file:
        low, high = file["scale_lo_hi"]
        mel = file["mel_u8"].astype(np.float32) / 255 * (high - low) + low
        names = file["audio_names"].tolist()
    with np.load(root / "face_fer_frames.npz") as file:
        frames, offsets = file["frames"].astype(np.float32), file["offsets"]
        faces = {
            name: frames[offsets[i] : offsets[i + 1]]
            for i, name in enumerate(file["audio_names"].tolist())
        }
        labels = dict(zip(file["audio_names"].tolist(), file["labels"].tolist(), strict=True))
        actors = dict(zip(file["audio_names"].tolist(), file["speakers"].tolist(), strict=True))
        texts = dict(zip(file["audio_names"].tolist(), file["text"].tolist(), strict=True))
    index = pd.MultiIndex.from_arrays([names, [actors[n] for n in names]], names=[None, "group"])
    X = pd.concat(
        [
            object_column([texts[name] for name in names], index, "text"),
            object_column([spectrum.T for spectrum in mel], index, "audio__frames"),
            object_column([faces[name] for name in names], index, "face__frames"),
        ],
        axis=1,
    )
    y = np.array([labels[name] for name in names], dtype=object)
    return X, y, np.array([actors[name] for name in names])
