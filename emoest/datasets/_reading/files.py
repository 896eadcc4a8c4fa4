"""Finding the files of a corpus whose names carry its labels."""

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from emoest.utils.messages import listed
from emoest.utils.warn import warn_user

AUDIO_SUFFIXES = (
    ".wav",
    ".flac",
    ".mp3",
    ".ogg",
    ".opus",
    ".aiff",
    ".aif",
    ".au",
    ".caf",  # codespell:ignore
    ".w64",
    ".rf64",
)
"""Suffixes of sound that libsndfile reads."""


class IncompleteCorpusWarning(UserWarning):
    """Files of a corpus are not there."""


def list_files(folder: str | os.PathLike[str], *, corpus: str) -> tuple[Path, list[Path]]:
    """List the files of a folder and its sub-folders, hidden ones left out.

    Parameters
    ----------
    folder : str or path object
        Where to look.
    corpus : str
        The corpus' title, for messages.

    Returns
    -------
    root : Path
        The folder.
    paths : list of Path
        The files, in no particular order.

    Raises
    ------
    FileNotFoundError
        If the folder is not there.
    NotADirectoryError
        If it is a file.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> (folder / "a.csv").touch()
    >>> [path.name for path in list_files(folder, corpus="MELD")[1]]
    ['a.csv']
    """
    root = Path(folder).expanduser()
    if not root.exists():
        raise FileNotFoundError(
            f"The folder {str(root)!r} is not there. Pass the folder into which {corpus} was "
            f"unpacked (working folder: {str(Path.cwd())!r})."
        )
    if not root.is_dir():
        raise NotADirectoryError(
            f"{str(root)!r} is a file. Pass the folder that holds the files of {corpus}; an "
            "archive must be unpacked first."
        )
    return root, [path for path in _walk(root) if not path.name.startswith(".")]


def find_named_files(
    folder: str | os.PathLike[str],
    pattern: re.Pattern[str],
    *,
    corpus: str,
    example: str,
    suffixes: Sequence[str] = AUDIO_SUFFIXES,
    without: Sequence[str] = (),
) -> dict[str, Path]:
    """Find the files in a folder and its sub-folders whose names are those of a corpus.

    No file is opened. Hidden files are passed over. Of files with one name (releases that hold
    everything twice, two formats side by side) the first is taken, and a warning counts the others.

    Parameters
    ----------
    folder : str or path object
        Where to look.
    pattern : compiled pattern
        What a file name without its suffix looks like, as a whole.
    corpus : str
        The corpus' title, for messages.
    example : str
        A file name, for messages.
    suffixes : sequence of str, default=AUDIO_SUFFIXES
        The suffixes that count, in lower case; case does not matter.
    without : sequence of str, default=()
        Names of folders that are passed over.

    Returns
    -------
    files : dict of str to Path
        By name without suffix, in alphabetical order; at least one.

    Raises
    ------
    FileNotFoundError
        If the folder is not there, or holds no such file; the message says what it holds.
    NotADirectoryError
        If it is a file.

    Warns
    -----
    UserWarning
        If files have the same name.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> (folder / "03a01Wa.FLAC").touch()
    >>> pattern = re.compile(r"[0-9]{2}[ab][0-9]{2}[A-Z][a-z]?")
    >>> list(find_named_files(folder, pattern, corpus="EmoDB", example="03a01Wa.wav"))
    ['03a01Wa']
    """
    root, paths = list_files(folder, corpus=corpus)
    paths = [path for path in paths if not set(without) & set(path.relative_to(root).parts[:-1])]
    found: dict[str, Path] = {}
    repeated = []
    for path in sorted(paths, key=lambda path: (len(path.parts), path)):
        if path.suffix.lower() in suffixes and pattern.fullmatch(path.stem):
            if path.stem in found:
                repeated.append(path)
            found.setdefault(path.stem, path)
    if not found:
        raise FileNotFoundError(_nothing_found(root, paths, corpus, example, suffixes))
    if repeated:
        warn_user(
            f"{len(repeated)} files of {corpus} are left out, since another file has the same "
            f"name: {listed(repeated)}."
        )
    return dict(sorted(found.items()))


def _walk(root: Path) -> list[Path]:
    return [Path(base) / name for base, _, names in os.walk(root) for name in names]


