"""Which of several faces in a film speaks, by mouth and sound."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from emoest.media import open_clip, read_audio
from emoest.media.face_detection import CROPPED_SIDE, crop
from emoest.media.pixels import resized
from emoest.utils.typing import Array, Floats, Mask

_VOICE_HOP = 0.01
_MIN_CONFIDENCE = 0.5
_FRAMES_PER_SECOND = 10.0
_SAMPLING_RATE = 16000

_MARGIN = 0.1
"""Around the landmarks, which end at eyebrows and chin."""

# Points of the 68 of an annotated face.
_N_POINTS = 68
_LIP_ABOVE, _INNER_ABOVE, _INNER_BELOW, _INNER_LEFT, _INNER_RIGHT = 51, 62, 66, 60, 64


@dataclass(frozen=True)
class TrackedFace:
    """A face that a tracker followed through a clip, for `choose_active_speaker`.

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
    kept = face.confidence > _MIN_CONFIDENCE
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


def read_tracked_faces(path: str) -> pd.DataFrame:
    """Read the faces of a film that OpenFace's FaceLandmarkVidMulti tracked.

    Parameters
    ----------
    path : str
        A csv file with the columns ``face_id``, ``timestamp`` (s), ``confidence``, ``x_0`` to
        ``x_67`` and ``y_0`` to ``y_67`` (pixels), and perhaps others.

    Returns
    -------
    tracked : DataFrame
        These columns.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If columns are missing or hold no numbers.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"There are no tracked faces at {path!r}.")
    points = [f"{axis}_{i}" for axis in "xy" for i in range(_N_POINTS)]
    wanted = ["face_id", "timestamp", "confidence", *points]
    # Some versions write a blank behind each comma.
    table = pd.read_csv(path, skipinitialspace=True)
    if missing := [name for name in wanted if name not in table.columns]:
        raise ValueError(
            f"{path!r} lacks {len(missing)} column(s) of tracked faces, {missing[0]!r} among them. "
            "OpenFace writes them with FaceLandmarkVidMulti -2Dfp."
        )
    table = table[wanted].apply(pd.to_numeric, errors="coerce")
    if (bad := table.isna().any(axis=1)).any():
        raise ValueError(
            f"Line {int(np.flatnonzero(bad)[0]) + 2} of {path!r} holds something that is no number."
        )
    return table


def tracks_between(
    tracked: pd.DataFrame, start: float, end: float, frames_per_second: float = 10.0
) -> list[TrackedFace]:
    """Take the faces of a part of a film, at so many images a second.

    Parameters
    ----------
    tracked : DataFrame
        What `read_tracked_faces` gives.
    start, end : float
        The part, in seconds.
    frames_per_second : float, default=10.0
        Of several images nearest to one instant the first is taken.

    Returns
    -------
    faces : list of TrackedFace
        One each ``face_id``, its images numbered from the start of the part.
    """
    seconds = tracked["timestamp"]
    rows = tracked[(seconds >= start) & (seconds < end)].sort_values("timestamp")
    rows = rows.assign(number=((rows["timestamp"] - start) * frames_per_second).round().astype(int))
    rows = rows[rows["number"] < (end - start) * frames_per_second]
    rows = rows.drop_duplicates(["face_id", "number"])
    return [
        TrackedFace(
            frames=face["number"].to_numpy(),
            landmarks=np.stack(
                [face[[f"{axis}_{i}" for i in range(_N_POINTS)]].to_numpy() for axis in "xy"],
                axis=2,
            ),
            confidence=face["confidence"].to_numpy(),
        )
        for _, face in rows.groupby("face_id")
    ]


def speaking_face(part: str, tracked: pd.DataFrame, start: float, end: float) -> list[Array] | None:
    """Cut the face that speaks out of the images of a part of a film.

    Parameters
    ----------
    part : str
        The part, ``film.mp4#t=1.200,3.450``.
    tracked, start, end
        See `tracks_between`.

    Returns
    -------
    images : list of ndarray of shape (height, width, 3) or None
        Ten a second, where the face was found; None if nobody who is seen speaks.
    """
    faces = tracks_between(tracked, start, end, _FRAMES_PER_SECOND)
    samples, _ = read_audio(part, target_rate=_SAMPLING_RATE)
    voice = voice_activity(samples, _SAMPLING_RATE)
    chosen = choose_active_speaker(faces, voice, frames_per_second=_FRAMES_PER_SECOND)
    if chosen is None:
        return None
    face = faces[chosen]
    sure = face.confidence > _MIN_CONFIDENCE
    points = dict(zip(face.frames[sure], face.landmarks[sure], strict=True))
    clip = open_clip(part, frames_per_second=_FRAMES_PER_SECOND)
    # A film with fewer images than that gives all it has.
    instants = _FRAMES_PER_SECOND * clip.seconds_per_frame
    images = [
        _cut(image, points[number])
        for k, image in enumerate(clip.frames())
        if (number := round(k * instants)) in points
    ]
    return images or None


def _cut(image: Array, points: Floats) -> Array:
    (left, top), (right, below) = points.min(axis=0), points.max(axis=0)
    face = crop(image, (left, top, right - left, below - top), _MARGIN)
    if len(face) <= CROPPED_SIDE:
        return face
    # Larger ones would be looked through for faces once more.
    planes = [resized(plane.astype(np.float32), CROPPED_SIDE) for plane in np.moveaxis(face, 2, 0)]
    return np.stack(planes, axis=2).round().clip(0, 255).astype(np.uint8)
