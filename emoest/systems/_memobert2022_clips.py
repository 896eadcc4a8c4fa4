"""Unlabeled clips out of a film: a clip a subtitle, and which of several faces speaks."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from emoest.utils.typing import Array, Floats, Mask

_TIME = r"(\d+):(\d{1,2}):(\d{1,2})[,.](\d{1,3})"
_CUE = re.compile(rf"{_TIME}\s*-->\s*{_TIME}")
_TAG = re.compile(r"<[^>]*>|\{[^}]*\}")
_OTHER = re.compile(r"[^A-Za-z0-9,.?!:;'\" ]")
_VOICE_HOP = 0.01

# Points of the 68 of an annotated face.
_LIP_ABOVE, _INNER_ABOVE, _INNER_BELOW, _INNER_LEFT, _INNER_RIGHT = 51, 62, 66, 60, 64


def clips_from_subtitles(
    video: str | os.PathLike[str], srt: str | os.PathLike[str], *, min_seconds: float = 1.0
) -> pd.DataFrame:
    r"""Make unlabeled clips of a film: one for each subtitle that is long enough.

    Parameters
    ----------
    video : str or path object
        The film; it is not opened here.
    srt : str or path object
        Its subtitles (SubRip, UTF-8).
    min_seconds : float, default=1.0
        Shorter ones are left out.

    Returns
    -------
    X : DataFrame
        ``text`` (Latin letters, digits and ``, . ? ! : ; ' "`` are kept), ``audio`` and ``face``,
        both the part ``film.mp4#t=1.200,3.450``; the index names the clips.

    Raises
    ------
    FileNotFoundError
        If there are no such subtitles.
    ValueError
        If the file holds no subtitle that can be used.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "film.srt"
    >>> _ = path.write_text("1\n00:00:01,500 --> 00:00:03,000\n<i>Is it you?</i>\n")
    >>> clips_from_subtitles("film.mp4", path).iloc[0].tolist()
    ['Is it you?', 'film.mp4#t=1.500,3.000', 'film.mp4#t=1.500,3.000']
    """
    path = Path(srt)
    if not path.is_file():
        raise FileNotFoundError(f"There are no subtitles at {str(path)!r}.")
    rows = []
    lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    starts = [i for i, line in enumerate(lines) if _CUE.search(line)]
    for number, i in enumerate(starts):
        start, end = _seconds(lines[i])
        last = starts[number + 1] - 1 if number + 1 < len(starts) else len(lines)
        text = clean_subtitle(" ".join(lines[i + 1 : last]))
        if text and end - start >= min_seconds:
            part = f"{os.fspath(video)}#t={start:.3f},{end:.3f}"
            rows.append((f"{Path(video).stem}_{number:05d}", text, part, part))
    if not rows:
        raise ValueError(
            f"{str(path)!r} holds {len(starts)} subtitle(s), none of which has words and takes "
            f"{min_seconds} s or more. Subtitles are written as in SubRip: '00:00:01,500 --> "
            "00:00:03,000', then their lines."
        )
    return pd.DataFrame(rows, columns=["clip", "text", "audio", "face"]).set_index("clip")


def _seconds(line: str) -> tuple[float, float]:
    found = _CUE.search(line)
    assert found is not None, "only such lines are asked for"
    parts = [float(part) for part in found.groups()]
    times = [
        3600 * h + 60 * m + s + fraction / 10 ** len(found.group(4 * k + 4))
        for k, (h, m, s, fraction) in enumerate((parts[:4], parts[4:]))
    ]
    return times[0], times[1]


def clean_subtitle(text: str) -> str:
    """Keep letters, digits and punctuation of a subtitle; blank if no letter or digit is left.

    Examples
    --------
    >>> clean_subtitle("♪ <i>Hello</i>,  world! ♪"), clean_subtitle("♪ ...")
    ('Hello, world!', '')
    """
    plain = " ".join(_OTHER.sub(" ", _TAG.sub("", text)).split())
    return plain if any(character.isalnum() for character in plain) else ""


@dataclass(frozen=True)
class TrackedFace:
    """A face that a tracker followed through a clip.

    Parameters
    ----------
    frames : ndarray of int, shape (n,)
        Numbers of the images that it is in.
    landmarks : ndarray of shape (n, 68, 2)
        Points of the face in pixels, x and y, as OpenFace and dlib number them.
    confidence : ndarray of shape (n,)
        Of the tracker.
    """

    frames: Array
    landmarks: Floats
    confidence: Floats


def choose_active_speaker(
    faces: Sequence[TrackedFace], voice: Mask, *, frames_per_second: float = 10.0
) -> int | None:
    """Choose which of several faces speaks, by mouth and sound.

    Three counts of a face: images with the mouth open (the gap between the lips is larger than the
    upper lip is thick), pairs of neighboring images (at most two apart) between which height and
    width of the inner mouth change by more than 4 pixels together, and hundredths of a second in
    which there is a voice while the mouth moves. A face with any count of 0 does not speak. Of
    several others each count ranks them (1 is most), and the largest sum of ``1 / sqrt(rank)``
    wins.

    Parameters
    ----------
    faces : sequence of TrackedFace
        The faces. Images with a confidence of at most 0.5 do not count.
    voice : ndarray of bool, shape (n,)
        Whether there is a voice, each 10 ms, see `voice_activity`.
    frames_per_second : float, default=10.0
        Images a second.

    Returns
    -------
    chosen : int or None
        Position of the face; None if nobody speaks.

    Notes
    -----
    The rule of MEmoBERT's code.

    Examples
    --------
    >>> choose_active_speaker([], np.ones(10, dtype=bool)) is None
    True
    """
    counts = np.array([mouth_counts(face, voice, frames_per_second) for face in faces])
    if not len(counts):
        return None
    speaking = np.flatnonzero((counts > 0).all(axis=1))
    if not len(speaking):
        return None
    ranks = rankdata(-counts[speaking], method="dense", axis=0)
    return int(speaking[(1 / np.sqrt(ranks)).sum(axis=1).argmax()])


def mouth_counts(face: TrackedFace, voice: Mask, frames_per_second: float) -> tuple[int, int, int]:
    """Count open mouths, movements of the mouth, and voice while it moves.

    Parameters
    ----------
    face, voice, frames_per_second
        See `choose_active_speaker`.

    Returns
    -------
    n_open, n_moves, n_voiced : int
    """
    kept = face.confidence > 0.5
    frames, points = face.frames[kept], face.landmarks[kept]
    gap = points[:, _INNER_BELOW, 1] - points[:, _INNER_ABOVE, 1]
    thickness = points[:, _INNER_ABOVE, 1] - points[:, _LIP_ABOVE, 1]
    width = points[:, _INNER_RIGHT, 0] - points[:, _INNER_LEFT, 0]
    change = np.abs(np.diff(gap)) + np.abs(np.diff(width))
    moves = (np.diff(frames) <= 2) & (change > 4)
    voiced = np.zeros(len(voice), dtype=bool)
    for i in np.flatnonzero(moves):
        ends = np.array([frames[i], frames[i + 1]]) / frames_per_second / _VOICE_HOP
        start, end = np.round(ends).astype(int)
        voiced[start:end] = voice[start:end]
    return int((gap > thickness).sum()), int(moves.sum()), int(voiced.sum())


def voice_activity(samples: Floats, sampling_rate: int) -> Mask:
    """Tell each 10 ms whether there is a voice, by energy as Kaldi does.

    A window of 25 ms is loud if the logarithm of its energy, in units of 16-bit samples, exceeds
    5.5 and half of the clip's mean; there is a voice where 60 % of the windows from five before to
    five behind are loud.

    Parameters
    ----------
    samples : ndarray of shape (n,)
        Mono sound from -1 to 1.
    sampling_rate : int
        In Hz.

    Returns
    -------
    voice : ndarray of bool, shape (n_windows,)

    Examples
    --------
    >>> tone = np.sin(np.arange(16000) / 5) * (np.arange(16000) > 8000)
    >>> voice = voice_activity(tone, 16000)
    >>> bool(voice[:30].any()), bool(voice[60:].all())
    (False, True)
    """
    size, hop = round(0.025 * sampling_rate), round(_VOICE_HOP * sampling_rate)
    if len(samples) < size:
        return np.zeros(0, dtype=bool)
    windows = np.lib.stride_tricks.sliding_window_view(32768.0 * samples, size)[::hop]
    energy = np.log(np.maximum((windows**2).sum(axis=1), np.finfo(np.float32).tiny))
    loud = (energy > 5.5 + 0.5 * energy.mean()).astype(float)
    around = np.ones(11)
    seen = np.convolve(np.ones(len(loud)), around, "same")
    return np.asarray(np.convolve(loud, around, "same") >= 0.6 * seen)
