"""Where the samples of a command come from: a corpus, a table or a folder of one's own."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emoest._cli.shared import amount

MAX_MINUTES = 60.0
"""Longer recordings are seldom one utterance; embedding ten hours by mistake takes a day."""

_HELD = ("audio", "face", "video")


@dataclass(frozen=True)
class Samples:
    """What was loaded.

    Parameters
    ----------
    X : DataFrame
        The samples.
    y : Series or DataFrame
        The labels.
    name : str
        What they are called in reports.
    """

    X: Any
    y: Any
    name: str


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which samples are meant.

    Examples
    --------
    >>> parser = argparse.ArgumentParser()
    >>> add_data_options(parser)
    >>> parser.parse_args(["--table", "mine.csv"]).target is None
    True
    """
    group = parser.add_argument_group("samples: a corpus, a table or a folder of your own")
    group.add_argument("--corpus", help="a corpus that 'emoest corpora' lists")
    group.add_argument(
        "--folder",
        type=Path,
        help="where the corpus lies; without --corpus, your own recordings (see --pattern)",
    )
    group.add_argument(
        "--table",
        type=Path,
        help="a csv or parquet file: columns audio, text, face or video; speaker; the labels",
    )
    group.add_argument("--target", action="append", help="column of labels; may be repeated")
    group.add_argument("--media", action="append", help="column of media in --table (repeated)")
    group.add_argument(
        "--rename",
        action="append",
        default=[],
        metavar="OLD=NEW",
        help="rename a column of --table",
    )
    group.add_argument(
        "--pattern",
        default="{emotion}/**",
        help="what paths below --folder look like, for example '{emotion}/{speaker}/*'",
    )
    group.add_argument(
        "--modality",
        choices=["audio", "face"],
        default="audio",
        help="what the files of --folder are: sound, or images and videos",
    )
    add_length_option(group)


def add_length_option(parser: Any) -> None:
    """Add the bound of the length of recordings."""
    parser.add_argument(
        "--max-minutes",
        type=amount,
        default=MAX_MINUTES,
        help="refuse longer recordings of your own (default %(default)g; 0 takes any)",
    )


def load_samples(arguments: argparse.Namespace) -> Samples:
    """Load the samples that the options name.

    Raises
    ------
    ValueError, OSError
        As the loaders do; or if a recording is too long.
    """
    given = [arguments.corpus is not None, arguments.table is not None]
    if sum(given) == 2 or (arguments.table is not None and arguments.folder is not None):
        arguments.parser.error("--table goes alone: name one of --corpus, --table and --folder.")
    if not any(given) and arguments.folder is None:
        arguments.parser.error("which samples? Name --corpus, --table or --folder.")
    if arguments.corpus is not None:
        return _load_corpus(arguments)
    samples = _load_table(arguments) if arguments.table is not None else _load_folder(arguments)
    check_lengths(samples.X, arguments.max_minutes)
    return samples


def _target(arguments: argparse.Namespace) -> dict[str, Any]:
    names = arguments.target
    return {} if not names else {"target": names[0] if len(names) == 1 else names}


def _load_corpus(arguments: argparse.Namespace) -> Samples:
    from emoest import datasets
    from emoest.datasets._fetching.folders import corpus_state, target_folder
    from emoest.datasets._reading.corpora import CORPORA
    from emoest.utils.messages import near_names

    name = arguments.corpus
    if name not in CORPORA:
        meant = near_names(name, CORPORA) or "'emoest corpora' lists them."
        raise ValueError(f"{name!r} is no corpus of emoest. {meant}")
    listed = CORPORA[name]
    load = getattr(datasets, listed.function)
    wanted = {"return_X_y": True, **_target(arguments)}
    if listed.access == "generated":
        folder = [] if arguments.folder is None else [arguments.folder]
        if name == "stories" and not folder:
            raise ValueError("The stories are written to a folder: name it, --folder FOLDER.")
        X, y = load(*folder, random_state=arguments.seed, **wanted)
        return Samples(X, y, listed.title)
    if arguments.folder is None and corpus_state(name) != "here":
        raise FileNotFoundError(
            f"{listed.title} is not here. Say where it lies with --folder, or get it first: "
            f"emoest fetch {name}"
        )
    X, y = load(target_folder(name, arguments.folder), **wanted)
    return Samples(X, y, listed.title)


