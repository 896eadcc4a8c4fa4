"""CMU-MOSEI: opinions of many speakers, a sentiment score and six emotions."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from emoest.datasets._corpora.mosi_tables import (
    HIGHEST,
    LOWEST,
    POLARITIES,
    SPLITS,
    TABLE,
    polarity_of,
    read_opinions,
)
from emoest.datasets._reading.bunch import (
    Target,
    check_target,
    make_bunch,
    target_columns,
)
from emoest.datasets._reading.csv_tables import read_label_table
from emoest.datasets._reading.files import CorpusFolder
from emoest.datasets._reading.record import CorpusRecord, register
from emoest.media.decoding.damage import decoder_errors
from emoest.media.decoding.limits import check_limit
from emoest.media.sources import AUDIO_SUFFIXES
from emoest.tables.cells import object_column
from emoest.utils._sklearn import StrOptions
from emoest.utils.constraints import DROP_UNLABELED, LOADER, validate_arguments
from emoest.utils.optional import import_optional

EMOTIONS = ("happy", "sad", "anger", "surprise", "disgust", "fear")
LABEL_FILE = "CMU_MOSEI_Labels.csd"
WORD_FILE = "CMU_MOSEI_TimestampedWords.csd"

_PAUSE = "sp"
_EMOTION_TARGET = "emotions"

MOSEI = register(
    CorpusRecord(
        name="mosei",
        title="CMU-MOSEI, Multimodal Opinion Sentiment and Emotion Intensity",
        labels={"polarity": POLARITIES, _EMOTION_TARGET: EMOTIONS},
        modalities=("text", "audio", "face"),
        n_speakers=None,
        splits=SPLITS,
        license="Videos of a public platform, distributed for academic research.",
        access="Through the authors' software kit or the public packs with a table of labels.",
        homepage="https://github.com/CMU-MultiComp-Lab/CMU-MultimodalSDK",
        citation=(
            "A. Zadeh, P. P. Liang, S. Poria, E. Cambria and L.-P. Morency, Multimodal Language "
            "Analysis in the Wild: CMU-MOSEI Dataset and Interpretable Dynamic Fusion Graph, ACL "
            "2018."
        ),
        notes=(
            "A video stands for its speaker, though a speaker may have several videos. Sizes of "
            "the partitions, from memory but for the first: 16,326 / 1,871 / 4,659 utterances. "
            "Emotions come with an intensity from 0 to 3; an emotion counts as present above 0, "
            "and several or none may be. Weighted accuracy of the literature is the mean of the "
            "two recalls per emotion."
        ),
        scores={"sentiment": (LOWEST, HIGHEST)},
        multilabel=(_EMOTION_TARGET,),
    )
)


@validate_arguments(LOADER, DROP_UNLABELED, annotations=[StrOptions({"table", "csd"})])
def load_mosei(
    folder: str | os.PathLike[str],
    *,
    target: Target = "sentiment",
    annotations: str = "table",
    drop_unlabeled: bool = False,
    strict: bool = False,
    return_X_y: bool = False,
) -> Any:
    r"""Load CMU-MOSEI from the table of the public packs, or from the authors' own files.

    Parameters
    ----------
    folder : str or path object
        Where the files lie; sub-folders are searched. No clip is opened.
    target : str or sequence of str, default="sentiment"
        ``"sentiment"``, a score from -3 to 3; ``"polarity"``, its sign as negative, neutral or
        positive; ``"emotions"``, a table of 0 and 1 with six columns, which needs
        ``annotations="csd"``. A sequence gives y as a DataFrame.
    annotations : {"table", "csd"}, default="table"
        ``"table"`` reads ``label.csv`` with clips ``Raw/<video_id>/<clip_id>.mp4``, as `load_mosi`
        does. ``"csd"`` reads ``CMU_MOSEI_Labels.csd`` (it needs h5py); words come from
        ``CMU_MOSEI_TimestampedWords.csd``, audio is a part of ``<video>.wav``, and the partitions
        come from a ``label.csv``, each where it is there. The two number the clips of a video
        differently, so that they are not joined clip by clip.
    drop_unlabeled : bool, default=False
        Whether rows of the table without a label are left out; otherwise it is NaN.
    strict : bool, default=False
        Whether a missing clip, text or audio file is an error; otherwise one warning says what is
        missing.
    return_X_y : bool, default=False
        Whether to return (X, y) instead of a Bunch.

    Returns
    -------
    bunch : Bunch, or tuple (X, y)
        ``data`` (X) has those of the columns ``text``, ``audio`` and ``face`` (paths; audio may be
        a part, ``video.wav#t=1.20,3.45``) that were found, and the context ``speaker`` (the video,
        also the index level ``group``) and, where it is known, ``split``; ``target`` (y) is a
        Series or DataFrame; further ``frame`` (with ``"csd"`` also ``start``, ``end`` and
        ``happy_intensity`` ...), ``groups``, ``splits`` (row positions of ``train``, ``valid`` and
        ``test``), ``record``, ``missing`` and ``DESCR``.

    Raises
    ------
    FileNotFoundError
        If the folder does not hold the annotations, or something is missing and `strict`.
    ImportError
        If h5py is needed and not installed.
    ValueError
        If a file is damaged or holds an unknown label, or the target is unknown or not in these
        annotations.

    Warns
    -----
    IncompleteCorpusWarning
        If something is missing.
    UnlabeledRowsWarning
        If rows of the table have no label; it counts them.

    References
    ----------
    A. Zadeh et al., CMU-MOSEI, ACL 2018.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "label.csv"
    >>> table = "video_id,clip_id,text,label,annotation,mode\naB3,2,Quite bad.,-1,Negative,test\n"
    >>> _ = path.write_text(table)
    >>> X, y = load_mosei(path.parent, target="polarity", return_X_y=True)
    >>> X["text"].item(), X["speaker"].item(), y.item()
    ('Quite bad.', 'aB3', 'negative')
    """
    check_target(target, MOSEI)
    files = CorpusFolder(folder, "CMU-MOSEI", strict)
    if annotations == "table" and _EMOTION_TARGET in target_columns(target):
        raise ValueError(
            f"target={target!r}: {TABLE} holds no emotions. Pass annotations='csd' and a folder "
            f"with {LABEL_FILE}."
        )
    if annotations == "table":
        if files.first(LABEL_FILE) and not files.first(TABLE):
            raise FileNotFoundError(
                f"{str(files.root)!r} holds {LABEL_FILE} but no {TABLE}. Pass annotations='csd' to "
                "read it."
            )
        frame, missing = read_opinions(files, target=target, drop_unlabeled=drop_unlabeled)
    else:
        frame, missing = _read_sequences(files)
    return make_bunch(
        frame,
        MOSEI,
        target=target,
        splits=SPLITS if "split" in frame else (),
        missing=missing,
        return_X_y=return_X_y,
    )


def _read_sequences(files: CorpusFolder) -> tuple[pd.DataFrame, list[str]]:
    """Read the authors' annotations, and what else of the corpus is there."""
    label_file, word_file, table_file = map(files.first, (LABEL_FILE, WORD_FILE, TABLE))
    if label_file is None:
        raise files.not_found("file of annotations", LABEL_FILE)
    frame = _read_labels(label_file)
    columns: dict[str, list[Any]] = {}
    if word_file is not None:
        columns["text"] = _read_texts(word_file, frame)
    audio = {path.stem: path for path in files.paths if path.suffix.lower() in AUDIO_SUFFIXES}
    if any(video in audio for video in frame["speaker"]):
        columns["audio"] = [
            # The authors' intervals may start below 0.
            f"{audio[video]}#t={max(0.0, start):.2f},{end:.2f}" if video in audio else None
            for video, start, end in zip(
                frame["speaker"], frame["start"], frame["end"], strict=True
            )
        ]
    missing = {
        name: [key for key, cell in zip(frame.index, cells, strict=True) if cell is None]
        for name, cells in columns.items()
    }
    for position, (name, cells) in enumerate(columns.items()):
        frame.insert(position, name, object_column(cells, frame.index))
    if table_file is not None:
        table = read_label_table(table_file, ("video_id", "mode"))
        split = frame["speaker"].map(dict(zip(table["video_id"], table["mode"], strict=True)))
        frame["split"] = split.astype(object).where(split.notna(), None)
        missing["partitions of videos"] = sorted(set(frame["speaker"][split.isna()]))
    return frame, files.report_missing(missing)


