"""Unlabeled clips out of a film: a clip a subtitle."""

import os
import re
from pathlib import Path
from typing import Any

import pandas as pd

from emoest.systems._memobert2022_speakers import read_tracked_faces, speaking_face
from emoest.tables.cells import object_column
from emoest.utils.progress import progress

_TIME = r"(\d+):(\d{1,2}):(\d{1,2})[,.](\d{1,3})"
_CUE = re.compile(rf"{_TIME}\s*-->\s*{_TIME}")
_TAG = re.compile(r"<[^>]*>|\{[^}]*\}")
_OTHER = re.compile(r"[^A-Za-z0-9,.?!:;'\" ]")


def clips_from_subtitles(
    video: str | os.PathLike[str],
    srt: str | os.PathLike[str],
    *,
    faces: str | os.PathLike[str] | None = None,
    min_seconds: float = 1.0,
    verbose: int | None = None,
) -> pd.DataFrame:
    r"""Make unlabeled clips of a film: one for each subtitle that is long enough.

    Where several faces show, `choose_active_speaker` finds out who speaks, if a tracker has
    followed them (`faces`).

    Parameters
    ----------
    video : str or path object
        The film; it is opened only if there are `faces`.
    srt : str or path object
        Its subtitles (SubRip, UTF-8).
    faces : str or path object, default=None
        The faces that OpenFace's ``FaceLandmarkVidMulti -2Dfp`` tracked through the film (csv: a
        row an image and face). With them a clip is kept only if somebody who is seen speaks.
    min_seconds : float, default=1.0
        Shorter ones are left out.
    verbose : int, default=None
        Above zero shows a progress bar while the film is looked at; None does in a terminal and in
        a notebook.

    Returns
    -------
    X : DataFrame
        ``text`` (Latin letters, digits and ``, . ? ! : ; ' "`` are kept), ``audio`` and ``face``,
        both the part ``film.mp4#t=1.200,3.450``; the index names the clips. With `faces` the
        cells of ``face`` are lists of images, the face of the speaker ten times a second
        (`emoest.embeddings.FaceEmbedder` with ``frames_per_second=10`` knows their times).

    Raises
    ------
    FileNotFoundError
        If there are no such subtitles or faces.
    ValueError
        If the file holds no subtitle that can be used, if `faces` is another table, or if nobody
        who is seen speaks in any clip.

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
            rows.append((f"{Path(video).stem}_{number:05d}", text, part, start, end))
    if not rows:
        raise ValueError(
            f"{str(path)!r} holds {len(starts)} subtitle(s), none of which has words and takes "
            f"{min_seconds} s or more. Subtitles are written as in SubRip: '00:00:01,500 --> "
            "00:00:03,000', then their lines."
        )
    clips = pd.DataFrame(rows, columns=["clip", "text", "audio", "start", "end"]).set_index("clip")
    if faces is None:
        return clips[["text", "audio"]].assign(face=clips["audio"])
    return _with_speakers(clips, os.fspath(faces), verbose)


def _with_speakers(clips: pd.DataFrame, path: str, verbose: int | None) -> pd.DataFrame:
    tracked = read_tracked_faces(path)
    seen: list[Any] = []
    with progress(len(clips), "clips", verbose) as bar:
        for part, start, end in zip(clips["audio"], clips["start"], clips["end"], strict=True):
            seen.append(speaking_face(part, tracked, start, end))
            bar.update()
    kept = [images is not None for images in seen]
    if not any(kept):
        raise ValueError(
            f"In none of the {len(clips)} clip(s) somebody speaks whose face {path!r} holds: a "
            "mouth that moves while there is a voice. Check that it was tracked in this film."
        )
    column = object_column([images for images in seen if images is not None], clips.index[kept])
    return clips.loc[kept, ["text", "audio"]].assign(face=column)


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