def _load_table(arguments: argparse.Namespace) -> Samples:
    from emoest.datasets import load_table

    options = _target(arguments)
    if arguments.media:
        options["media"] = arguments.media
    if arguments.rename:
        pairs = [text.partition("=") for text in arguments.rename]
        if not all(old and new for old, _, new in pairs):
            arguments.parser.error("--rename takes OLD=NEW.")
        options["columns"] = {old: new for old, _, new in pairs}
    X, y = load_table(arguments.table, return_X_y=True, drop_unlabeled=True, **options)
    return Samples(X, y, arguments.table.name)


def _load_folder(arguments: argparse.Namespace) -> Samples:
    from emoest.datasets import load_folder

    X, y = load_folder(
        arguments.folder,
        arguments.pattern,
        modality=arguments.modality,
        return_X_y=True,
        **_target(arguments),
    )
    return Samples(X, y, arguments.folder.name)


def check_lengths(X: Any, max_minutes: float) -> None:
    """Refuse recordings that are longer than a bound; headers are read, nothing is decoded.

    Parameters
    ----------
    X : DataFrame
        The samples.
    max_minutes : float
        The bound; 0 is none.

    Raises
    ------
    ValueError
        If there are any, with the longest first.

    Examples
    --------
    >>> import pandas as pd
    >>> check_lengths(pd.DataFrame({"audio": [(range(960_000), 16_000)]}), 0.5)
    """
    if not max_minutes:
        return
    found = []
    for column in X.columns.intersection(_HELD):
        for cell in X[column]:
            for item in cell if isinstance(cell, list) else [cell]:
                minutes = _minutes(item)
                if minutes > max_minutes:
                    found.append((minutes, os.fspath(item)))
    if not found:
        return
    minutes, longest = max(found)
    others = f" and {len(found) - 1} more are" if len(found) > 1 else " is"
    raise ValueError(
        f"{longest!r} ({minutes:.0f} minutes){others} longer than {max_minutes:g} minutes. Name a "
        f"part of it ('{Path(longest).name}#t=0,60'), cut it into utterances, or raise "
        "--max-minutes."
    )


def _minutes(item: Any) -> float:
    """Minutes of a path's sound; 0 where there is none, or where only reading will tell."""
    from emoest.media.audio import open_audio
    from emoest.tables.cells import is_path

    if not is_path(item):
        return 0.0
    try:
        return open_audio(item).seconds / 60
    except (OSError, ValueError, ImportError):
        return 0.0


def read_columns(path: Path, wanted: Sequence[str], kept: Sequence[str] = ()) -> Any:
    """Read columns of a table without labels; paths start at the folder of the table.

    Parameters
    ----------
    path : Path
        A csv or parquet file.
    wanted : sequence of str
        Columns that must be there.
    kept : sequence of str, default=()
        Columns that are taken if they are there.

    Returns
    -------
    X : DataFrame

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If a column is not there.
    """
    import pandas as pd

    from emoest.datasets._own.columns import recognize
    from emoest.datasets._own.reading import read_own_table
    from emoest.datasets._own.table import MEDIA
    from emoest.utils.messages import listed

    if not path.is_file():
        raise FileNotFoundError(f"There is no file {str(path)!r}.")
    frame, *_ = read_own_table(path, "utf-8-sig")
    # The same other names are understood as in `emoest evaluate`.
    media = [name for name in wanted if name in MEDIA]
    frame, _ = recognize(frame, [name for name in (*wanted, *kept) if name not in MEDIA], media)
    absent = [name for name in wanted if name not in frame.columns]
    if absent:
        raise ValueError(
            f"{str(path)!r} has no column {listed(absent, quoted=True)}, which is read; it has "
            f"{listed(frame.columns, most=20, quoted=True)}."
        )
    found = {}
    for name in dict.fromkeys([*wanted, *kept]):
        if name not in frame.columns:
            continue
        cells = [None if pd.isna(cell) else cell for cell in frame[name]]
        if name in (*_HELD, "eeg"):
            cells = [None if cell is None else str(path.parent / str(cell)) for cell in cells]
        found[name] = pd.Series(cells, dtype=object) if name in wanted else frame[name]
    return pd.DataFrame(found)
