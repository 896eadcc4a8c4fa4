"""make_stories: a generated corpus with the schema of the elderly stories of ComParE 2020."""

import csv
import dataclasses
import hashlib
import json
import os
import uuid
from collections import Counter
from collections.abc import Mapping
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import soundfile

from emoest.datasets._generated.espeak import VOICES, espeak_version, speak
from emoest.datasets._generated.missing import missing_fractions
from emoest.datasets._generated.speech_synthesis import synthesize
from emoest.datasets._generated.story_plan import LEVELS, PARTITIONS, Chunk, Story, plan_stories
from emoest.datasets._reading.bunch import Target, check_target, make_bunch
from emoest.datasets._reading.record import CorpusRecord, register
from emoest.tables.cells import object_column
from emoest.utils._sklearn import Interval, StrOptions
from emoest.utils.constraints import (
    FOLDER,
    RANDOM_STATE,
    RETURN_X_Y,
    TARGET,
    VERBOSE,
    validate_arguments,
)
from emoest.utils.progress import progress
from emoest.utils.seeds import RandomState, spawn_seeds

# Part of the digest that names the folder: raise it when the same seed makes other bytes.
_GENERATOR_VERSION = 1
_MEDIA = ("audio", "text")

STORIES = register(
    CorpusRecord(
        name="stories",
        title="Generated stories with the schema of USoMS-e (ComParE 2020 Elderly)",
        labels={"valence": LEVELS, "arousal": LEVELS},
        codes={target: dict(zip("LMH", LEVELS, strict=True)) for target in ("valence", "arousal")},
        modalities=_MEDIA,
        n_speakers=87,
        splits=PARTITIONS,
        sizes={target: dict.fromkeys(LEVELS, 87) for target in ("valence", "arousal")},
        license="Generated; there is nobody to ask.",
        access="make_stories(folder) makes it, by default 87 speakers with three stories each.",
        homepage="None.",
        citation="None.",
        notes=(
            "An artificial voice that babbles vowels, or with voice='espeak' says the words, and "
            "sentences from a small stock. Prosody carries arousal alone, words carry valence "
            "alone. Scores on it say that a pipeline works, and nothing about people."
        ),
    )
)


