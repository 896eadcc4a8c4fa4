"""CREMA-D: 91 actors, twelve sentences, six emotions, audio and video."""

import csv
import os
import re
from pathlib import Path
from typing import Any

import pandas as pd

from emoest.datasets._reading.bunch import Target, check_target, make_bunch
from emoest.datasets._reading.files import CorpusFolder, decode
from emoest.datasets._reading.record import CorpusRecord, register
from emoest.datasets._reading.rows import read_lines
from emoest.media.sources import AUDIO_SUFFIXES
from emoest.tables.cells import object_column
from emoest.utils.constraints import LOADER, validate_arguments

EMOTIONS = {
    "ANG": "anger",
    "DIS": "disgust",
    "FEA": "fear",
    "HAP": "happiness",
    "NEU": "neutral",
    "SAD": "sadness",
}
INTENSITIES = {"LO": "low", "MD": "medium", "HI": "high", "XX": "unspecified", "X": "unspecified"}
TEXTS = {
    "IEO": "It's eleven o'clock.",
    "TIE": "That is exactly what happened.",
    "IOM": "I'm on my way to the meeting.",
    "IWW": "I wonder what this is about.",
    "TAI": "The airplane is almost full.",
    "MTI": "Maybe tomorrow it will be cold.",
    "IWL": "I would like a new alarm clock.",
    "ITH": "I think I have a doctor's appointment.",
    "DFA": "Don't forget a jacket.",
    "ITS": "I think I've seen this before.",
    "TSI": "The surface is slick.",
    "WSI": "We'll stop in a couple of minutes.",
}
_WOMEN = (
    "1002 1003 1004 1006 1007 1008 1009 1010 1012 1013 1018 1020 1021 1024 1025 1028 1029 1030 "
    "1037 1043 1046 1047 1049 1052 1053 1054 1055 1056 1058 1060 1061 1063 1072 1073 1074 1075 "
    "1076 1078 1079 1082 1084 1089 1091"
)
ACTORS = {str(actor): "female" if str(actor) in _WOMEN else "male" for actor in range(1001, 1092)}
N_CLIPS = 7442
CLIP_LIST = "SentenceFilenames.csv"
VIDEO_SUFFIXES = (".flv", ".mp4")
IRREGULAR = {"1040_ITH_SAD_XX": "1040_ITH_SAD_X"}
"""Names of the list of clips that the files do not have."""

_NAME = re.compile(r"(?P<actor>\d{4})_(?P<text>[A-Z]{3})_(?P<emotion>[A-Z]{3})_(?P<level>[A-Z]+)")

CREMAD = register(
    CorpusRecord(
        name="cremad",
        title="CREMA-D, Crowd-sourced Emotional Multimodal Actors Dataset",
        labels={
            "emotion": tuple(EMOTIONS.values()),
            "intensity": ("low", "medium", "high", "unspecified"),
            "statement": tuple(TEXTS),
            "sex": ("male", "female"),
        },
        codes={"emotion": EMOTIONS, "intensity": INTENSITIES, "sex": ACTORS},
        modalities=("audio", "face", "text"),
        n_speakers=91,
        n_samples={"all": N_CLIPS},
        sizes={
            "emotion": {label: 1087 if label == "neutral" else 1271 for label in EMOTIONS.values()},
            "intensity": {"low": 455, "medium": 455, "high": 455, "unspecified": 6077},
        },
        license="ODbL 1.0 (the database) and DbCL (its contents).",
        access="Free download; a plain copy of the repository holds pointers to the media only.",
        homepage="https://github.com/CheyneyComputerScience/CREMA-D",
        citation=(
            "H. Cao, D. G. Cooper, M. K. Keutmann, R. C. Gur, A. Nenkova and R. Verma, CREMA-D: "
            "Crowd-sourced Emotional Multimodal Actors Dataset, IEEE Transactions on Affective "
            "Computing 5(4), 377-390, 2014, doi:10.1109/TAFFC.2014.2336244."
        ),
        notes=(
            "The target emotion is the one that the actor was asked to show, not the one that "
            "raters perceived; they recognized it in 40.9 % of the clips by audio alone. Everybody "
            "says the same twelve sentences, so that the text tells nothing about the emotion. "
            "Intensities were asked for with one sentence (IEO) only. The clip 1040_ITH_SAD_X has "
            "an irregular name. There are no official partitions."
        ),
    )
)


