"""The columns of a user's own table: which are media, context and labels, by any usual name."""

import re
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from emoest.media.sources import AUDIO_SUFFIXES, IMAGE_SUFFIXES, VIDEO_SUFFIXES
from emoest.tables.names import CONTEXT
from emoest.utils.messages import listed
from emoest.utils.warn import warn_user

# What a path is called says nothing of what it leads to; its suffix does.
_PATH_NAMES = ("file", "filename", "filepath", "path", "clip", "clippath", "media", "mediapath")
_ALIASES = {
    "audio": ("audio", "wav", "wave", "sound", "speech", "recording"),
    "face": ("face", "image", "img", "video", "picture"),
    "eeg": ("eeg",),
    "text": ("text", "transcript", "transcription", "utterance", "sentence"),
}
_ENDINGS = ("", "path", "file", "filename", "filepath")
_CONTEXT_ENDINGS = ("", "id", "name")
# Often a speaker, and at times something else: named in a warning, never taken.
_PERSONS = ("subject", "actor", "participant", "person", "user", "spk", "patient")
_LOOKED_AT = 20
_SEPARATORS = re.compile(r"[\s_.-]+")


def plain(name: Hashable) -> str:
    """Return the name of a column without case, blanks, hyphens and underscores.

    Examples
    --------
    >>> plain("Speaker ID"), plain(" wav_path")
    ('speakerid', 'wavpath')
    """
    return _SEPARATORS.sub("", str(name)).casefold()


def recognize(
    frame: pd.DataFrame, targets: Sequence[str], media: Sequence[str]
) -> tuple[pd.DataFrame, list[str]]:
    """Rename the columns that are media, context or labels under another name.

    A name that is there as it should be is never replaced. Where several columns could be one, none
    is taken.

    Parameters
    ----------
    frame : DataFrame
        The table.
    targets : sequence of str
        The columns of labels.
    media : sequence of str
        The columns of media.

    Returns
    -------
    frame : DataFrame
        The table, with columns renamed.
    notes : list of str
        What could not be decided, for messages.

    Examples
    --------
    >>> frame = pd.DataFrame({"wav_path": ["a.wav"], "Speaker ID": [1], "Emotion": ["sad"]})
    >>> recognize(frame, ["emotion"], ["audio", "text"])[0].columns.tolist()
    ['audio', 'speaker', 'emotion']
    """
    wanted = [*targets, *CONTEXT, *media]
    names: dict[Hashable, str] = {}
    notes = []
    for name in dict.fromkeys(wanted):
        if name in frame.columns:
            continue
        found = [
            column
            for column in frame.columns
            if column not in wanted and column not in names and _means(frame, column, name, targets)
        ]
        if len(found) == 1:
            names[found[0]] = name
        elif found:
            notes.append(
                f"{listed(found, quoted=True)} could each be {name!r}: pass columns= for one."
            )
    return frame.rename(columns=names), notes


def _means(frame: pd.DataFrame, column: Hashable, name: str, targets: Sequence[str]) -> bool:
    key = plain(column)
    if key == plain(name):
        return True
    if name in targets:
        return False
    if name in CONTEXT:
        return key in {f"{name}{ending}" for ending in _CONTEXT_ENDINGS}
    if key in {f"{alias}{end}" for alias in _ALIASES.get(name, ()) for end in _ENDINGS}:
        # A column of labels or numbers may be named image or speech as well.
        return name == "text" or kind_of(frame[column]) == name
    return key in _PATH_NAMES and kind_of(frame[column]) == name


def kind_of(column: pd.Series) -> str | None:
    """Tell from suffixes whether a column holds paths of audio, of images and videos, or none.

    Examples
    --------
    >>> kind_of(pd.Series(["a.wav", "b.mp3"])), kind_of(pd.Series(["Oh.", None]))
    ('audio', None)
    """
    cells = column.dropna().head(_LOOKED_AT).tolist()
    texts = [str(cell).partition("#t=")[0].lower() for cell in cells]
    for kind, suffixes in (("audio", AUDIO_SUFFIXES), ("face", (*IMAGE_SUFFIXES, *VIDEO_SUFFIXES))):
        if texts and all(text.strip().endswith(suffixes) for text in texts):
            return kind
    return None


def warn_unused(frame: pd.DataFrame, used: Sequence[str], notes: Sequence[str]) -> None:
    """Warn of columns that look like media or speakers and go into no model.

    Examples
    --------
    >>> import warnings
    >>> frame = pd.DataFrame({"text": ["Oh!"], "second": ["a.wav"]})
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warn_unused(frame, ["text"], [])
    >>> print(str(caught[0].message).partition(":")[0])
    Not used are columns that look like media or speakers
    """
    unused: dict[str, str] = {}
    for column in frame.columns:
        if column in used:
            continue
        kind = kind_of(frame[column]) if _holds_text(frame[column]) else None
        if kind is None and "speaker" not in used and plain(column).removesuffix("id") in _PERSONS:
            kind = "speaker"
        if kind is not None:
            unused[str(column)] = kind
    if not unused and not notes:
        return
    parts = list(notes)
    if unused:
        first = next(iter(unused.items()))
        shown = ", ".join(f"{column!r} ({kind})" for column, kind in unused.items())
        parts.insert(0, f"{shown}. Pass columns={dict([first])}, or list media in media=.")
    message = "Not used are columns that look like media or speakers"
    warn_user(f"{message}: {' '.join(parts)}")


def _holds_text(column: pd.Series) -> bool:
    return bool(column.dtype == object or pd.api.types.is_string_dtype(column))


def show_columns(columns: Sequence[Hashable]) -> str:
    """List the names of columns for a message.

    Examples
    --------
    >>> show_columns(["audio", 1])
    'audio, 1'
    """
    return ", ".join(map(str, columns)) or "no columns"


def rename(frame: pd.DataFrame, columns: Mapping[str, str] | None) -> pd.DataFrame:
    """Rename columns as a user told, after blanks around names are stripped.

    Examples
    --------
    >>> rename(pd.DataFrame({" wav": ["a.wav"]}), {"wav": "audio"}).columns.tolist()
    ['audio']
    """
    frame = frame.rename(columns=_stripped)
    unknown = [name for name in columns or {} if name not in frame.columns]
    if unknown:
        raise ValueError(
            f"columns= names {', '.join(map(str, unknown))}, but the table has "
            f"{show_columns(frame.columns)}."
        )
    frame = frame.rename(columns=dict(columns or {}))
    repeated = frame.columns[frame.columns.duplicated()]
    if len(repeated):
        raise ValueError(f"The table has more than one column {repeated[0]!r}.")
    return frame


def _stripped(name: Any) -> Any:
    return name.strip() if isinstance(name, str) else name
