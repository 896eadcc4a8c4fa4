"""The pictures of the README: a report of face and voice, a timeline of voices, of RAVDESS.

    python benchmarks/readme_pictures.py DATA

DATA holds ``ravdess_av_features`` (tables of face and voice) and ``ravdess`` (clips). Writes
``docs/images/report.png``, the page of `EvaluationResult.to_html` as Chromium shows it, and
``docs/images/timeline.png``: a model of `AcousticFunctionals` that has learned calm, angry and sad
of five actors, along a recording of a sixth one, whose clips are put one behind the other.
"""

import argparse
import shutil
import subprocess
import tempfile
from pathlib import Path

import matplotlib as mpl
import numpy as np
import soundfile
from PIL import Image
from sklearn.model_selection import GroupKFold

from emoest.datasets import load_ravdess, load_ravdess_av_features
from emoest.evaluation import evaluate
from emoest.features import AcousticFunctionals
from emoest.fusion import EarlyFusionClassifier, LateFusionClassifier
from emoest.systems import make_recording_pipeline, plot_timeline, predict_timeline

IMAGES = Path(__file__).parents[1] / "docs" / "images"
EMOTIONS = ("calm", "angry", "sad")
SIZE = (1000, 1080)


def report(data: Path) -> None:
    """Draw the page of an evaluation: face and voice, fused early and late."""
    X, y = load_ravdess_av_features(data / "ravdess_av_features", return_X_y=True)
    models = {
        "early fusion": EarlyFusionClassifier(),
        "late fusion, product": LateFusionClassifier(rule="product"),
    }
    result = evaluate(models, X, y, cv=GroupKFold(8), random_state=0)
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        raise SystemExit("The report is drawn by Chromium, which is not installed.")
    with tempfile.TemporaryDirectory() as folder:
        page, shot = Path(folder) / "report.html", Path(folder) / "report.png"
        result.to_html(page, note="Face and voice on RAVDESS, 240 clips of 16 actors")
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        options += [f"--user-data-dir={folder}/profile", "--window-size={},{}".format(*SIZE)]
        subprocess.run([browser, *options, f"--screenshot={shot}", page.as_uri()], check=True)
        save_small(Image.open(shot), "report.png")


def timeline(data: Path) -> None:
    """Draw the course of a recording of someone who was not in training."""
    X, y = load_ravdess(data / "ravdess", return_X_y=True)
    speakers = sorted(X["speaker"].unique())[:6]
    kept = X["speaker"].isin(speakers) & y.isin(EMOTIONS)
    X, y = X[kept][["audio", "speaker"]], y[kept]
    new = (X["speaker"] == speakers[-1]).to_numpy()
    voice = AcousticFunctionals(pooling="mean")
    model = make_recording_pipeline(voice=voice, words="drop", faces="drop", random_state=0)
    model.fit(X[~new], y[~new])
    clips = [path for name in EMOTIONS for path in X["audio"][new & (y == name).to_numpy()][:4]]
    sounds = [soundfile.read(path) for path in clips]
    with tempfile.TemporaryDirectory() as folder:
        recording = Path(folder) / "talk.wav"
        soundfile.write(recording, np.concatenate([sound for sound, _ in sounds]), sounds[0][1])
        ax = plot_timeline(predict_timeline(model, recording))
        ends = np.cumsum([len(sound) / rate for sound, rate in sounds])[3::4]
        for name, end, start in zip(EMOTIONS, ends, [0.0, *ends[:-1]], strict=True):
            ax.axvline(end, color="0.6", linewidth=0.8)
            ax.text((start + end) / 2, 1.02, f"acted: {name}", ha="center", fontsize="small")
        ax.set_ylabel("probability")
        ax.figure.savefig(Path(folder) / "timeline.png", dpi=100)
        save_small(Image.open(Path(folder) / "timeline.png"), "timeline.png")


def save_small(image: Image.Image, name: str) -> None:
    """Write a picture of few colors, which is small."""
    IMAGES.mkdir(exist_ok=True)
    image.convert("RGB").quantize(128).save(IMAGES / name, optimize=True)


def main() -> None:
    """Draw both."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data
    mpl.use("agg")
    report(data)
    timeline(data)


if __name__ == "__main__":
    main()