def _nothing_found(
    root: Path, paths: list[Path], corpus: str, example: str, suffixes: Sequence[str]
) -> str:
    counts = Counter(path.suffix.lower() or "no suffix" for path in paths)
    held = ", ".join(f"{count} {suffix}" for suffix, count in counts.most_common(5))
    names = f" (such as {listed(sorted(path.name for path in paths))})" if paths else ""
    return (
        f"No file of {corpus} was found in {str(root)!r}. Looked there and in its sub-folders for "
        f"names like {example!r} with one of the suffixes {', '.join(suffixes)}; found "
        f"{held or 'no files at all'}{names}. Pass the folder into which {corpus} was unpacked, "
        "with the official file names."
    )


def decode(codes: Mapping[str, str], code: str, *, field: str, path: Path) -> str:
    """Look up what a code in a file name stands for.

    Parameters
    ----------
    codes : dict of str to str
        The values by their codes.
    code : str
        The code.
    field : str
        What it codes, for the message.
    path : Path
        The file, for the message.

    Returns
    -------
    value : str

    Raises
    ------
    ValueError
        If the code is unknown; the message names the file.

    Examples
    --------
    >>> decode({"W": "anger"}, "W", field="emotion", path=Path("03a01Wa.wav"))
    'anger'
    """
    if code not in codes:
        known = ", ".join(f"{key} ({value})" for key, value in codes.items())
        raise ValueError(
            f"The file {str(path)!r} has the unknown {field} code {code!r}; known are {known}. "
            "Give it back its official name, or move it out of the folder."
        )
    return codes[code]


def report_missing(
    missing: Mapping[str, Sequence[str] | int],
    expected: Mapping[str, int],
    *,
    corpus: str,
    folder: str | os.PathLike[str],
    strict: bool,
) -> list[str]:
    """Say once what a copy of a corpus lacks, speaker by speaker.

    Parameters
    ----------
    missing : dict of str to sequence of str or int
        What each speaker lacks: names, or a count where the names cannot be known.
    expected : dict of str to int
        How many files each speaker has in the complete corpus.
    corpus : str
        The corpus' title.
    folder : str or path object
        Where it is.
    strict : bool
        Whether to raise instead of warning.

    Returns
    -------
    missing : list of str
        The names of the missing files; of speakers without names, one entry each.

    Raises
    ------
    FileNotFoundError
        If anything is missing and `strict`.

    Warns
    -----
    IncompleteCorpusWarning
        If anything is missing and not `strict`.

    Examples
    --------
    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     _ = report_missing({"03": 2}, {"03": 49}, corpus="EmoDB", folder="x", strict=False)
    >>> print(caught[0].message)
    EmoDB in 'x' is incomplete: 2 of 49 files are missing (2 of 49 of speaker 03).
    """
    counts = {
        speaker: value if isinstance(value, int) else len(value)
        for speaker, value in missing.items()
    }
    counts = {speaker: count for speaker, count in counts.items() if count > 0}
    if not counts:
        return []
    whole = [speaker for speaker, count in counts.items() if count == expected[speaker]]
    parts = [f"all of speakers {', '.join(whole)}"] if whole else []
    names: list[str] = []
    for speaker, count in counts.items():
        value = missing[speaker]
        absent = [] if isinstance(value, int) else list(value)
        if speaker not in whole:
            shown = f": {listed(absent)}" if absent else ""
            parts.append(f"{count} of {expected[speaker]} of speaker {speaker}{shown}")
        names += absent or [f"{count} of {expected[speaker]} files of speaker {speaker}"]
    message = (
        f"{corpus} in {str(folder)!r} is incomplete: {sum(counts.values())} of "
        f"{sum(expected.values())} files are missing ({'; '.join(parts)})."
    )
    say_incomplete(message, strict)
    return names


def say_incomplete(message: str, strict: bool) -> None:
    """Warn of what a copy of a corpus lacks, or raise.

    Examples
    --------
    >>> say_incomplete("EmoDB is incomplete: 2 files are missing.", strict=True)
    Traceback (most recent call last):
    FileNotFoundError: EmoDB is incomplete: 2 files are missing. Copy them, or pass strict=False ...
    """
    if strict:
        raise FileNotFoundError(
            f"{message} Copy them, or pass strict=False to go on with what is there."
        )
    warn_user(message, IncompleteCorpusWarning)
