"""CMU-MOSI as vectors per utterance, those of the bc-LSTM paper."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from emoest.datasets._corpora.mosi import LICENSE
from emoest.datasets._reading.bunch import Target, check_target, make_bunch
from emoest.datasets._reading.csv_tables import read_label_table
from emoest.datasets._reading.files import CorpusFolder
from emoest.datasets._reading.npz import NpzFile
from emoest.datasets._reading.record import CorpusRecord, register
from emoest.tables.cells import object_column
from emoest.utils._sklearn import StrOptions
from emoest.utils.constraints import LOADER, validate_arguments
from emoest.utils.warn import warn_user

FEATURES = {"text": ("cnn", 100), "audio": ("opensmile", 73), "face": ("cnn3d", 100)}
_PARTS = ("train", "test")
_ARCHIVE_NAMES = {"text": "text", "audio": "audio", "face": "video"}
_TRANSCRIPTS = "transcripts.csv"
_COLUMNS = ("utterance", "text", "speaker", "label")
_BINARY = ("negative", "positive")

MOSI_FEATURES = register(
    CorpusRecord(
        name="mosi_features",
        title="CMU-MOSI, vectors per utterance of the bc-LSTM paper",
        labels={"polarity": _BINARY},
        codes={"polarity": {"0": "negative", "1": "positive"}},
        modalities=("text", "audio", "face"),
        n_speakers=93,
        splits=_PARTS,
        sizes={"polarity": {"negative": 1023, "positive": 1176}},
        split_sizes={
            "train": {"negative": 738, "positive": 709},
            "test": {"negative": 285, "positive": 467},
        },
        n_samples={"train": 1447, "test": 752},
        license=f"Repository MIT. {LICENSE}",
        access="Free download.",
        homepage="https://github.com/declare-lab/multimodal-deep-learning",
        citation=(
            "S. Poria, E. Cambria, D. Hazarika, N. Majumder, A. Zadeh and L.-P. Morency, "
            "Context-Dependent Sentiment Analysis in User-Generated Videos, ACL 2017."
        ),
        notes=(
            "The text and face vectors were learned on the labels of the training part: "
            "cross-validation inside it leaks (a grouped linear SVM reaches 97.6 and 90.8 % "
            "accuracy on text and face), so that only results on the test part mean anything. "
            "Sentiment, not emotion. A video stands for its speaker; the parts share no video."
        ),
    )
)


@validate_arguments(LOADER, content=[StrOptions({"features", "transcript"})])
def load_mosi_features(
    folder: str | os.PathLike[str],
    *,
    target: Target = "polarity",
    content: str = "features",
    strict: bool = False,
    return_X_y: bool = False,
) -> Any:
    """Load the vectors per utterance of CMU-MOSI that the bc-LSTM paper published.

    The text and face vectors were learned on the labels of the training part. Any score from
    cross-validation inside that part is leakage, and the loader warns of it; train on ``train`` and
    test on ``test``, or take the transcripts.

    Parameters
    ----------
    folder : str or path object
        A clone of the authors' repository, or its ``bc-LSTM/data``: ``transcripts.csv``,
        ``text_train.csv`` (whose first column is a row of the transcripts) and a table of each
        modality, ``audio/audio_train0.csv``, with a row an utterance and the label last. Or else
        archives ``mosi_*.npz`` with the arrays ``train_text``, ``train_audio``, ``train_video``,
        ``train_y``, ``train_video_id``, ``train_utt_no`` and ``train_transcript``. The same for
        ``test``; sub-folders are searched.
    target : str or sequence of str, default="polarity"
        ``"polarity"``, negative or positive.
    content : {"features", "transcript"}, default="features"
        Whether X holds the vectors, or the words, which nothing was learned on.
    strict : bool, default=False
        Whether a missing part is an error; otherwise one warning names it.
    return_X_y : bool, default=False
        Whether to return (X, y) instead of a Bunch.

    Returns
    -------
    bunch : Bunch, or tuple (X, y)
        ``data`` (X) has numeric columns ``text__cnn_0000`` ... (100), ``audio__opensmile_0000`` ...
        (73) and ``face__cnn3d_0000`` ... (100), or the one column ``text``, and the context
        ``speaker`` (the video, also the index level ``group``) and ``split``; ``target`` (y) is a
        Series; further ``frame``, ``groups``, ``splits`` (row positions), ``record``, ``missing``
        and ``DESCR``. The utterances of a video stand together, in their order.

    Raises
    ------
    FileNotFoundError
        If the folder holds neither, a table of a modality is missing, or a part and `strict`.
    ValueError
        If an archive or table is damaged, or the target is unknown.

    Warns
    -----
    IncompleteCorpusWarning
        If a part is missing.
    UserWarning
        That the vectors of the training part were learned on its labels.

    References
    ----------
    S. Poria et al., Context-Dependent Sentiment Analysis in User-Generated Videos, ACL 2017.
    """
    check_target(target, MOSI_FEATURES)
    files = CorpusFolder(folder, "CMU-MOSI (features)", strict)
    parts = _read_archives(files, content) or _read_tables(files, content)
    if not parts:
        looked_for = "archives mosi_*.npz with an array train_y or test_y, or transcripts.csv"
        raise files.not_found("vector", looked_for)
    if "train" in parts and content == "features":
        warn_user(
            "The text and face vectors were learned on the labels of the part 'train': scores from "
            "cross-validation inside it are leakage. Test on the part 'test', or pass "
            "content='transcript'."
        )
    missing = {"parts": [part for part in _PARTS if part not in parts]}
    return make_bunch(
        pd.concat([parts[part] for part in _PARTS if part in parts]),
        MOSI_FEATURES,
        target=target,
        splits=parts,
        missing=files.report_missing(missing),
        return_X_y=return_X_y,
    )


def _read_archives(files: CorpusFolder, content: str) -> dict[str, pd.DataFrame]:
    parts: dict[str, pd.DataFrame] = {}
    for path in files.paths:
        if path.name.startswith("mosi_") and path.suffix == ".npz":
            arrays = NpzFile(path)
            for part in _PARTS:
                if f"{part}_y" in arrays.files:
                    parts.setdefault(part, _part(part, _arrays(part, arrays, path), content))
    return parts


def _arrays(part: str, arrays: NpzFile, path: Path) -> dict[str, Any]:
    """The arrays of one part of an archive."""
    names = [*_ARCHIVE_NAMES.values(), "y", "video_id", "utt_no", "transcript"]
    absent = [name for name in names if f"{part}_{name}" not in arrays.files]
    if absent:
        raise ValueError(
            f"{str(path)!r} has no array {f'{part}_{absent[0]}'!r}; it has {arrays.files}."
        )
    read = {name: arrays[f"{part}_{name}"] for name in names}
    lengths = {name: len(values) for name, values in read.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"{str(path)!r} has arrays of different lengths: {lengths}.")
    return read


def _read_tables(files: CorpusFolder, content: str) -> dict[str, pd.DataFrame]:
    """Read the authors' tables: of each modality and part a row an utterance, the label last."""
    for path in files.paths:
        if path.name == _TRANSCRIPTS:
            found = [part for part in _PARTS if (path.parent / f"text_{part}.csv").exists()]
            if found:
                table = read_label_table(path, _COLUMNS, header=False, strict=files.strict)
                return {part: _part(part, _rows(part, path, table), content) for part in found}
    return {}


