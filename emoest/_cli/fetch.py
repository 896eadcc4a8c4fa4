"""`emoest fetch`: download pretrained weights or a corpus."""

import argparse
from pathlib import Path
from typing import Any

from emoest._cli.shared import add_command, note, show


def add(commands: Any) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "fetch",
        _fetch,
        about="download pretrained weights or a corpus",
        example="emoest fetch yamnet\nemoest fetch ravdess --folder corpora/ravdess",
    )
    parser.add_argument("name", help="for example yamnet or ravdess")
    parser.add_argument("--folder", type=Path, help="where a corpus goes")
    parser.add_argument("--sha256", help="digest that the file of a corpus must have")


def _fetch(arguments: argparse.Namespace) -> None:
    from emoest.datasets._reading.corpora import CORPORA
    from emoest.files.catalogue import WEIGHTS

    if arguments.name in CORPORA:
        from emoest.datasets import fetch_corpus

        folder = fetch_corpus(arguments.name, arguments.folder, sha256=arguments.sha256)
        ready = {"name": arguments.name, "path": str(folder)}
        show(arguments, ready, f"Ready: {CORPORA[arguments.name].function}({str(folder)!r})")
        return
    if arguments.folder is not None or arguments.sha256 is not None:
        raise ValueError(f"--folder and --sha256 are for corpora; {arguments.name!r} is none.")
    if arguments.name not in WEIGHTS:
        from emoest.utils.messages import near_names

        meant = near_names(arguments.name, [*WEIGHTS, *CORPORA])
        raise ValueError(
            f"{arguments.name!r} is unknown.{meant and ' '}{meant} There are {', '.join(WEIGHTS)}, "
            "and the corpora that 'emoest corpora' lists."
        )
    from emoest.files.weights import find_weights

    entry = WEIGHTS[arguments.name]
    size = f"{entry.size / 1e6:.1f} MB"
    note(arguments, f"{entry.name}: {entry.source}. License: {entry.license}. {size}.")
    path = find_weights(arguments.name, verbose=1)
    show(arguments, {"name": entry.name, "path": str(path)}, f"Ready: {path}")