@contextmanager
def _opened(path: Path, root: str) -> Iterator[Any]:
    """Open a sequence of the kit; whatever a damaged file makes h5py raise names the file."""
    h5py = import_optional("h5py", extra="keras", purpose=f"Reading {path.name}")
    said = (
        f"is damaged or no file of the authors' kit with the sequence {root!r}. Download it again"
    )
    with decoder_errors(repr(str(path)), said), h5py.File(path, "r") as file:
        yield file[root]["data"]


def _values(path: Path, data: Any, video: str) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Values and times of a video, unless they would take more than the limit."""
    parts = data[video]["features"], data[video]["intervals"]
    size = sum(part.size * part.dtype.itemsize for part in parts)
    check_limit(size, "EMOEST_MAX_BYTES", f"{str(path)!r}: the video {video!r}")
    return np.asarray(parts[0]), np.asarray(parts[1])


def _read_labels(path: Path) -> pd.DataFrame:
    """Read ``(n, 7)`` values per video: sentiment, then the intensities of the emotions."""
    rows = []
    with _opened(path, "All Labels") as data:
        for video in data:
            values, intervals = _values(path, data, video)
            if values.ndim != 2 or values.shape[1] != 1 + len(EMOTIONS):
                raise ValueError(
                    f"{str(path)!r}: the video {video!r} has labels of shape {values.shape}, not "
                    f"(n, {1 + len(EMOTIONS)})."
                )
            for number, (value, (start, end)) in enumerate(zip(values, intervals, strict=True)):
                row = {"clip": f"{video}[{number}]", "speaker": video, "sentiment": value[0]}
                row |= {f"{name}_intensity": v for name, v in zip(EMOTIONS, value[1:], strict=True)}
                rows.append({**row, "start": float(start), "end": float(end)})
    frame = pd.DataFrame(rows).set_index("clip")
    frame["sentiment"] = frame["sentiment"].astype(float)
    frame["polarity"] = polarity_of(frame["sentiment"])
    for name in EMOTIONS:
        frame[name] = (frame[f"{name}_intensity"] > 0).astype(np.int8)
    return frame


def _read_texts(path: Path, frame: pd.DataFrame) -> list[str | None]:
    """Join the words whose middle lies within each clip; None where a video has no words."""
    texts: list[str | None] = []
    with _opened(path, "words") as data:
        for video, clips in frame.groupby("speaker", sort=False):
            if video not in data:
                texts += [None] * len(clips)
                continue
            features, intervals = _values(path, data, video)
            words = [word.decode() for word in features.ravel()]
            middle = intervals.mean(axis=1)
            for start, end in zip(clips["start"], clips["end"], strict=True):
                inside = np.flatnonzero((middle >= start) & (middle < end))
                texts.append(" ".join(words[i] for i in inside if words[i] != _PAUSE))
    return texts
