"""IEMOCAP: ten actors in five dyadic sessions, improvised and scripted."""

import os
import re
from pathlib import Path
from typing import Any

import pandas as pd

from emoest.datasets._reading.bunch import Target, check_target, make_bunch
from emoest.datasets._reading.files import CorpusFolder
from emoest.datasets._reading.record import CorpusRecord, register
from emoest.datasets._reading.rows import handle_unlabeled, match_labels, read_lines
from emoest.media.sources import AUDIO_SUFFIXES
from emoest.tables.cells import object_column
from emoest.utils.constraints import DROP_UNLABELED, LOADER, validate_arguments

CATEGORIES = {
    "ang": "anger",
    "dis": "disgust",
    "exc": "excitement",
    "fea": "fear",
    "fru": "frustration",
    "hap": "happiness",
    "neu": "neutral",
    "oth": "other",
    "sad": "sadness",
    "sur": "surprise",
    "xxx": "no agreement",
}
FOUR = {
    "ang": "anger",
    "hap": "happiness",
    "exc": "happiness",
    "neu": "neutral",
    "sad": "sadness",
}
SIX = {code: CATEGORIES[code] for code in ("ang", "exc", "fru", "hap", "neu", "sad")}
SESSIONS = ("1", "2", "3", "4", "5")

_TURN = r"Ses0(?P<session>[1-5])[FM]_\w+_(?P<sex>[FM])[A-Z]?\d+"
_DIALOGUE = re.compile(r"Ses0[1-5][FM]_(impro|script)\w*")
_NUMBER = r"(-?\d+\.?\d*)"
_LABEL = re.compile(
    rf"\[{_NUMBER} - {_NUMBER}\]\t(?P<turn>{_TURN})\t(?P<code>\w+)\t"
    rf"\[(?P<valence>[\d.]+), (?P<arousal>[\d.]+), (?P<dominance>[\d.]+)\]\s*"
)
_SAID = re.compile(rf"(?P<turn>{_TURN}) \[[\d.]+-+[\d.]+\]:(?P<text>.*)")

IEMOCAP = register(
    CorpusRecord(
        name="iemocap",
        title="IEMOCAP, Interactive Emotional Dyadic Motion Capture Database",
        labels={
            "emotion": ("anger", "happiness", "neutral", "sadness"),
            "emotion6": tuple(SIX.values()),
            "category": tuple(CATEGORIES.values()),
        },
        codes={"emotion": FOUR, "emotion6": SIX, "category": CATEGORIES},
        scores={"valence": (1.0, 5.0), "arousal": (1.0, 5.0), "dominance": (1.0, 5.0)},
        modalities=("audio", "text"),
        n_speakers=10,
        sizes={
            "emotion": {"anger": 1103, "happiness": 1636, "neutral": 1708, "sadness": 1084},
            "emotion6": {
                "anger": 1103,
                "excitement": 1041,
                "frustration": 1849,
                "happiness": 595,
                "neutral": 1708,
                "sadness": 1084,
            },
            "category": {
                "anger": 1103,
                "excitement": 1041,
                "fear": 40,
                "frustration": 1849,
                "happiness": 595,
                "neutral": 1708,
                "sadness": 1084,
                "surprise": 107,
                "no agreement": 2507,
            },
        },
        license="License of the University of Southern California; no redistribution.",
        access="On request from the authors.",
        homepage="https://sail.usc.edu/iemocap/",
        citation=(
            "C. Busso, M. Bulut, C.-C. Lee, A. Kazemzadeh, E. Mower, S. Kim, J. N. Chang, S. Lee "
            "and S. S. Narayanan, IEMOCAP: Interactive emotional dyadic motion capture database, "
            "Language Resources and Evaluation 42, 335-359, 2008, doi:10.1007/s10579-008-9076-6."
        ),
        notes=(
            "The target emotion has the four classes of most papers, with excitement merged into "
            "happiness; emotion6 keeps excitement and frustration. All other turns have no label "
            "there. The counts of disgust and other are unknown to emoest. There are no official "
            "partitions: results on random splits, on sessions and on speakers are not comparable. "
            "The two speakers of a session talk with each other, and actors of different sessions "
            "play the same scripts, so that a text model sees test sentences in training."
        ),
    )
)


