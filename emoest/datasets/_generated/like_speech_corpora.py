"""Folders with the layout of speech corpora that cannot be shipped, for tests and examples.

The audio is a short tone, the words are a counter and the labels follow no rule: these folders show
that a loader reads a layout, and nothing else.
"""

import csv
import functools
import io
import os
from collections.abc import Iterator, Sequence
from numbers import Real
from pathlib import Path

import numpy as np
import soundfile

from emoest.datasets._corpora.compare2020 import LEVELS, PARTITIONS
from emoest.datasets._corpora.cremad import CLIP_LIST, EMOTIONS, TEXTS
from emoest.datasets._corpora.iemocap import CATEGORIES, IEMOCAP
from emoest.datasets._corpora.msp_improv import CATEGORIES as MSP_CATEGORIES
from emoest.datasets._corpora.msp_improv import LABEL_FILES
from emoest.utils._sklearn import Interval
from emoest.utils.constraints import FOLDER, validate_arguments

_RATE = 16000
_MSP_COUNTS = {
    "T": {"A": 115, "S": 106, "H": 136, "N": 283, "O": 1, "X": 11},
    "R": {"A": 169, "S": 80, "H": 88, "N": 241, "O": 3, "X": 39},
    "S": {"A": 470, "S": 633, "H": 1048, "N": 1789, "O": 70, "X": 371},
    "P": {"A": 38, "S": 66, "H": 1372, "N": 1164, "O": 11, "X": 134},
}
_SCALE = {"scale": [Interval(Real, 0, 1, closed="right")]}