@validate_arguments(
    FOLDER,
    TARGET,
    RETURN_X_Y,
    RANDOM_STATE,
    VERBOSE,
    n_speakers=[Interval(Integral, 3, None, closed="left")],
    n_stories=[Interval(Integral, 1, None, closed="left")],
    difficulty=[Interval(Real, 0, 1, closed="both")],
    missing=[Interval(Real, 0, 1, closed="both"), dict],
    chunk_seconds=[Interval(Real, 1, None, closed="left")],
    sampling_rate=[Interval(Integral, 8000, 48000, closed="both")],
    voice=[StrOptions({"formants", "espeak"})],
    language=[StrOptions(set(VOICES))],
)
def make_stories(
    folder: str | os.PathLike[str],
    *,
    n_speakers: int = 87,
    n_stories: int = 3,
    target: Target = ("valence", "arousal"),
    difficulty: float = 0.37,
    missing: float | Mapping[str, float] = 0.0,
    chunk_seconds: float = 5.0,
    sampling_rate: int = 16000,
    voice: str = "formants",
    language: str = "en",
    return_X_y: bool = False,
    random_state: RandomState = 0,
    verbose: int = 0,
) -> Any:
    """Make a corpus of spoken stories, with audio that one can play.

    Each speaker tells some stories. A story is three or four chunks of FLAC, a text of six to eight
    sentences, and a label low, medium or high for valence and for arousal. The audio comes
    from a small source-filter voice (glottal pulses and noise through formants) that babbles vowels
    and says no words: its pitch, pitch range, loudness, tempo, pauses and brightness carry arousal
    and nothing of valence. The words carry valence and nothing of arousal. Both labels are blurred
    by noise, partly shared by the stories of a speaker, and speakers differ in voice. Lengths of
    chunks and texts depend on neither label. In each partition the three labels of a target are
    equally frequent, and the two targets are drawn independently.

    Parameters
    ----------
    folder : str or path object
        Where to write. Each set of arguments gets a sub-folder of its own, ``stories-<digest>``,
        with ``wav/`` (the chunks), ``lab/labels.csv`` (the columns of the original's label file and
        the text) and a manifest. What is there already is not made again, and an interrupted call
        is resumed by the next one.
    n_speakers : int, default=87
        Number of speakers, at least three; a third each is train, devel and test.
    n_stories : int, default=3
        Stories of each speaker.
    target : str or sequence of str, default=("valence", "arousal")
        ``"valence"`` or ``"arousal"`` gives y as a Series, a sequence as a DataFrame.
    difficulty : float, default=0.37
        Fraction of noise: at 0 the labels can be told exactly but for the middle, at 1 not at all.
    missing : float or dict of str to float, default=0.0
        Fraction of the stories without audio and without text; a dict names that of ``"audio"``
        and of ``"text"``. As long as the fractions sum to 1 at the most, no story lacks both.
    chunk_seconds : float, default=5.0
        Mean duration of a chunk; they vary by a fifth. With ``voice="espeak"`` a chunk lasts as
        long as its words.
    sampling_rate : int, default=16000
        Rate in Hz.
    voice : {"formants", "espeak"}, default="formants"
        ``"formants"`` babbles vowels. ``"espeak"`` says the words through eSpeak NG (the extra
        ``espeak``, or the operating system's own), so that they can be transcribed: pitch, its
        range, tempo, gaps and loudness carry arousal as before, brightness does not.
    language : {"en", "de", "zh"}, default="en"
        Of the sentences.
    return_X_y : bool, default=False
        Whether to return (X, y) instead of a Bunch.
    random_state : int, RandomState instance or None, default=0
        The same int makes the same corpus, byte by byte.
    verbose : int, default=0
        Above 0 progress is shown.

    Returns
    -------
    bunch : Bunch, or tuple (X, y)
        ``data`` (X) has the columns ``audio`` (a list of paths, or None), ``text`` (str, or None),
        ``speaker``, which is also the index level ``group``, and ``split``; ``target`` (y) is a
        Series or DataFrame; further ``frame``, ``groups``, ``splits`` (row positions of ``train``,
        ``devel`` and ``test``, whose speakers differ), ``record``, ``missing`` (empty) and
        ``DESCR``.

    Raises
    ------
    ValueError
        If a target or a modality is unknown, or a fraction is not between 0 and 1.
    ImportError
        If eSpeak NG is asked for and not installed.

    Notes
    -----
    The layout (87 speakers, three stories, partitions of 29 speakers, names ``AAAADDMM_stN``) is
    that of USoMS-e, the corpus of the Elderly Emotion sub-challenge of ComParE 2020; the contents
    are not. The default difficulty was set on seeds 100 to 103.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> X, y = make_stories(folder, n_speakers=3, n_stories=1, chunk_seconds=1.0, return_X_y=True)
    >>> list(X.columns), X["split"].tolist(), list(y.columns)
    (['audio', 'text', 'speaker', 'split'], ['train', 'devel', 'test'], ['valence', 'arousal'])
    """
    check_target(target, STORIES)
    fractions = missing_fractions(missing, _MEDIA)
    plan_seed, missing_seed = spawn_seeds(random_state, 2)
    plan = {
        # Plain numbers: numpy's own are no JSON, and would give equal arguments another digest.
        "n_speakers": int(n_speakers),
        "n_stories": int(n_stories),
        "difficulty": float(difficulty),
        "chunk_seconds": float(chunk_seconds),
    }
    stories = plan_stories(plan_seed, language=language, **plan)
    parameters = {
        **plan,
        "generator_version": _GENERATOR_VERSION,
        "seed": plan_seed,
        "sampling_rate": int(sampling_rate),
    }
    # What is usual is left out, so that corpora made before there was a choice are found again.
    if voice == "espeak":
        parameters |= {"voice": voice, "espeak_version": espeak_version()}
    if language != "en":
        parameters |= {"language": language}
    root = Path(folder).expanduser() / f"stories-{_digest(parameters)}"
    _write_corpus(root, stories, parameters, verbose)
    frame = _frame(root, stories)
    for name, rows in _missing_rows(fractions, len(frame), missing_seed).items():
        cells = [None if i in rows else cell for i, cell in enumerate(frame[name])]
        frame[name] = object_column(cells, frame.index)
    record = dataclasses.replace(
        STORIES,
        n_speakers=int(n_speakers),
        sizes={name: dict(Counter(frame[name])) for name in STORIES.targets},
    )
    return make_bunch(frame, record, target=target, splits=PARTITIONS, return_X_y=return_X_y)