@validate_arguments(LOADER, DROP_UNLABELED)
def load_iemocap(
    folder: str | os.PathLike[str],
    *,
    target: Target = "emotion",
    drop_unlabeled: bool = False,
    strict: bool = False,
    return_X_y: bool = False,
) -> Any:
    """Load the turns of IEMOCAP: audio, transcript, session, speaker and labels.

    Parameters
    ----------
    folder : str or path object
        The folder with ``Session1`` to ``Session5`` (``IEMOCAP_full_release``), or one above it.
        Labels are read from ``dialog/EmoEvaluation/*.txt``, texts from
        ``dialog/transcriptions/*.txt``; audio files are found by the name of the turn, as in
        ``sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav``, and not opened.
    target : str or sequence of str, default="emotion"
        ``"emotion"`` (anger, happiness with excitement, neutral, sadness), ``"emotion6"`` (anger,
        excitement, frustration, happiness, neutral, sadness), ``"category"`` (all eleven codes), or
        the continuous targets ``"valence"``, ``"arousal"``, ``"dominance"`` (mean ratings); a
        sequence gives y as a DataFrame.
    drop_unlabeled : bool, default=False
        Whether turns without a label of the target are left out. Of 10,039 turns 5,531 have one of
        the four classes. A warning counts them either way.
    strict : bool, default=False
        Whether a missing session, label file, transcript or audio file is an error; otherwise one
        warning says what is missing, and the cell is None. Audio without a label file is no row.
    return_X_y : bool, default=False
        Whether to return (X, y) instead of a Bunch.

    Returns
    -------
    bunch : Bunch, or tuple (X, y)
        ``data`` (X) has the columns ``audio`` (path), ``text``, ``speaker`` (``"1F"``: session and
        sex), ``session`` and ``dialogue``; the speaker is also the index level ``group``;
        ``target`` (y) is a Series or DataFrame; further ``frame``, ``groups``, ``splits`` (empty),
        ``record``, ``missing``, ``n_unlabeled`` and ``DESCR``.

    Raises
    ------
    FileNotFoundError
        If the folder holds no label file of IEMOCAP, or lacks something and `strict`.
    ValueError
        If a label file holds an unknown code or an unreadable line, or the target is unknown.

    Warns
    -----
    IncompleteCorpusWarning
        If something is missing.
    UnlabeledRowsWarning
        If turns have no label of the target.

    References
    ----------
    C. Busso et al., Language Resources and Evaluation 42, 2008, doi:10.1007/s10579-008-9076-6. The
    order of valence, arousal and dominance is that of the head line of the label files.

    Examples
    --------
    >>> import tempfile, warnings
    >>> from emoest.datasets import make_iemocap_like
    >>> folder = make_iemocap_like(tempfile.mkdtemp(), scale=0.01)
    >>> with warnings.catch_warnings(action="ignore"):
    ...     X, y = load_iemocap(folder, drop_unlabeled=True, return_X_y=True)
    >>> list(X.columns), sorted(y.unique())
    (['audio', 'text', 'speaker', 'session', 'dialogue'],
     ['anger', 'happiness', 'neutral', 'sadness'])
    """
    check_target(target, IEMOCAP)
    files = CorpusFolder(folder, "IEMOCAP", strict)
    labels, transcripts, audio = _sort_files(files.paths)
    if not labels:
        raise files.not_found(
            "label file",
            "files like 'Session1/dialog/EmoEvaluation/Ses01F_impro01.txt'",
            "Pass the folder 'IEMOCAP_full_release'.",
        )
    rows = [row for path in labels for row in _read_labels(path)]
    if not rows:
        raise ValueError(
            f"The {len(labels)} label files of IEMOCAP in {str(files.root)!r} hold no label; a "
            "copy may have failed."
        )
    texts = {turn: text for path in transcripts for turn, text in _read_texts(path)}
    frame = _frame(rows, texts, audio)
    missing = files.report_missing(
        {
            "sessions": sorted(set(SESSIONS) - set(frame["session"])),
            "label files": _unlabeled_dialogues(labels, transcripts, audio),
            "audio files": [f"{turn}.wav" for turn in frame.index[frame["audio"].isna()]],
            "transcripts": list(frame.index[frame["text"].isna()]),
        }
    )
    frame, n_unlabeled = handle_unlabeled(frame, target, drop=drop_unlabeled, corpus="IEMOCAP")
    return make_bunch(
        frame,
        IEMOCAP,
        target=target,
        missing=missing,
        n_unlabeled=n_unlabeled,
        return_X_y=return_X_y,
    )


