"""Where fetched corpora lie, and which are there."""

import os
from pathlib import Path

from emoest.datasets._fetching.sources import SOURCES
from emoest.datasets._reading.corpora import CORPORA
from emoest.files.folders import cache_folder

MARK = ".emoest-source"
"""Name of the hidden file that lists what a folder was fetched from."""


def corpora_folder(folder: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder of fetched corpora; it is not made.

    `folder`, else the environment variable ``EMOEST_CORPORA``, else ``corpora`` in the folder that
    `emoest.files.cache_folder` names.

    Parameters
    ----------
    folder : str or path object, default=None
        The folder, if it is to be another.

    Returns
    -------
    folder : Path

    Examples
    --------
    >>> corpora_folder("here").name
    'here'
    """
    chosen = folder or os.environ.get("EMOEST_CORPORA")
    return Path(chosen).expanduser() if chosen else cache_folder() / "corpora"


def is_fetched(name: str, folder: str | os.PathLike[str] | None = None) -> bool:
    """Check whether a corpus has been fetched; parameters as `fetch_corpus`.

    Examples
    --------
    >>> is_fetched("ravdess", "no-such-folder")
    False
    """
    return (target_folder(name, folder) / MARK).is_file()


def corpus_state(name: str) -> str:
    """Return how a corpus can be obtained.

    Parameters
    ----------
    name : str
        Its short name.

    Returns
    -------
    state : {"generated", "here", "fetchable", "free", "licensed"}
        ``"here"`` if it was fetched into `corpora_folder`; copies elsewhere are not looked for.
        ``"free"`` if anyone may download it, but not through emoest; ``"licensed"`` if its owner
        has to be asked. The record's ``access`` says how.

    Raises
    ------
    ValueError
        If there is no such corpus.

    Examples
    --------
    >>> corpus_state("stories"), corpus_state("iemocap")
    ('generated', 'licensed')
    """
    if name not in CORPORA:
        raise ValueError(f"{name!r} is no corpus of emoest; there are {', '.join(CORPORA)}.")
    if name in SOURCES:
        return "here" if is_fetched(name) else "fetchable"
    return CORPORA[name].access


def target_folder(name: str, folder: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder of one corpus; parameters as `fetch_corpus`.

    Examples
    --------
    >>> target_folder("meld", "here").name
    'here'
    """
    return Path(folder).expanduser() if folder is not None else corpora_folder() / name
