"""load_folder: a user's own corpus whose folders or file names carry the labels."""

import os
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from emoest.datasets._own.bunch import own_bunch
from emoest.datasets._own.labels import translate, warn_alike_labels
from emoest.datasets._reading.bunch import Target, target_columns
from emoest.media.sources import AUDIO_SUFFIXES, EEG_SUFFIXES, IMAGE_SUFFIXES, VIDEO_SUFFIXES
from emoest.tables.cells import object_column
from emoest.tables.spelling import clean_name, clean_names
from emoest.utils._sklearn import StrOptions
from emoest.utils.constraints import LOADER, validate_arguments
from emoest.utils.messages import listed
from emoest.utils.warn import warn_user

SUFFIXES = {
    "audio": AUDIO_SUFFIXES,
    "face": (*IMAGE_SUFFIXES, *VIDEO_SUFFIXES),
    "eeg": EEG_SUFFIXES,
}
UNREAD = {
    "audio": (".m4a", ".aac", ".wma", ".amr", ".3gp", ".mka"),
    "face": (".heic", ".avif", ".mpg", ".mpeg", ".wmv", ".m4v", ".3gp"),
    "eeg": (".edf", ".bdf", ".set", ".fif", ".vhdr", ".gdf"),
}
"""Suffixes of media that would be meant, but that no reader of emoest takes."""

_PART = re.compile(r"\*\*/?|\*|\{(?P<field>\w*)\}|[^*{]+|\{")