def _digest(parameters: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(parameters, sort_keys=True).encode()).hexdigest()[:12]


def _missing_rows(fractions: dict[str, float], n_rows: int, seed: int) -> dict[str, set[int]]:
    """Rows that lack each modality: from both ends of one order, so that few lack both."""
    order = np.random.RandomState(seed).permutation(n_rows).tolist()
    audio, text = (round(fractions[name] * n_rows) for name in _MEDIA)
    return {"audio": set(order[:audio]), "text": set(order[n_rows - text :])}


def _frame(root: Path, stories: list[Story]) -> pd.DataFrame:
    index = pd.Index([story.name for story in stories], name="story")
    paths = [[str(root / "wav" / chunk.name) for chunk in story.chunks] for story in stories]
    return pd.DataFrame(
        {
            "audio": object_column(paths, index),
            "text": object_column([story.text for story in stories], index),
            "speaker": [story.speaker for story in stories],
            "split": [story.partition for story in stories],
            "valence": [story.valence for story in stories],
            "arousal": [story.arousal for story in stories],
        },
        index=index,
    )


def _write_corpus(
    root: Path, stories: list[Story], parameters: dict[str, Any], verbose: int
) -> None:
    """Write what is not there; the manifest comes last and tells a whole corpus."""
    chunks = [chunk for story in stories for chunk in story.chunks]
    sizes = _read_sizes(root)
    waiting = [chunk for chunk in chunks if not _is_there(root / "wav" / chunk.name, sizes)]
    if sizes is not None and not waiting:
        return
    (root / "wav").mkdir(parents=True, exist_ok=True)
    begun = len(chunks) - len(waiting)
    with progress(len(chunks), "stories", verbose, initial=begun, unit="chunk") as bar:
        for chunk in waiting:
            _write_chunk(root / "wav" / chunk.name, chunk, parameters)
            bar.update()
    _write_labels(root / "lab" / "labels.csv", stories)
    files = {chunk.name: (root / "wav" / chunk.name).stat().st_size for chunk in chunks}
    manifest = json.dumps({**parameters, "files": files}, indent=1)
    _replace(root / "manifest.json", manifest.encode())


def _read_sizes(root: Path) -> dict[str, int] | None:
    """Sizes of the files of a finished corpus, or None where there is none."""
    try:
        manifest = json.loads((root / "manifest.json").read_text(encoding="utf-8"))
        return {str(name): int(size) for name, size in manifest["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _is_there(path: Path, sizes: dict[str, int] | None) -> bool:
    """A chunk is renamed into place when it is whole; later damage shows in its size."""
    try:
        size = path.stat().st_size
    except OSError:
        return False
    return size > 0 if sizes is None else size == sizes.get(path.name)


def _write_chunk(path: Path, chunk: Chunk, parameters: dict[str, Any]) -> None:
    sampling_rate = parameters["sampling_rate"]
    if "voice" in parameters:
        language = parameters.get("language", "en")
        signal = speak(chunk.text, chunk.prosody, language, sampling_rate)
    else:
        generator = np.random.RandomState(chunk.seed)
        signal = synthesize(chunk.prosody, chunk.seconds, sampling_rate, generator)
    temporary = _temporary(path)
    try:
        _write_flac(temporary, signal, sampling_rate)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _write_flac(path: Path, signal: npt.NDArray[np.float32], sampling_rate: int) -> None:
    soundfile.write(path, signal, sampling_rate, format="FLAC", subtype="PCM_16")


def _write_labels(path: Path, stories: list[Story]) -> None:
    """One line a chunk, with the column names of the original's label file."""
    rows = [
        {
            "filename_audio": chunk.name,
            "filename_text": story.name,
            "partition": story.partition,
            "V_cat": story.valence[0].upper(),
            "A_cat": story.arousal[0].upper(),
            "V_cat_no": LEVELS.index(story.valence),
            "A_cat_no": LEVELS.index(story.arousal),
            "text": story.text,
        }
        for story in stories
        for chunk in story.chunks
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary(path)
    with open(temporary, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    temporary.replace(path)


def _replace(path: Path, content: bytes) -> None:
    temporary = _temporary(path)
    temporary.write_bytes(content)
    temporary.replace(path)


def _temporary(path: Path) -> Path:
    # Two processes, or two threads of one, may write the same file at once.
    return path.with_name(f".{path.name}.{os.getpid()}-{uuid.uuid4().hex}.tmp")
