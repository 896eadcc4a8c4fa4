"""Where an item comes from: a file and the part of it that is meant, or an array with its rate."""

import math
import re
from pathlib import Path
from typing import Any

import numpy as np

from emoest.tables.cells import describe

# Annotations are rounded: a part may end so much behind the end of its file.
_ROUNDING_SECONDS = 0.01

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
"""Suffixes of audio files that libsndfile reads."""
VIDEO_SUFFIXES = (".mp4", ".avi", ".flv", ".mkv", ".mov", ".webm")
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".gif")
EEG_SUFFIXES = (".npy", ".mat", ".csv", ".tsv")
MEDIA_SUFFIXES = (*AUDIO_SUFFIXES, *VIDEO_SUFFIXES, *IMAGE_SUFFIXES, *EEG_SUFFIXES, ".m4a", ".txt")

_FRAGMENT = re.compile(r"#t=(?P<start>\d*\.?\d*)(?:,(?P<end>\d*\.?\d*))?$")


def names_media(text: str) -> bool:
    """Check whether a text is rather the path of an audio, video, image, EEG or text file.

    Examples
    --------
    >>> names_media("clips/s1.wav#t=0,2"), names_media("I heard a .wav"), names_media("Fine.")
    (True, False, False)
    """
    path = split_fragment(text.strip())[0]
    stem, dot, suffix = path.rpartition(".")
    return bool(stem.strip() == stem and stem and dot) and f".{suffix.lower()}" in MEDIA_SUFFIXES


def split_fragment(path: str) -> tuple[str, float, float | None]:
    """Split ``clip.wav#t=1.20,3.45`` into the path and the part, in seconds.

    Parameters
    ----------
    path : str
        A path, with or without a part.

    Returns
    -------
    path : str
        The path alone.
    start : float
        Where the part starts; 0 when not given.
    end : float or None
        Where it ends; None is the end of the file.

    Examples
    --------
    >>> split_fragment("clip.wav#t=1.20,3.45")
    ('clip.wav', 1.2, 3.45)
    >>> split_fragment("take #3.wav")
    ('take #3.wav', 0.0, None)
    """
    match = _FRAGMENT.search(path)
    if match is None:
        return path, 0.0, None
    start, end = match["start"], match["end"]
    # Without a digit the mark belongs to the name: "a#t=.wav" is a file.
    if start == "." or end == "." or not (start or end):
        return path, 0.0, None
    return path[: match.start()], float(start or 0.0), float(end) if end else None


def name_file(path: str, name: str) -> str:
    """Name a file for an error, behind the cell or item that points to it.

    Examples
    --------
    >>> name_file("a.wav", "row 3"), name_file("a.wav", "audio item"), name_file("a", "file 'a'")
    ("row 3 (file 'a.wav')", "audio file 'a.wav'", "file 'a'")
    """
    if path in name:
        return name
    kind = name.removesuffix(" item")
    # "audio item" is what a reader calls an item that its caller has not named.
    unnamed = kind != name and " " not in kind
    return f"{kind} file {path!r}" if unnamed else f"{name} (file {path!r})"


def check_exists(path: str, said: str) -> None:
    """Raise a FileNotFoundError with advice if a file, `said` so in the error, is not there."""
    if not Path(path).exists():
        hint = (
            "If '#' starts a part of the file, write it as '#t=<start>,<end>' in seconds."
            if "#" in Path(path).name
            else "Check the path; a relative one starts at the working folder "
            f"({str(Path.cwd())!r})."
        )
        raise FileNotFoundError(f"{said} is not there. {hint}")