@validate_arguments(
    LOADER, pattern=[str], modality=[StrOptions(set(SUFFIXES))], labels=[dict, None]
)
def load_folder(
    folder: str | os.PathLike[str],
    pattern: str = "{emotion}/**",
    *,
    target: Target = "emotion",
    modality: str = "audio",
    labels: Mapping[str, str] | None = None,
    strict: bool = False,
    return_X_y: bool = False,
) -> Any:
    """Load your own corpus from a folder whose sub-folders or file names carry the labels.

    Parameters
    ----------
    folder : str or path object
        The folder; hidden files and folders are passed over. No file is opened.
    pattern : str
        What a path below the folder looks like, without the suffix and with ``/`` between folders;
        ``"{emotion}/**"`` if nothing is said.
        ``{name}`` stands for some characters (not ``/``, as few as possible) that become the column
        ``name``, ``*`` for any characters but ``/``, ``**`` for any characters. Examples:
        ``"{emotion}/{speaker}/*"`` for ``anger/ann/001.wav``, ``"{speaker}_{emotion}_*"`` for
        ``ann_anger_001.wav``, ``"{split}/{emotion}/{speaker}-*"``.
    target : str or sequence of str, default="emotion"
        The field of the pattern that is the label; several give y as a DataFrame.
    modality : {"audio", "face", "eeg"}, default="audio"
        What the files are, which is also the name of their column; it says which suffixes count.
    labels : dict of str to str, default=None
        Names of the labels by their codes in the paths; ``01`` is found under 1. A code that is not
        there is an error that names the file.
    strict : bool, default=False
        Whether a file that does not fit the pattern, or is of a kind that is not read (``.m4a``),
        is an error; otherwise it is left out, and a warning counts them.
    return_X_y : bool, default=False
        Whether to return (X, y) instead of a Bunch.

    Returns
    -------
    bunch : Bunch, or tuple (X, y)
        ``data`` (X) has the column of paths and the context fields (``speaker``, ``session``,
        ``dialogue``, ``split``, ``group``) of the pattern, on an index ``clip`` of paths below the
        folder; the speaker, if there is one, is also the index level ``group``; ``target`` (y) is a
        Series or DataFrame; further ``frame``, ``groups``, ``splits``, ``record``, ``missing``
        (files that are left out), ``n_unlabeled`` (0) and ``DESCR``.

    Raises
    ------
    FileNotFoundError
        If the folder is not there or holds no file of that modality.
    ValueError
        If no file fits the pattern, the pattern lacks the target, a label is unknown, or a file
        would be left out and `strict`.

    Warns
    -----
    UserWarning
        If files do not fit the pattern, or are of a kind that is not read; if names of speakers or
        labels may be spellings of one; if all files have one label, and the folder may be one level
        too high.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name in ("ann_sad_1.wav", "bob_happy_1.wav"):
    ...     (folder / name).touch()
    >>> X, y = load_folder(folder, "{speaker}_{emotion}_*", return_X_y=True)
    >>> X["speaker"].tolist(), y.tolist()
    (['ann', 'bob'], ['sad', 'happy'])
    """
    expression = compile_pattern(pattern)
    targets = target_columns(target)
    lacking = [name for name in targets if name not in expression.groupindex]
    if lacking:
        raise ValueError(
            f"pattern={pattern!r} has no field {{{lacking[0]}}} to take labels from; it has "
            f"{', '.join(expression.groupindex) or 'none'}. Pass target=, or another pattern."
        )
    root = Path(folder).expanduser()
    names, unread = _list(root, modality)
    matches = [(name, expression.fullmatch(name.rpartition(".")[0])) for name in names]
    strays = [name for name, match in matches if match is None]
    if strays:
        _report_strays(strays, len(names), root, pattern, strict)
    if unread:
        _report_unread(unread, root, modality, strict)
    fields = {
        field: [match[field] for _, match in matches if match] for field in expression.groupindex
    }
    index = pd.Index([name for name, match in matches if match], name="clip")
    for name in targets if labels is not None else ():
        fields[name] = _translate(fields[name], labels or {}, name, index)
    frame_fields = {name: clean_names(pd.Series(cells, index)) for name, cells in fields.items()}
    for name in targets:
        frame_fields[name] = frame_fields[name].rename(name)
        if labels is None:
            warn_alike_labels(frame_fields[name])
            _warn_one_label(frame_fields[name], root)
    base = os.fspath(root)
    # Joining strings is seven times as fast as joining paths, and folders have 100,000 clips.
    cells = [os.path.join(base, name) for name in index]  # noqa: PTH118
    frame = pd.DataFrame({modality: object_column(cells, index), **frame_fields}, index=index)
    return own_bunch(
        frame,
        root.resolve().name or "folder",
        (modality,),
        target=target,
        missing=[*strays, *unread],
        n_unlabeled=0,
        return_X_y=return_X_y,
    )


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Convert a pattern of `load_folder` to a regular expression with named groups.

    A field without a name, or one that comes twice, is an error.

    Examples
    --------
    >>> compile_pattern("{emotion}/*").fullmatch("sad/001")["emotion"]
    'sad'
    """
    pieces = []
    for match in _PART.finditer(pattern):
        piece, field = match[0], match["field"]
        if field is not None:
            if not field.isidentifier():
                raise ValueError(f"pattern={pattern!r} has a field {piece!r} without a name.")
            pieces.append(f"(?P<{field}>[^/]+?)")
        elif piece == "**/":
            pieces.append("(?:.*/)?")
        elif piece == "**":
            pieces.append(".*")
        else:
            pieces.append("[^/]*" if piece == "*" else re.escape(piece))
    try:
        # With DOTALL, a file name that holds a line break is matched too.
        return re.compile("".join(pieces), re.DOTALL)
    except re.error as error:
        raise ValueError(f"pattern={pattern!r} cannot be read: {error}.") from error


def _list(root: Path, modality: str) -> tuple[list[str], list[str]]:
    """Paths below the folder, with ``/`` and in order: of files to take, and of unreadable ones."""
    if not root.exists():
        raise FileNotFoundError(
            f"The folder {str(root)!r} is not there (working folder: {str(Path.cwd())!r})."
        )
    if not root.is_dir():
        raise NotADirectoryError(f"{str(root)!r} is a file; for tables there is load_table.")
    suffixes = SUFFIXES[modality]
    others: Counter[str] = Counter()
    found, unread = [], []
    for base, folders, files in os.walk(root):
        # In place: os.walk does not enter folders that are taken out of this list.
        folders[:] = [name for name in folders if not name.startswith(".")]
        below = os.path.relpath(base, root).replace(os.sep, "/")
        prefix = "" if below == "." else f"{below}/"
        for name in files:
            if name.startswith("."):
                continue
            if name.lower().endswith(suffixes):
                found.append(prefix + name)
            else:
                if name.lower().endswith(UNREAD[modality]):
                    unread.append(prefix + name)
                others[Path(name).suffix.lower() or "no suffix"] += 1
    if not found:
        held = ", ".join(f"{count} {suffix}" for suffix, count in others.most_common(5))
        raise FileNotFoundError(
            f"No {modality} file was found in {str(root)!r} and its sub-folders. Looked for the "
            f"suffixes {', '.join(suffixes)}; found {held or 'no files at all'}."
        )
    return sorted(found), sorted(unread)


def _report_strays(strays: list[str], n_files: int, root: Path, pattern: str, strict: bool) -> None:
    message = (
        f"{len(strays)} of {n_files} files in {str(root)!r} do not fit pattern={pattern!r}: "
        f"{listed(strays)}."
    )
    if strict or len(strays) == n_files:
        raise ValueError(
            f"{message} Write the pattern as the paths are, without the suffix, for example "
            "'{emotion}/{speaker}/*' or '{speaker}_{emotion}_*'."
        )
    warn_user(f"{message} They are left out.")


def _report_unread(unread: list[str], root: Path, modality: str, strict: bool) -> None:
    kinds = Counter(Path(name).suffix.lower() for name in unread)
    held = ", ".join(f"{count} {suffix}" for suffix, count in sorted(kinds.items()))
    message = (
        f"{len(unread)} {modality} files in {str(root)!r} are of a kind that emoest does not read "
        f"({held}, such as {unread[0]!r}). Convert them to one of {', '.join(SUFFIXES[modality])}."
    )
    if strict:
        raise ValueError(message)
    warn_user(f"{message} They are left out.")


def _translate(
    codes: list[str], labels: Mapping[str, str], field: str, index: pd.Index
) -> list[str | None]:
    named = translate([clean_name(code) for code in codes], labels)
    if None in named:
        where = named.index(None)
        raise ValueError(
            f"The file {index[where]!r} has the unknown {field} code {codes[where]!r}; labels= "
            f"knows {', '.join(map(str, labels))}."
        )
    return named


def _warn_one_label(labels: pd.Series, root: Path) -> None:
    """Warn if all files have the label of one folder that holds folders: it is one too high."""
    if labels.nunique() != 1 or not (root / labels.iloc[0]).is_dir():
        return
    below = sorted(path.name for path in (root / labels.iloc[0]).iterdir() if path.is_dir())
    if len(below) > 1:
        warn_user(
            f"All {len(labels)} files have the {labels.name} {labels.iloc[0]!r}, a folder that "
            f"holds the folders {listed(below)}: pass {str(root / labels.iloc[0])!r} if these are "
            "the labels."
        )