@validate_arguments(FOLDER, _SCALE)
def make_iemocap_like(folder: str | os.PathLike[str], *, scale: float = 1.0) -> Path:
    """Write a folder with the layout of IEMOCAP and its counts per emotion.

    Parameters
    ----------
    folder : str or path object
        Where to write.
    scale : float, default=1.0
        Fraction of the counts; of each emotion at least one turn is left.

    Returns
    -------
    folder : Path
        To be given to `load_iemocap`.

    Notes
    -----
    Counts are those of the record; disgust and other, which it does not know, get one turn each.
    How emotions spread over sessions is made up.

    Examples
    --------
    >>> import tempfile
    >>> folder = make_iemocap_like(tempfile.mkdtemp(), scale=0.001)
    >>> sorted(path.name for path in folder.iterdir())
    ['Session1', 'Session2', 'Session3', 'Session4', 'Session5']
    """
    root = Path(folder)
    counts = IEMOCAP.sizes["category"]
    codes = _spread({code: counts.get(label, 1) for code, label in CATEGORIES.items()}, scale)
    dialogues: dict[str, list[tuple[str, str]]] = {}
    for number, code in enumerate(codes):
        session, sex = number % 5 + 1, "FM"[number // 5 % 2]
        dialogue = f"Ses0{session}F_impro{number // 500 + 1:02d}"
        dialogues.setdefault(dialogue, []).append((f"{dialogue}_{sex}{number % 500:03d}", code))
    for dialogue, turns in dialogues.items():
        session_folder = root / f"Session{dialogue[4]}"
        marks = ["% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]", ""]
        said = []
        for number, (turn, code) in enumerate(turns):
            start, end = 10.0 * number, 10.0 * number + 2.5
            scores = ", ".join(f"{1 + (number + k) % 9 / 2:.4f}" for k in range(3))
            marks += [f"[{start:.4f} - {end:.4f}]\t{turn}\t{code}\t[{scores}]"]
            marks += [f"C-E1:\t{CATEGORIES[code].capitalize()};\t()", ""]
            said.append(f"{turn} [{start:08.4f}-{end:08.4f}]: This is turn {number}.")
            _write_tone(session_folder / "sentences" / "wav" / dialogue / f"{turn}.wav")
        dialog = session_folder / "dialog"
        _write_lines(dialog / "EmoEvaluation" / f"{dialogue}.txt", marks)
        _write_lines(dialog / "transcriptions" / f"{dialogue}.txt", said)
    return root


@validate_arguments(FOLDER, _SCALE)
def make_msp_improv_like(folder: str | os.PathLike[str], *, scale: float = 1.0) -> Path:
    """Write a folder with the layout of MSP-IMPROV and its counts per condition and emotion.

    Parameters
    ----------
    folder : str or path object
        Where to write.
    scale : float, default=1.0
        Fraction of the counts; of each condition and emotion at least one turn is left.

    Returns
    -------
    folder : Path
        To be given to `load_msp_improv`.

    Examples
    --------
    >>> import tempfile
    >>> folder = make_msp_improv_like(tempfile.mkdtemp(), scale=0.001)
    >>> print((folder / "Evalution.txt").read_text().splitlines()[0])
    UTD-IMPROV-S01A-F01-T-FM01.avi; A; A:1.000000; V:1.500000; D:2.000000 ; N:2.500000;
    """
    root = Path(folder)
    lines: list[str] = []
    for condition, counts in _MSP_COUNTS.items():
        for number, code in enumerate(_spread(counts, scale)):
            session, sex = number % 6 + 1, "FM"[number // 6 % 2]
            scenario = f"S{number // 12 % 20 + 1:02d}{'AHNS'[number % 4]}"
            turn = f"{scenario}-{sex}{session:02d}-{condition}-{sex}M{number // 240 + 1:02d}"
            scores = [1 + (number + k) % 9 / 2 for k in range(4)]
            lines += [
                f"UTD-IMPROV-{turn}.avi; {code}; A:{scores[0]:f}; V:{scores[1]:f}; "
                f"D:{scores[2]:f} ; N:{scores[3]:f};",
                f"rater-01; {MSP_CATEGORIES[code].capitalize()}; ; A:3.000000; V:3.000000; "
                "D:3.000000; N:3.000000;",
                "",
            ]
            place = root / f"session{session}" / scenario / condition
            _write_tone(place / f"MSP-IMPROV-{turn}.wav")
    _write_lines(root / LABEL_FILES[0], lines)
    return root


@validate_arguments(FOLDER)
def make_cremad_like(folder: str | os.PathLike[str]) -> Path:
    """Write a folder with the layout of CREMA-D and its counts per emotion and intensity.

    Parameters
    ----------
    folder : str or path object
        Where to write.

    Returns
    -------
    folder : Path
        To be given to `load_cremad`: ``AudioWAV`` and the list of clips.

    Notes
    -----
    91 actors times 82 clips are 7,462, of which the corpus lacks 20; which those are is made up but
    for the first 13, that actors 1002 (1), 1008 (6) and 1009 (6) lack.

    Examples
    --------
    >>> import tempfile
    >>> folder = make_cremad_like(tempfile.mkdtemp())
    >>> len(list((folder / "AudioWAV").iterdir()))
    7442
    """
    root = Path(folder)
    absent = {"1002_TIE_NEU_XX", "1019_TIE_NEU_XX"}
    for clip in ("1008_WSI", "1009_MTI", "1010_TIE"):
        absent |= {f"{clip}_{emotion}_XX" for emotion in EMOTIONS}
    clips = [clip for clip in _cremad_clips() if clip not in absent]
    for clip in clips:
        irregular = clip == "1040_ITH_SAD_XX"
        _write_tone(root / "AudioWAV" / f"{clip[:-1] if irregular else clip}.wav")
    table = [[str(number), clip] for number, clip in enumerate(clips, start=1)]
    _write_table(root / CLIP_LIST, ["Stimulus_Number", "Filename"], table)
    return root


@validate_arguments(FOLDER)
def make_compare2020_like(folder: str | os.PathLike[str]) -> Path:
    """Write a folder with the layout of USoMS-e: 87 speakers with three stories each.

    Parameters
    ----------
    folder : str or path object
        Where to write.

    Returns
    -------
    folder : Path
        To be given to `load_compare2020`.

    See Also
    --------
    make_stories : Stories that one can hear and learn from.

    Examples
    --------
    >>> import tempfile
    >>> folder = make_compare2020_like(tempfile.mkdtemp())
    >>> sorted(path.name for path in folder.iterdir())
    ['lab', 'wav']
    """
    root = Path(folder)
    rows = []
    for speaker in range(87):
        part = PARTITIONS[speaker // 29]
        name = f"{_letters(speaker)}{speaker % 28 + 1:02d}{speaker % 12 + 1:02d}"
        for story in range(3):
            codes = [list(LEVELS)[(speaker + story) % 3], list(LEVELS)[(speaker // 3 + story) % 3]]
            for chunk in range(2):
                audio = f"{part}_{len(rows) + 1:04d}.wav"
                _write_tone(root / "wav" / audio)
                text = f"Geschichte Nummer {story + 1}."
                rows.append([audio, f"{name}_st{story + 1}", part, *codes, text, str(chunk)])
    head = ["filename_audio", "filename_text", "partition", "V_cat", "A_cat", "hand_transcription"]
    _write_table(root / "lab" / "labels.csv", [*head, "chunk"], rows)
    return root


def _spread(counts: dict[str, int], scale: float) -> list[str]:
    """Codes by their counts, spread evenly along a list."""
    places = [
        ((k + 0.5) / n, code)
        for code, n in ((code, max(1, round(scale * n))) for code, n in counts.items())
        for k in range(n)
    ]
    return [code for _, code in sorted(places)]


def _cremad_clips() -> Iterator[str]:
    for actor in range(1001, 1092):
        for text in TEXTS:
            for emotion in EMOTIONS:
                graded = text == "IEO" and emotion != "NEU"
                for level in ("LO", "MD", "HI") if graded else ("XX",):
                    yield f"{actor}_{text}_{emotion}_{level}"


def _letters(number: int) -> str:
    return "".join(chr(ord("A") + number // 26**k % 26) for k in range(4))


@functools.cache
def _tone() -> bytes:
    tone = 0.1 * np.sin(2 * np.pi * 220 * np.arange(_RATE // 50) / _RATE)
    buffer = io.BytesIO()
    soundfile.write(buffer, tone, _RATE, format="WAV", subtype="PCM_16")
    return buffer.getvalue()


def _write_tone(path: Path) -> None:
    # Thousands of files share few folders: looking each time costs more than an error a folder.
    try:
        path.write_bytes(_tone())
    except FileNotFoundError:
        path.parent.mkdir(parents=True)
        path.write_bytes(_tone())


def _write_lines(path: Path, lines: Sequence[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def _write_table(path: Path, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([head, *rows])
