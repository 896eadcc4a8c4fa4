"""USoMS-e: the spoken stories of the Elderly Emotion sub-challenge of ComParE 2020."""

import csv
import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

from emoest.datasets._reading.bunch import Target, check_target, make_bunch
from emoest.datasets._reading.files import CorpusFolder
from emoest.datasets._reading.record import CorpusRecord, register
from emoest.datasets._reading.rows import handle_unlabeled, read_lines
from emoest.media.sources import AUDIO_SUFFIXES
from emoest.tables.cells import object_column
from emoest.utils._sklearn import StrOptions
from emoest.utils.constraints import DROP_UNLABELED, LOADER, validate_arguments

LEVELS = {"L": "low", "M": "medium", "H": "high"}
PARTITIONS = ("train", "devel", "test")
UNLABELED = ("", "?")
TRANSCRIPTS = ("hand_transcription", "machine_transcription", "machine_translation", "text")

_COLUMNS = ("filename_audio", "filename_text", "partition", "V_cat", "A_cat")
_STORY = re.compile(r"(?P<speaker>[A-Z]{4}\d{4})_st\d+")
_N_STORIES = 87

COMPARE2020 = register(
    CorpusRecord(
        name="compare2020",
        title="USoMS-e, Elderly Emotion sub-challenge of ComParE 2020",
        labels={"valence": tuple(LEVELS.values()), "arousal": tuple(LEVELS.values())},
        codes={"valence": LEVELS, "arousal": LEVELS},
        modalities=("audio", "text"),
        n_speakers=87,
        splits=PARTITIONS,
        n_samples=dict.fromkeys(PARTITIONS, _N_STORIES),
        license="End user license agreement of the University of Augsburg; no redistribution.",
        access="On request from the organizers of the challenge.",
        homepage="http://www.compare.openaudio.eu/",
        citation=(
            "B. W. Schuller et al., The INTERSPEECH 2020 Computational Paralinguistics Challenge: "
            "Elderly Emotion, Breathing & Masks, Interspeech 2020."
        ),
        notes=(
            "Three stories each of 87 speakers; 29 speakers and 87 stories in each partition. A "
            "story is several audio files with one label. Sizes per class are unknown to emoest. "
            "That L, M, H mean low, medium and high is inferred. The labels of the test partition "
            "may be withheld."
        ),
    )
)


@validate_arguments(LOADER, DROP_UNLABELED, transcript=[StrOptions(set(TRANSCRIPTS)), None])
def load_compare2020(
    folder: str | os.PathLike[str],
    *,
    target: Target = ("valence", "arousal"),
    transcript: str | None = None,
    drop_unlabeled: bool = False,
    strict: bool = False,
    return_X_y: bool = False,
) -> Any:
    """Load the stories of USoMS-e: lists of audio files, transcripts, partitions and labels.

    Parameters
    ----------
    folder : str or path object
        The folder with ``lab/labels.csv`` and the audio files, which are found by name in any
        sub-folder and not opened. The label file has one line a audio file and the columns
        ``filename_audio``, ``filename_text`` (the story, ``ALBI1101_st1``), ``partition``,
        ``V_cat`` and ``A_cat`` (L, M, H).
    target : str or sequence of str, default=("valence", "arousal")
        ``"valence"`` or ``"arousal"`` gives y as a Series, a sequence as a DataFrame.
    transcript : str, default=None
        The column of texts: ``"hand_transcription"``, ``"machine_transcription"``,
        ``"machine_translation"`` or ``"text"``, in the label file or in another csv file of the
        folder that has ``filename_text``. None takes the first of them that is there; where the
        release keeps them is unknown to emoest.
    drop_unlabeled : bool, default=False
        Whether stories without a label (``?`` or empty, as in a withheld test partition) are left
        out; a warning counts them either way.
    strict : bool, default=False
        Whether missing audio files, texts or stories are an error; otherwise one warning says what
        is missing.
    return_X_y : bool, default=False
        Whether to return (X, y) instead of a Bunch.

    Returns
    -------
    bunch : Bunch, or tuple (X, y)
        ``data`` (X) has the columns ``audio`` (a list of paths, in the order of their names),
        ``text`` (str or None), ``speaker`` (the story's name without its number), which is also
        the index level ``group``, and ``split``; ``target`` (y) is a Series or DataFrame; further
        ``frame``, ``groups``, ``splits`` (row positions of ``train``, ``devel`` and ``test``),
        ``record``, ``missing``, ``n_unlabeled`` and ``DESCR``.

    Raises
    ------
    FileNotFoundError
        If there is no label file, or something is missing and `strict`.
    ValueError
        If the label file lacks a column, holds an unknown code, gives one story two labels or
        partitions, or if a speaker is in two partitions.

    Warns
    -----
    IncompleteCorpusWarning
        If something is missing.
    UnlabeledRowsWarning
        If stories have no label.

    References
    ----------
    B. W. Schuller et al., Interspeech 2020.

    Examples
    --------
    >>> import tempfile
    >>> from emoest.datasets import make_compare2020_like
    >>> folder = make_compare2020_like(tempfile.mkdtemp())
    >>> X, y = load_compare2020(folder, return_X_y=True)
    >>> X.shape, X["split"].value_counts().to_dict()
    ((261, 4), {'train': 87, 'devel': 87, 'test': 87})
    """
    check_target(target, COMPARE2020)
    files = CorpusFolder(folder, "USoMS-e", strict)
    label_file = files.first("labels.csv")
    if label_file is None:
        raise files.not_found("label file", "'lab/labels.csv'")
    lines = _read_table(label_file)
    _check_columns(lines, label_file)
    frame = _stories(lines, label_file)
    audio = {p.name: str(p) for p in files.paths if p.suffix.lower() in AUDIO_SUFFIXES}
    chunks = {story: sorted(names) for story, names in frame.pop("chunks").items()}
    present = [[audio[c] for c in chunks[story] if c in audio] or None for story in frame.index]
    frame.insert(0, "audio", object_column(present, frame.index))
    others = sorted(p for p in files.paths if p.suffix == ".csv" and p != label_file)
    texts = _read_texts([label_file, *others], transcript)
    frame.insert(1, "text", object_column([texts.get(s) for s in frame.index], frame.index))
    counts = Counter(frame["split"])
    missing = {
        "audio files": [name for names in chunks.values() for name in names if name not in audio],
        "texts": list(frame.index[frame["text"].isna()]),
        "stories": [
            f"{_N_STORIES - counts[part]} of {_N_STORIES} of {part}"
            for part in PARTITIONS
            if counts[part] < _N_STORIES
        ],
    }
    names = files.report_missing(missing)
    frame, n_unlabeled = handle_unlabeled(frame, target, drop=drop_unlabeled, corpus="USoMS-e")
    return make_bunch(
        frame,
        COMPARE2020,
        target=target,
        splits=PARTITIONS,
        missing=names,
        n_unlabeled=n_unlabeled,
        return_X_y=return_X_y,
    )