def check_file(path: str, name: str, kind: str) -> None:
    """Raise if a path leads to no file, or to an empty one; `kind` is what it should be.

    Examples
    --------
    >>> check_file(".", "row 3 (file '.')", "an audio file")
    Traceback (most recent call last):
        ...
    ValueError: row 3 (file '.') is a folder, not an audio file.
    """
    check_exists(path, f"{name}: the file")
    if Path(path).is_dir():
        raise ValueError(f"{name} is a folder, not {kind}.")
    if Path(path).stat().st_size == 0:
        raise ValueError(
            f"{name} is empty (0 bytes): a copy or download may have failed. Get the file again, "
            "or drop the row."
        )


def cut_part(
    n_samples: int, rate: float, start: float, end: float | None, name: str
) -> tuple[int, int]:
    """Convert a part in seconds to its first sample and the one behind its last.

    Examples
    --------
    >>> cut_part(16000, 8000.0, 0.5, None, "row 3"), cut_part(16000, 8000.0, 0.0, 2.005, "row 3")
    ((4000, 16000), (0, 16000))
    """
    seconds = n_samples / rate
    first = round(start * rate)
    stop = n_samples if end is None else min(round(end * rate), n_samples)
    part = f"{name}: the part #t={start:g},{'' if end is None else f'{end:g}'}"
    if first >= n_samples or (end is not None and end > seconds + _ROUNDING_SECONDS):
        raise ValueError(
            f"{part} lies outside the recording, which lasts {seconds:.3f} s at {rate:g} Hz. "
            "Correct the part (it is in seconds)."
        )
    if stop <= first:
        raise ValueError(f"{part} holds no sample: its end is not after its start.")
    return first, stop


def first_bytes(path: str, n: int = 16) -> bytes:
    """Return the start of a file, `n` bytes, which tells of what kind it is."""
    with open(path, "rb") as file:
        return file.read(n)


_SPELLINGS = {
    "jax": "Write numpy.asarray(item).",
    "jaxlib": "Write numpy.asarray(item).",
    "tensorflow": "Write item.numpy().",
    "mne": "Write emoest.media.cells_from_mne(item), which gives a cell for each epoch.",
    "pydub": "Write (numpy.array(item.set_channels(1).get_array_of_samples()), item.frame_rate).",
}
"""How cells of other libraries are written here, by the package of their type."""


def spelling(item: Any) -> str:
    """Say how a cell of another library is written here; empty if it is none of those known.

    Examples
    --------
    >>> spelling((8000, np.zeros(4))).strip()
    'Write (array, rate), in this order.'
    """
    said = ""
    kind = type(item).__module__.partition(".")[0]
    if isinstance(item, tuple) and len(item) == 2:
        is_turned = np.ndim(item[0]) == 0 and np.ndim(item[1]) > 0
        said = "Write (array, rate), in this order." if is_turned else ""
    else:
        said = _SPELLINGS.get(kind, "")
    return f" {said}" if said else ""


def split_tuple(item: tuple[Any, ...], name: str) -> tuple[Any, float]:
    """Split an item (array, rate), and check its rate.

    Examples
    --------
    >>> split_tuple((8000, np.zeros(4)), "row 3")
    Traceback (most recent call last):
        ...
    ValueError: row 3: a tuple must be (array, rate), in this order, found tuple (8000, array(...
    """
    if len(item) != 2 or np.ndim(item[1]) != 0 or np.ndim(item[0]) == 0:
        raise ValueError(
            f"{name}: a tuple must be (array, rate), in this order, found {describe(item)}."
        )
    return item[0], check_rate(item[1], name)


def check_rate(rate: Any, name: str) -> float:
    """Return a sampling rate as a float; raise if there is none or it is not positive.

    Examples
    --------
    >>> check_rate(8000, "row 3")
    8000.0
    """
    if rate is None:
        raise ValueError(
            f"{name} has no sampling rate. Pass sampling_rate=<Hz>, or make the item a tuple "
            "(array, rate)."
        )
    if not isinstance(rate, int | float | np.number) or not math.isfinite(rate) or rate <= 0:
        raise ValueError(f"{name}: the rate must be a positive number of Hz, found {rate!r}.")
    return float(rate)
