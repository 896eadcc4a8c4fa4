"""RAVDESS: 24 actors, two sentences, eight emotions, spoken or sung."""

import os
import re
from typing import Any

import pandas as pd

from emoest.datasets._reading.bunch import Target, check_target, make_bunch
from emoest.datasets._reading.files import CorpusFolder, decode
from emoest.datasets._reading.record import CorpusRecord, register
from emoest.tables.cells import object_column
from emoest.utils._sklearn import StrOptions
from emoest.utils.constraints import LOADER, validate_arguments

EMOTIONS = {
    "01": "neutral",
    "02": "calm",
    "03": "happy",
    "04": "sad",
    "05": "angry",
    "06": "fearful",
    "07": "disgust",
    "08": "surprised",
}
INTENSITIES = {"01": "normal", "02": "strong"}
STATEMENTS = {"01": "kids", "02": "dogs"}
REPETITIONS = {"01": "first", "02": "second"}
MODALITIES = {"01": "full", "02": "video", "03": "audio"}
CHANNELS = {"01": "speech", "02": "song"}
ACTORS = {f"{actor:02d}": "female" if actor % 2 == 0 else "male" for actor in range(1, 25)}
TEXTS = {"kids": "Kids are talking by the door.", "dogs": "Dogs are sitting by the door."}

_SONG_EMOTIONS = ("01", "02", "03", "04", "05", "06")
# The corpus was published without songs of this actor.
_NO_SONG = ("18",)
_NAME = re.compile(r"[0-9]{2}(-[0-9]{2}){6}")

RAVDESS = register(
    CorpusRecord(
        name="ravdess",
        title="RAVDESS, Ryerson Audio-Visual Database of Emotional Speech and Song",
        labels={
            "emotion": tuple(EMOTIONS.values()),
            "intensity": tuple(INTENSITIES.values()),
            "statement": tuple(STATEMENTS.values()),
            "repetition": tuple(REPETITIONS.values()),
            "sex": ("male", "female"),
        },
        codes={
            "emotion": EMOTIONS,
            "intensity": INTENSITIES,
            "statement": STATEMENTS,
            "repetition": REPETITIONS,
            "sex": ACTORS,
        },
        modalities=("audio", "text"),
        n_speakers=24,
        sizes={
            "emotion": {label: 96 if label == "neutral" else 192 for label in EMOTIONS.values()},
            "intensity": {"normal": 768, "strong": 672},
            "statement": {"kids": 720, "dogs": 720},
            "repetition": {"first": 720, "second": 720},
            "sex": {"male": 720, "female": 720},
        },
        license="CC BY-NC-SA 4.0",
        access="Free download: Audio_Speech_Actors_01-24.zip, Audio_Song_Actors_01-24.zip.",
        homepage="https://zenodo.org/records/1188976",
        citation=(
            "S. R. Livingstone and F. A. Russo, The Ryerson Audio-Visual Database of Emotional "
            "Speech and Song (RAVDESS), PLoS ONE 13(5), 2018, doi:10.1371/journal.pone.0196391."
        ),
        notes=(
            "Sizes are those of the spoken clips. Everybody says the same two sentences, so that "
            "the text tells nothing about the emotion. Neutral has half the clips of the other "
            "emotions and no strong intensity. In at least one public copy the clips "
            "03-01-03-01-02-01-07 and 03-01-03-01-02-02-07 are the same bytes. There are no "
            "official partitions."
        ),
    )
)