@validate_arguments(LOADER, video=["boolean"])
def load_cremad(
    folder: str | os.PathLike[str],
    *,
    target: Target = "emotion",
    video: bool = False,
    strict: bool = False,
    return_X_y: bool = False,
) -> Any:
    """Load CREMA-D, labels from the official file names.

    Parameters
    ----------
    folder : str or path object
        The corpus; sub-folders (``AudioWAV``, ``AudioMP3``, ``VideoFlash``) are searched. Any
        audio format will do, if the names are the official ones (``1001_DFA_ANG_XX.wav``); of
        WAV and MP3 of one clip the WAV is taken. No audio or video file is opened.
    target : str or sequence of str, default="emotion"
        ``"emotion"`` (the six that actors were asked for), ``"intensity"``, ``"statement"`` (the
        code of the sentence) or ``"sex"``; a sequence gives y as a DataFrame.
    video : bool, default=False
        Whether to give the videos (``.flv`` or ``.mp4`` with the same name) in a column ``face``.
    strict : bool, default=False
        Whether missing files are an error; otherwise one warning says what is missing. Clips are
        compared with ``SentenceFilenames.csv`` if it is there, and counted if it is not.
    return_X_y : bool, default=False
        Whether to return (X, y) instead of a Bunch.

    Returns
    -------
    bunch : Bunch, or tuple (X, y)
        ``data`` (X) has the columns ``audio`` (path), ``face`` (path, if `video`), ``text`` (what
        is said) and ``speaker`` (the actor, ``"1001"`` to ``"1091"``), which is also the index
        level ``group``; ``target`` (y) is a Series or DataFrame; further ``frame``, ``groups``,
        ``splits``, ``record``, ``missing`` and ``DESCR``.

    Raises
    ------
    FileNotFoundError
        If the folder holds no clip of CREMA-D, or lacks one and `strict`.
    ValueError
        If a file name holds an unknown code, or the target is unknown.

    Warns
    -----
    IncompleteCorpusWarning
        If clips or videos are missing.

    References
    ----------
    H. Cao et al., IEEE Transactions on Affective Computing 5(4), 2014,
    doi:10.1109/TAFFC.2014.2336244.

    Examples
    --------
    >>> import tempfile, warnings
    >>> folder = Path(tempfile.mkdtemp())
    >>> (folder / "1002_DFA_ANG_XX.wav").touch()
    >>> with warnings.catch_warnings(action="ignore"):
    ...     X, y = load_cremad(folder, return_X_y=True)
    >>> X["text"].item(), X["speaker"].item(), y.item()
    ("Don't forget a jacket.", '1002', 'anger')
    """
    check_target(target, CREMAD)
    files = CorpusFolder(folder, "CREMA-D", strict)
    audio = _find_audio(files)
    frame = pd.DataFrame([_row(clip, path) for clip, path in audio.items()]).set_index("clip")
    for column in ("audio", "text"):
        frame[column] = object_column(list(frame[column]), frame.index)
    missing = {"clips": _missing_clips(files.first(CLIP_LIST), set(audio))}
    if video:
        found = {
            path.stem: str(path) for path in files.paths if path.suffix.lower() in VIDEO_SUFFIXES
        }
        # The video of 1040_ITH_SAD_X has the regular name 1040_ITH_SAD_XX.
        cells = [found.get(clip, found.get(f"{clip}X")) for clip in frame.index]
        frame.insert(1, "face", object_column(cells, frame.index))
        missing["videos"] = list(frame.index[frame["face"].isna()])
    names = files.report_missing(missing)
    return make_bunch(frame, CREMAD, target=target, missing=names, return_X_y=return_X_y)


def _find_audio(files: CorpusFolder) -> dict[str, Path]:
    """Find the WAV of each clip, and another format only where there is no WAV at all."""
    # The authors publish each clip as WAV and as MP3; without this both would be found, and a
    # warning would speak of 7,442 files that are left out.
    has_wav = any(p.suffix.lower() == ".wav" and _NAME.fullmatch(p.stem) for p in files.paths)
    suffixes = (".wav",) if has_wav else AUDIO_SUFFIXES
    return files.find_named(_NAME, example="1001_DFA_ANG_XX.wav", suffixes=suffixes)


def _row(clip: str, path: Path) -> dict[str, str]:
    match = _NAME.fullmatch(clip)
    assert match is not None
    return {
        "clip": clip,
        "audio": str(path),
        "text": decode(TEXTS, match["text"], field="sentence", path=path),
        "speaker": match["actor"],
        "emotion": decode(EMOTIONS, match["emotion"], field="emotion", path=path),
        "intensity": decode(INTENSITIES, match["level"], field="intensity", path=path),
        "statement": match["text"],
        "sex": decode(ACTORS, match["actor"], field="actor", path=path),
    }


def _missing_clips(clip_list: Path | None, found: set[str]) -> list[str]:
    """Names of missing clips by the official list; without it, what the count tells."""
    if clip_list is not None:
        names = [row["Filename"] for row in csv.DictReader(read_lines(clip_list))]
        return [name for name in names if not {name, IRREGULAR.get(name)} & found]
    n_missing = N_CLIPS - len(found)
    return [f"{n_missing} of {N_CLIPS} that cannot be named"] if n_missing > 0 else []
