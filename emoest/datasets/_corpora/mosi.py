"""CMU-MOSI: opinions on films, a sentiment score for each utterance."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from emoest.datasets._corpora.mosi_tables import (
    HIGHEST,
    LOWEST,
    POLARITIES,
    SPLITS,
    read_opinions,
)
from emoest.datasets._reading.bunch import Target, check_target, make_bunch
from emoest.datasets._reading.files import CorpusFolder
from emoest.datasets._reading.record import CorpusRecord, register
from emoest.tables.cells import object_column
from emoest.utils._sklearn import StrOptions
from emoest.utils.constraints import DROP_UNLABELED, LOADER, validate_arguments
from emoest.utils.warn import warn_user

_CITATION = (
    "A. Zadeh, R. Zellers, E. Pincus and L.-P. Morency, MOSI: Multimodal Corpus of Sentiment "
    "Intensity and Subjectivity Analysis in Online Opinion Videos, arXiv:1606.06259, 2016."
)
_LICENSE = "Videos of a public platform, distributed for academic research."
_HOMEPAGE = "https://github.com/CMU-MultiComp-Lab/CMU-MultimodalSDK"

MOSI = register(
    CorpusRecord(
        name="mosi",
        title="CMU-MOSI, Multimodal Opinion-level Sentiment Intensity",
        labels={"polarity": POLARITIES},
        modalities=("text", "audio", "face"),
        n_speakers=93,
        splits=SPLITS,
        license=_LICENSE,
        access="Through the authors' software kit or the public packs with a table of labels.",
        homepage=_HOMEPAGE,
        citation=_CITATION,
        notes=(
            "A video stands for its speaker. Sizes of the partitions, from memory: 1,284 / 229 / "
            "686 utterances, 2,199 in all. The polarity is the table's own annotation."
        ),
        scores={"sentiment": (LOWEST, HIGHEST)},
    )
)

FEATURES = {"text": ("cnn", 100), "audio": ("opensmile", 73), "face": ("cnn3d", 100)}
_PARTS = ("train", "test")
_ARCHIVE_NAMES = {"text": "text", "audio": "audio", "face": "video"}
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
        license=f"Repository MIT. {_LICENSE}",
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


@validate_arguments(LOADER, DROP_UNLABELED)
def load_mosi(
    folder: str | os.PathLike[str],
    *,
    target: Target = "sentiment",
    drop_unlabeled: bool = False,
    strict: bool = False,
    return_X_y: bool = False,
) -> Any:
    r"""Load CMU-MOSI from the table of labels that the public packs have.

    Parameters
    ----------
    folder : str or path object
        Where ``label.csv`` lies (columns ``video_id``, ``clip_id``, ``text``, ``label``,
        ``annotation`` and ``mode``; more do no harm); sub-folders are searched. Clips
        ``Raw/<video_id>/<clip_id>.mp4`` are found next to it, and audio files of the same name. No
        clip is opened.
    target : str or sequence of str, default="sentiment"
        ``"sentiment"``, a score from -3 to 3, or ``"polarity"``, its annotation as negative,
        neutral or positive; a sequence gives y as a DataFrame.
    drop_unlabeled : bool, default=False
        Whether rows without a label are left out; otherwise their label is NaN.
    strict : bool, default=False
        Whether a missing clip is an error; otherwise one warning says what is missing. A copy
        without any clip is the text corpus, and lacks nothing.
    return_X_y : bool, default=False
        Whether to return (X, y) instead of a Bunch.

    Returns
    -------
    bunch : Bunch, or tuple (X, y)
        ``data`` (X) has the columns ``text``, with clips also ``face`` (paths of the videos) and
        with audio files ``audio``, and the context ``speaker`` (the video, also the index level
        ``group``) and ``split``; ``target`` (y) is a Series or DataFrame; further ``frame``,
        ``groups``, ``splits`` (row positions of ``train``, ``valid`` and ``test``), ``record``,
        ``missing`` and ``DESCR``.

    Raises
    ------
    FileNotFoundError
        If the folder does not hold the table, or a clip is missing and `strict`.
    ValueError
        If the table is damaged or holds an unknown label, or the target is unknown.

    Warns
    -----
    IncompleteCorpusWarning
        If clips are missing.
    UnlabeledRowsWarning
        If rows have no label; it counts them.

    See Also
    --------
    load_mosi_features : Ready-made vectors of the same utterances.
    make_mosi_sequences : Generated data of this kind.

    References
    ----------
    A. Zadeh et al., MOSI, arXiv:1606.06259, 2016.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "label.csv"
    >>> table = "video_id,clip_id,text,label,annotation,mode\naB3,2,NICE FILM,2.4,Positive,train\n"
    >>> _ = path.write_text(table)
    >>> X, y = load_mosi(path.parent, return_X_y=True)
    >>> X["text"].item(), X["speaker"].item(), y.item()
    ('NICE FILM', 'aB3', 2.4)
    """
    check_target(target, MOSI)
    files = CorpusFolder(folder, "CMU-MOSI", strict)
    frame, missing = read_opinions(files, target=target, drop_unlabeled=drop_unlabeled)
    return make_bunch(
        frame, MOSI, target=target, splits=SPLITS, missing=missing, return_X_y=return_X_y
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
        Where the archives ``mosi_*.npz`` lie, with the arrays ``train_text``, ``train_audio``,
        ``train_video``, ``train_y``, ``train_video_id``, ``train_utt_no`` and
        ``train_transcript``, and the same for ``test``; sub-folders are searched.
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
        If the folder holds no such archive, or lacks a part and `strict`.
    ValueError
        If an archive is damaged, or the target is unknown.

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
    parts = _read_archives(files, content)
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
            with np.load(path, allow_pickle=False) as arrays:
                for part in _PARTS:
                    if f"{part}_y" in arrays.files:
                        parts.setdefault(part, _part(part, arrays, path, content))
    if not parts:
        looked_for = "archives mosi_*.npz with an array train_y or test_y"
        raise files.not_found("vector", looked_for)
    return parts


def _part(part: str, arrays: Any, path: Path, content: str) -> pd.DataFrame:
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