@validate_arguments(LOADER, channel=[StrOptions({"speech", "song"})])
def load_ravdess(
    folder: str | os.PathLike[str],
    *,
    target: Target = "emotion",
    channel: str = "speech",
    strict: bool = False,
    return_X_y: bool = False,
) -> Any:
    """Load the audio of RAVDESS, labels from the official file names.

    Parameters
    ----------
    folder : str or path object
        Where the corpus was unpacked; sub-folders are searched. Any audio format will do, if the
        names are the official ones (``03-01-06-01-02-01-12.wav``). No file is opened.
    target : str or sequence of str, default="emotion"
        ``"emotion"`` (eight), ``"intensity"``, ``"statement"``, ``"repetition"`` or ``"sex"``; a
        sequence gives y as a DataFrame.
    channel : {"speech", "song"}, default="speech"
        Spoken or sung clips; sung ones have six emotions and no actor 18.
    strict : bool, default=False
        Whether a missing clip is an error; otherwise one warning says what is missing.
    return_X_y : bool, default=False
        Whether to return (X, y) instead of a Bunch.

    Returns
    -------
    bunch : Bunch, or tuple (X, y)
        ``data`` (X) has the columns ``audio`` (paths), ``text`` (what is said) and ``speaker``
        (the actor, ``"01"`` to ``"24"``), which is also the index level ``group``; ``target`` (y)
        is a Series or DataFrame; further ``frame``, ``groups``, ``splits``, ``record``,
        ``missing`` (names of the missing clips) and ``DESCR``.

    Raises
    ------
    FileNotFoundError
        If the folder holds no clip of RAVDESS, or lacks one and `strict`.
    ValueError
        If a file name holds an unknown code, or the target is unknown.

    Warns
    -----
    IncompleteCorpusWarning
        If clips are missing.

    References
    ----------
    S. R. Livingstone and F. A. Russo, PLoS ONE 13(5), 2018, doi:10.1371/journal.pone.0196391.

    Examples
    --------
    >>> import tempfile, warnings
    >>> from pathlib import Path
    >>> folder = Path(tempfile.mkdtemp())
    >>> (folder / "03-01-06-01-02-01-12.wav").touch()
    >>> with warnings.catch_warnings(action="ignore"):
    ...     X, y = load_ravdess(folder, return_X_y=True)
    >>> X["text"].item(), X["speaker"].item(), y.item()
    ('Dogs are sitting by the door.', '12', 'fearful')
    """
    check_target(target, RAVDESS)
    clips = CorpusFolder(folder, "RAVDESS").find_named(_NAME, example="03-01-06-01-02-01-12.wav")
    rows = []
    for stem, path in clips.items():
        kind, voice, emotion, intensity, statement, repetition, actor = stem.split("-")
        decode(MODALITIES, kind, field="modality", path=path)
        row = {
            "clip": stem,
            "audio": str(path),
            "channel": decode(CHANNELS, voice, field="vocal channel", path=path),
            "speaker": actor,
            "emotion": decode(EMOTIONS, emotion, field="emotion", path=path),
            "intensity": decode(INTENSITIES, intensity, field="intensity", path=path),
            "statement": decode(STATEMENTS, statement, field="statement", path=path),
            "repetition": decode(REPETITIONS, repetition, field="repetition", path=path),
            "sex": decode(ACTORS, actor, field="actor", path=path),
        }
        if kind == "03" and row["channel"] == channel:
            rows.append(row)
    if not rows:
        raise FileNotFoundError(
            f"{str(folder)!r} holds files of RAVDESS ({next(iter(clips))}, ...), but no audio with "
            f"channel={channel!r}. Pass the other channel, or another folder."
        )
    expected = {actor: _expected(actor, channel) for actor in ACTORS}
    missing = CorpusFolder(folder, f"RAVDESS ({channel})", strict).report_missing_by_speaker(
        {actor: [clip for clip in names if clip not in clips] for actor, names in expected.items()},
        {actor: len(names) for actor, names in expected.items()},
    )
    return make_bunch(_frame(rows), RAVDESS, target=target, missing=missing, return_X_y=return_X_y)


def _frame(rows: list[dict[str, str]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows).set_index("clip")
    frame["audio"] = object_column(list(frame["audio"]), frame.index)
    texts = object_column([TEXTS[statement] for statement in frame["statement"]], frame.index)
    frame.insert(1, "text", texts)
    return frame


def _expected(actor: str, channel: str) -> list[str]:
    """Names of the clips of one actor in the complete corpus."""
    if channel == "song" and actor in _NO_SONG:
        return []
    voice = "02" if channel == "song" else "01"
    return [
        f"03-{voice}-{emotion}-{intensity}-{statement}-{repetition}-{actor}"
        for emotion in (_SONG_EMOTIONS if channel == "song" else EMOTIONS)
        for intensity in INTENSITIES
        for statement in STATEMENTS
        for repetition in REPETITIONS
        # Neutral was recorded at normal intensity only.
        if (emotion, intensity) != ("01", "02")
    ]
