"""EmoDB: ten German actors, ten sentences, seven emotions."""

import csv
import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

from emoest.datasets._reading.bunch import Target, check_target, make_bunch
from emoest.datasets._reading.files import CorpusFolder, decode
from emoest.datasets._reading.record import CorpusRecord, register
from emoest.datasets._reading.rows import read_lines
from emoest.tables.cells import object_column
from emoest.utils.constraints import LOADER, validate_arguments
from emoest.utils.messages import listed
from emoest.utils.warn import warn_user

EMOTIONS = {
    "W": "anger",
    "L": "boredom",
    "E": "disgust",
    "A": "fear",
    "F": "happiness",
    "N": "neutral",
    "T": "sadness",
}
SPEAKERS = {
    "03": "male",
    "08": "female",
    "09": "female",
    "10": "male",
    "11": "male",
    "12": "male",
    "13": "female",
    "14": "female",
    "15": "male",
    "16": "female",
}
N_FILES = {
    "03": 49,
    "08": 58,
    "09": 43,
    "10": 38,
    "11": 55,
    "12": 35,
    "13": 61,
    "14": 69,
    "15": 56,
    "16": 71,
}
TEXTS = {
    "a01": "Der Lappen liegt auf dem Eisschrank.",
    "a02": "Das will sie am Mittwoch abgeben.",  # codespell:ignore
    "a04": "Heute abend könnte ich es ihm sagen.",
    "a05": "Das schwarze Stück Papier befindet sich da oben neben dem Holzstück.",
    "a07": "In sieben Stunden wird es soweit sein.",
    "b01": "Was sind denn das für Tüten, die da unter dem Tisch stehen?",  # codespell:ignore
    "b02": "Sie haben es gerade hochgetragen "  # codespell:ignore
    "und jetzt gehen sie wieder runter.",  # codespell:ignore
    "b03": "An den Wochenenden bin ich jetzt immer nach Hause gefahren und habe Agnes besucht.",
    "b09": "Ich will das eben wegbringen und dann mit Karl was trinken gehen.",
    "b10": "Die wird auf dem Platz sein, wo wir sie immer hinlegen.",  # codespell:ignore
}

AMBIGUOUS = "db.emotion.categories.ambiguous.csv"
"""The table of release 2 that lists the clips that listeners did not recognize."""

# Laryngograms have the names of the clips, and would be taken for their audio.
_LARYNGOGRAMS = "laryngo"
_NAME = re.compile(r"(?P<speaker>[0-9]{2})(?P<text>[a-z][0-9]{2})(?P<emotion>[A-Z])[a-z]?")

EMODB = register(
    CorpusRecord(
        name="emodb",
        title="EmoDB, Berlin Database of Emotional Speech",
        labels={
            "emotion": tuple(EMOTIONS.values()),
            "statement": tuple(TEXTS),
            "sex": ("male", "female"),
        },
        codes={"emotion": EMOTIONS, "sex": SPEAKERS},
        modalities=("audio", "text"),
        n_speakers=10,
        sizes={
            "emotion": {
                "anger": 127,
                "boredom": 81,
                "disgust": 46,
                "fear": 69,
                "happiness": 71,
                "neutral": 79,
                "sadness": 62,
            },
        },
        license="Published free of charge by its authors; see the homepage for the present terms.",
        access="Free download.",
        homepage="http://emodb.bilderbar.info/",
        citation=(
            "F. Burkhardt, A. Paeschke, M. Rolfes, W. F. Sendlmeier and B. Weiss, A Database of "
            "German Emotional Speech, Interspeech 2005."
        ),
        notes=(
            "Everybody says the same ten sentences, so that the text tells nothing about the "
            "emotion. Clips that listeners did not recognize were taken out by the authors, so "
            "that speakers and emotions are not balanced. Release 2 has them again, and the loader "
            "leaves them out. There are no official partitions; the public folds of EmoBox mix "
            "speakers, each of the ten being in all five."
        ),
    )
)


