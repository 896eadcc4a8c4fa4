"""`emoest corpora`: the corpora, how to get them, and what is known of one."""

import argparse
from typing import Any

from emoest._cli.shared import add_command, show

_LEGEND = (
    "here: fetched; fetchable: 'emoest fetch NAME' downloads it; free: download it yourself; "
    "licensed: needs its owner's terms or an account ('emoest fetch NAME' says where); "
    "generated: a function makes it. Fetched corpora: {folder}"
)


def add(commands: Any) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "corpora",
        _corpora,
        about="list the corpora and how to get them, or say what is known of one",
        example="emoest corpora\nemoest corpora ravdess",
        aliases=("datasets",),
    )
    parser.add_argument("name", nargs="?", help="one corpus, for its record")


def _corpora(arguments: argparse.Namespace) -> None:
    from emoest.datasets._fetching.folders import corpora_folder, corpus_state
    from emoest.datasets._reading.corpora import CORPORA

    if arguments.name is not None:
        _describe(arguments)
        return
    width = max(map(len, CORPORA))
    states = {name: corpus_state(name) for name in CORPORA}
    lines = [f"{n:{width}}  {states[n]:9}  {listed.title}" for n, listed in CORPORA.items()]
    lines.append(_LEGEND.format(folder=corpora_folder()))
    found = [
        {"name": name, "state": states[name], "title": listed.title, "function": listed.function}
        for name, listed in CORPORA.items()
    ]
    show(arguments, found, "\n".join(lines))


def _describe(arguments: argparse.Namespace) -> None:
    from dataclasses import asdict

    from emoest.datasets import corpus_record
    from emoest.datasets._reading.corpora import CORPORA
    from emoest.utils.messages import near_names

    if arguments.name not in CORPORA:
        meant = near_names(arguments.name, CORPORA) or "'emoest corpora' lists them."
        raise ValueError(f"{arguments.name!r} is no corpus of emoest. {meant}")
    record = corpus_record(arguments.name)
    show(arguments, asdict(record), record.describe())