def _read_table(path: Path) -> list[dict[str, str]]:
    lines = read_lines(path)
    # A text in the table may hold commas; the head line holds separators only.
    delimiter = ";" if lines and lines[0].count(";") > lines[0].count(",") else ","
    return list(csv.DictReader(lines, delimiter=delimiter))


def _check_columns(lines: list[dict[str, str]], path: Path) -> None:
    known = list(lines[0]) if lines else []
    lacking = [column for column in _COLUMNS if column not in known]
    if lacking:
        raise ValueError(
            f"The label file {str(path)!r} lacks the columns {', '.join(lacking)}; it has "
            f"{', '.join(known) or 'no rows'}."
        )


def _stories(lines: list[dict[str, str]], path: Path) -> pd.DataFrame:
    """One row a story; the lines of a story must agree."""
    stories: dict[str, dict[str, Any]] = {}
    # Line 1 is the head of the table.
    for number, line in enumerate(lines, start=2):
        name = line["filename_text"].removesuffix(".txt")
        match = _STORY.fullmatch(name)
        where = f"Line {number} of {str(path)!r}"
        if match is None:
            raise ValueError(f"{where} names the story {name!r}; names look like 'ALBI1101_st1'.")
        if line["partition"] not in PARTITIONS:
            raise ValueError(
                f"{where} has the unknown partition {line['partition']!r}; known are "
                f"{', '.join(PARTITIONS)}."
            )
        row = {
            "speaker": match["speaker"],
            "split": line["partition"],
            "valence": _level(line["V_cat"], "V_cat", where),
            "arousal": _level(line["A_cat"], "A_cat", where),
        }
        story = stories.setdefault(name, {**row, "chunks": []})
        if any(story[key] != value for key, value in row.items()):
            raise ValueError(f"{where} contradicts another line of the story {name!r}.")
        story["chunks"].append(line["filename_audio"])
    frame = pd.DataFrame.from_dict(stories, orient="index").rename_axis("story")
    mixed = frame.groupby("speaker")["split"].nunique()
    if (mixed > 1).any():
        raise ValueError(f"The speaker {mixed.idxmax()!r} is in two partitions of {str(path)!r}.")
    return frame


def _level(code: str, column: str, where: str) -> str | None:
    if code in UNLABELED:
        return None
    if code not in LEVELS:
        raise ValueError(
            f"{where} has the unknown {column} code {code!r}; known are {', '.join(LEVELS)}, and "
            "'?' for a withheld label."
        )
    return LEVELS[code]


def _read_texts(tables: list[Path], transcript: str | None) -> dict[str, str]:
    """Texts by story, from the first table that has the column."""
    wanted = TRANSCRIPTS if transcript is None else (transcript,)
    for path in tables:
        lines = _read_table(path)
        known = set(lines[0]) if lines else set()
        column = next((name for name in wanted if name in known), None)
        if column is not None and "filename_text" in known:
            pairs = ((line["filename_text"].removesuffix(".txt"), line[column]) for line in lines)
            return {story: text for story, text in pairs if text}
    return {}