@validate_arguments(LOADER, ambiguous=["boolean"])
def load_emodb(
    folder: str | os.PathLike[str],
    *,
    target: Target = "emotion",
    ambiguous: bool = False,
    strict: bool = False,
    return_X_y: bool = False,
) -> Any:
    """Load EmoDB, labels from the official file names.

    Parameters
    ----------
    folder : str or path object
        Where the corpus was unpacked; sub-folders are searched, but for the laryngograms of
        release 2 (``laryngo``). Any audio format will do, if the names are the official ones
        (``03a01Fa.wav``). No file is opened.
    target : str or sequence of str, default="emotion"
        ``"emotion"`` (seven), ``"statement"`` (the code of the sentence, ``"a01"``) or ``"sex"``; a
        sequence gives y as a DataFrame.
    ambiguous : bool, default=False
        Whether the clips are kept that listeners did not recognize. Release 2 has 281 of them,
        listed in ``db.emotion.categories.ambiguous.csv``; a warning counts those left out.
    strict : bool, default=False
        Whether a missing file is an error; otherwise one warning says what is missing. Files are
        counted by speaker, since no rule tells the names of all 535.
    return_X_y : bool, default=False
        Whether to return (X, y) instead of a Bunch.

    Returns
    -------
    bunch : Bunch, or tuple (X, y)
        ``data`` (X) has the columns ``audio`` (paths), ``text`` (the German sentence) and
        ``speaker`` (``"03"`` to ``"16"``), which is also the index level ``group``; ``target`` (y)
        is a Series or DataFrame; further ``frame``, ``groups``, ``splits``, ``record``,
        ``missing`` and ``DESCR``.

    Raises
    ------
    FileNotFoundError
        If the folder holds no file of EmoDB, or lacks one and `strict`.
    ValueError
        If a file name holds an unknown code, or the target is unknown.

    Warns
    -----
    IncompleteCorpusWarning
        If files are missing.
    UserWarning
        If ambiguous clips are left out, or there are more clips than the 535 of release 1.

    References
    ----------
    F. Burkhardt et al., A Database of German Emotional Speech, Interspeech 2005.

    Examples
    --------
    >>> import tempfile, warnings
    >>> from pathlib import Path
    >>> folder = Path(tempfile.mkdtemp())
    >>> (folder / "03a01Fa.wav").touch()
    >>> with warnings.catch_warnings(action="ignore"):
    ...     X, y = load_emodb(folder, return_X_y=True)
    >>> X["text"].item(), X["speaker"].item(), y.item()
    ('Der Lappen liegt auf dem Eisschrank.', '03', 'happiness')
    """
    check_target(target, EMODB)
    files = CorpusFolder(folder, "EmoDB", strict)
    clips = files.find_named(_NAME, example="03a01Fa.wav", without=[_LARYNGOGRAMS])
    if not ambiguous:
        clips = _recognized(clips, files.first(AMBIGUOUS))
    rows = []
    for stem, path in clips.items():
        match = _NAME.fullmatch(stem)
        assert match is not None
        speaker, statement = match["speaker"], match["text"]
        rows.append(
            {
                "clip": stem,
                "audio": str(path),
                "text": decode(TEXTS, statement, field="sentence", path=path),
                "speaker": speaker,
                "emotion": decode(EMOTIONS, match["emotion"], field="emotion", path=path),
                "statement": statement,
                "sex": decode(SPEAKERS, speaker, field="speaker", path=path),
            }
        )
    frame = pd.DataFrame(rows).set_index("clip")
    for column in EMODB.modalities:
        frame[column] = object_column(list(frame[column]), frame.index)
    found = Counter(frame["speaker"])
    missing = files.report_missing_by_speaker(
        {speaker: count - found[speaker] for speaker, count in N_FILES.items()}, N_FILES
    )
    surplus = len(frame) - sum(N_FILES.values())
    if surplus > 0 and not ambiguous:
        warn_user(
            f"EmoDB in {str(folder)!r} has {surplus} clips more than the 535 that listeners "
            f"recognized, and no {AMBIGUOUS} that says which. Results are not those on EmoDB."
        )
    return make_bunch(frame, EMODB, target=target, missing=missing, return_X_y=return_X_y)


def _recognized(clips: dict[str, Path], table: Path | None) -> dict[str, Path]:
    """Leave out the clips that the table of ambiguous ones lists, and count them."""
    if table is None:
        return clips
    lines = csv.DictReader(read_lines(table))
    unclear = {Path(line.get("file") or "").stem for line in lines} & set(clips)
    if unclear:
        warn_user(
            f"EmoDB: {len(unclear)} clips that listeners did not recognize are left out "
            f"({listed(sorted(unclear))}). Pass ambiguous=True to keep them."
        )
    return {name: path for name, path in clips.items() if name not in unclear}