def _rows(part: str, path: Path, transcripts: pd.DataFrame) -> dict[str, Any]:
    """The rows of one part of the authors' tables, as an archive has them."""
    places = _numbers(path.parent / f"text_{part}.csv", usecols=[0])[:, 0].astype(int)
    if places.min() < 0 or places.max() >= len(transcripts):
        raise ValueError(
            f"{str(path)!r} has {len(transcripts)} rows, and 'text_{part}.csv' names row "
            f"{places.max()}. Copy both files again."
        )
    own = transcripts.iloc[places]
    videos = own["utterance"].str.rpartition("_")
    read: dict[str, Any] = {
        "y": own["label"].astype(int).to_numpy(),
        "video_id": videos[0].to_numpy(),
        "utt_no": videos[2].astype(int).to_numpy(),
        "transcript": own["text"].to_numpy(),
    }
    for name, width in ((_ARCHIVE_NAMES[key], size) for key, (_, size) in FEATURES.items()):
        table = path.parent / name / f"{name}_{part}0.csv"
        if not table.exists():
            raise FileNotFoundError(f"The table {str(table)!r} is not there. Copy it as well.")
        values = _numbers(table)
        if values.shape != (len(own), width + 1) or (values[:, -1] != read["y"]).any():
            raise ValueError(
                f"{str(table)!r} has {len(values)} rows of {values.shape[1]} numbers, or other "
                f"labels than {_TRANSCRIPTS!r}: expected {len(own)} rows of {width} numbers and "
                "the label. Copy the official file again."
            )
        read[name] = values[:, :-1].astype(np.float32)
    return read


def _numbers(path: Path, **options: Any) -> Any:
    try:
        return pd.read_csv(path, header=None, **options).to_numpy(dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"{str(path)!r} is no table of numbers ({error}). Copy the official file again."
        ) from error


def _part(part: str, read: dict[str, Any], content: str) -> pd.DataFrame:
    videos = pd.Series(read["video_id"]).astype(str)
    numbers = pd.Series(read["utt_no"])
    index = pd.Index(videos + "_" + numbers.astype(str), name="utterance")
    blocks: list[pd.DataFrame] = []
    if content == "transcript":
        texts = object_column([str(text) for text in read["transcript"]], index)
        blocks.append(pd.DataFrame({"text": texts}, index=index))
    for name, (stem, _) in FEATURES.items() if content == "features" else ():
        values = read[_ARCHIVE_NAMES[name]]
        columns = [f"{name}__{stem}_{i:04d}" for i in range(values.shape[1])]
        blocks.append(pd.DataFrame(values, index=index, columns=columns))
    rest = {
        "speaker": videos.to_numpy(),
        "split": part,
        "polarity": np.asarray(_BINARY, dtype=object)[read["y"].astype(int)],
    }
    frame = pd.concat([*blocks, pd.DataFrame(rest, index=index)], axis=1)
    # Context models need the utterances of a video together and in their order.
    first = videos.map({video: i for i, video in enumerate(dict.fromkeys(videos))})
    return frame.iloc[np.lexsort((numbers, first))]