def _sort_files(paths: list[Path]) -> tuple[list[Path], list[Path], dict[str, Path]]:
    labels, transcripts, audio = [], [], {}
    for path in sorted(paths):
        parent = path.parent.name
        if path.suffix == ".txt" and _DIALOGUE.fullmatch(path.stem):
            if parent == "EmoEvaluation":
                labels.append(path)
            elif parent == "transcriptions":
                transcripts.append(path)
        elif path.suffix.lower() in AUDIO_SUFFIXES and re.fullmatch(_TURN, path.stem):
            audio.setdefault(path.stem, path)
    return labels, transcripts, audio


def _unlabeled_dialogues(
    labels: list[Path], transcripts: list[Path], audio: dict[str, Path]
) -> list[str]:
    """Name the label files of dialogues of which there is audio or a transcript alone."""
    dialogues = {path.stem for path in transcripts}
    dialogues |= {re.sub(r"_[FM][A-Z]?\d+$", "", turn) for turn in audio}
    return [f"{dialogue}.txt" for dialogue in sorted(dialogues - {path.stem for path in labels})]


def _read_labels(path: Path) -> list[dict[str, Any]]:
    """Rows of a label file; lines of single raters and comments are passed over."""
    form = "[start - end]<tab>turn<tab>code<tab>[valence, arousal, dominance]"
    return [
        {
            "turn": match["turn"],
            "speaker": match["session"] + match["sex"],
            "session": match["session"],
            "dialogue": path.stem,
            "emotion": FOUR.get(match["code"]),
            "emotion6": SIX.get(match["code"]),
            "category": CATEGORIES[match["code"]],
            **{name: float(match[name]) for name in IEMOCAP.scores},
        }
        for match in match_labels(path, _LABEL, CATEGORIES, start="[", corpus="IEMOCAP", form=form)
    ]


def _read_texts(path: Path) -> list[tuple[str, str]]:
    """Turns and what was said; lines of another form are remarks of the transcribers."""
    matches = map(_SAID.match, read_lines(path))
    return [(match["turn"], match["text"].strip()) for match in matches if match]


def _frame(
    rows: list[dict[str, Any]], texts: dict[str, str], audio: dict[str, Path]
) -> pd.DataFrame:
    frame = pd.DataFrame(rows).set_index("turn").sort_index()
    if frame.index.has_duplicates:
        raise ValueError(
            f"The turn {frame.index[frame.index.duplicated()][0]!r} of IEMOCAP is labeled twice: "
            "the folder holds more than one copy. Pass the folder of one of them."
        )
    paths = [str(audio[turn]) if turn in audio else None for turn in frame.index]
    frame.insert(0, "audio", object_column(paths, frame.index))
    said = [texts.get(turn) for turn in frame.index]
    frame.insert(1, "text", object_column(said, frame.index))
    return frame
