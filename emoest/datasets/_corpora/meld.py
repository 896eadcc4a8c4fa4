"""MELD: dialogues of a television series, seven emotions and three sentiments."""

import functools
import os
from pathlib import Path
from typing import Any

import pandas as pd

from emoest.datasets._reading.bunch import Target, check_target, make_bunch
from emoest.datasets._reading.csv_tables import missing_tables, read_label_table, read_labels
from emoest.datasets._reading.files import CorpusFolder, add_clips
from emoest.datasets._reading.record import CorpusRecord, count_partitions, register
from emoest.datasets._reading.rows import handle_unlabeled
from emoest.tables.cells import object_column
from emoest.utils.constraints import DROP_UNLABELED, LOADER, validate_arguments

EMOTIONS = ("neutral", "joy", "sadness", "anger", "surprise", "fear", "disgust")
SENTIMENTS = ("positive", "neutral", "negative")
TABLES = {
    "train": "train_sent_emo.csv",
    "dev": "dev_sent_emo.csv",
    "test": "test_sent_emo.csv",
}
VIDEO_FOLDERS = {
    "train": "train_splits",
    "dev": "dev_splits_complete",
    "test": "output_repeated_splits_test",
}
N_EMOTIONS = {
    "train": (4710, 1743, 683, 1109, 1205, 268, 271),
    "dev": (470, 163, 111, 153, 150, 40, 22),
    "test": (1256, 402, 208, 345, 281, 50, 68),
}

_COLUMNS = (
    "Utterance",
    "Speaker",
    "Emotion",
    "Sentiment",
    "Dialogue_ID",
    "Utterance_ID",
    "Season",
    "Episode",
    "StartTime",
    "EndTime",
)
_VIDEO_SUFFIX = ".mp4"
# Clips are named by dialogue and utterance only, and numbers come again in each partition.
_PARTITIONS = {name: split for split, name in VIDEO_FOLDERS.items()} | {x: x for x in VIDEO_FOLDERS}

MELD = register(
    CorpusRecord(
        name="meld",
        title="MELD, Multimodal EmotionLines Dataset",
        labels={"emotion": EMOTIONS, "sentiment": SENTIMENTS},
        modalities=("text", "audio", "face"),
        n_speakers=None,
        **count_partitions("emotion", EMOTIONS, N_EMOTIONS),
        license=(
            "GPL-3.0 (annotations, license of the repository); the dialogues and clips are those "
            "of a television series: research use."
        ),
        access="Free download of the tables; the clips are one large archive.",
        homepage="https://affective-meld.github.io",
        citation=(
            "S. Poria, D. Hazarika, N. Majumder, G. Naik, E. Cambria and R. Mihalcea, MELD: A "
            "Multimodal Multi-Party Dataset for Emotion Recognition in Conversations, ACL 2019, "
            "arXiv:1810.02508."
        ),
        notes=(
            "The official partitions keep dialogues apart, not speakers: the same main characters "
            "are in all of them. Context models must be validated by dialogue. Some copies hold "
            "apostrophes of Windows-1252 in a UTF-8 file; the loader fixes them and warns. "
            "Copies with 1,108 instead of 1,109 rows of dev are in circulation, and by the "
            "notes of a public copy the archive of clips lacks dia110_utt7 of dev and holds clips "
            "that no table names."
        ),
    )
)


@validate_arguments(LOADER, DROP_UNLABELED)
def load_meld(
    folder: str | os.PathLike[str],
    *,
    target: Target = "emotion",
    drop_unlabeled: bool = False,
    strict: bool = False,
    return_X_y: bool = False,
) -> Any:
    r"""Load MELD: what is said, by whom, in which dialogue, and the clips where they are.

    Parameters
    ----------
    folder : str or path object
        Where the tables ``train_sent_emo.csv``, ``dev_sent_emo.csv`` and ``test_sent_emo.csv`` lie;
        sub-folders are searched. Clips ``dia0_utt0.mp4`` are found in folders of the official names
        (``train_splits``, ``dev_splits_complete``, ``output_repeated_splits_test``), audio files
        that were taken out of them (``dia0_utt0.wav`` or any other format) next to them or in a
        folder named ``train``, ``dev`` or ``test``. No clip is opened.
    target : str or sequence of str, default="emotion"
        ``"emotion"`` (seven) or ``"sentiment"`` (three); a sequence gives y as a DataFrame.
    drop_unlabeled : bool, default=False
        Whether rows without a label are left out; otherwise their label is NaN.
    strict : bool, default=False
        Whether a missing table, row or clip is an error; otherwise one warning says what is
        missing. A copy without any clip is the text corpus, and lacks nothing.
    return_X_y : bool, default=False
        Whether to return (X, y) instead of a Bunch.

    Returns
    -------
    bunch : Bunch, or tuple (X, y)
        ``data`` (X) has the columns ``text``, with clips also ``face`` (paths of the videos) and
        with audio files ``audio``, and the context ``speaker`` (also the index level ``group``),
        ``dialogue`` (``"train_dia0"``) and ``split``; ``target`` (y) is a Series or DataFrame;
        further ``frame`` (also ``utterance``, the place in the dialogue, ``season``, ``episode``,
        ``start`` and ``end``), ``groups``, ``splits`` (row positions of ``train``, ``dev`` and
        ``test``), ``record``, ``missing`` and ``DESCR``. Rows are in the order of the tables.

    Raises
    ------
    FileNotFoundError
        If the folder holds no table of MELD, or lacks something and `strict`.
    ValueError
        If a table is damaged or holds an unknown label, or the target is unknown.

    Warns
    -----
    UnlabeledRowsWarning
        If rows have no label; it counts them.
    IncompleteCorpusWarning
        If something is missing.
    UserWarning
        If apostrophes had to be fixed, or characters are lost.

    References
    ----------
    S. Poria et al., MELD, ACL 2019, arXiv:1810.02508.

    Examples
    --------
    >>> import tempfile, warnings
    >>> folder = Path(tempfile.mkdtemp())
    >>> columns = "Sr No.," + ",".join(_COLUMNS)
    >>> row = '1,"Oh, no.",Ross,sadness,negative,0,0,4,7,"00:20:57,256","00:21:00,049"'
    >>> _ = (folder / "dev_sent_emo.csv").write_text(columns + "\n" + row)
    >>> with warnings.catch_warnings(action="ignore"):
    ...     X, y = load_meld(folder, return_X_y=True)
    >>> X.to_dict("records")
    [{'text': 'Oh, no.', 'speaker': 'Ross', 'dialogue': 'dev_dia0', 'split': 'dev'}]
    >>> y.item()
    'sadness'
    """
    check_target(target, MELD)
    files = CorpusFolder(folder, "MELD", strict)
    tables = files.find_tables(TABLES)
    parts = {split: _read_part(split, path, strict) for split, path in tables.items()}
    found = {split: len(part) for split, part in parts.items()}
    frame, _ = handle_unlabeled(
        pd.concat(parts.values()), target, drop=drop_unlabeled, corpus="MELD"
    )
    clips = files.find_clips(functools.partial(_clip_name, root=files.root), [_VIDEO_SUFFIX])
    missing = missing_tables(TABLES, found, MELD.n_samples)
    missing |= add_clips(frame, clips, list(frame.index))
    return make_bunch(
        frame,
        MELD,
        target=target,
        splits=tables,
        missing=files.report_missing(missing),
        return_X_y=return_X_y,
    )


def _read_part(split: str, path: Path, strict: bool) -> pd.DataFrame:
    table = read_label_table(path, _COLUMNS, strict=strict)
    table = read_labels(table, "Emotion", EMOTIONS, path=path)
    table = read_labels(table, "Sentiment", SENTIMENTS, path=path)
    dialogue = f"{split}_dia" + table["Dialogue_ID"]
    index = pd.Index(dialogue + "_utt" + table["Utterance_ID"], name="clip")
    columns: dict[str, Any] = {
        "text": object_column(list(table["Utterance"]), index),
        "speaker": table["Speaker"].to_numpy(),
        "dialogue": dialogue.to_numpy(),
        "split": split,
        "emotion": table["Emotion"].to_numpy(),
        "sentiment": table["Sentiment"].to_numpy(),
        "utterance": table["Utterance_ID"].astype(int).to_numpy(),
        "season": table["Season"].to_numpy(),
        "episode": table["Episode"].to_numpy(),
        "start": table["StartTime"].to_numpy(),
        "end": table["EndTime"].to_numpy(),
    }
    return pd.DataFrame(columns, index=index)


def _clip_name(path: Path, root: Path) -> str | None:
    """Name the clip by the innermost folder that is one of a partition; None outside of them."""
    for folder in reversed(path.relative_to(root).parts[:-1]):
        if folder in _PARTITIONS:
            return f"{_PARTITIONS[folder]}_{path.stem}"
    return None
