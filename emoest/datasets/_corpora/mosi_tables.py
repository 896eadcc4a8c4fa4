"""The table of opinions that the public packs of CMU-MOSI and CMU-MOSEI come with."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from emoest.datasets._reading.bunch import Target
from emoest.datasets._reading.csv_tables import find_tables, read_labels, read_table, unique_names
from emoest.datasets._reading.files import AUDIO_SUFFIXES, list_files
from emoest.datasets._reading.rows import handle_unlabeled, report_gaps
from emoest.tables.cells import object_column

TABLE = "label.csv"
SPLITS = ("train", "valid", "test")
POLARITIES = ("negative", "neutral", "positive")
LOWEST, HIGHEST = -3.0, 3.0

_COLUMNS = ("video_id", "clip_id", "text", "label", "annotation", "mode")
_CODES = {polarity.capitalize(): polarity for polarity in POLARITIES}
_VIDEO_SUFFIX = ".mp4"


def read_opinions(
    folder: str | os.PathLike[str],
    *,
    corpus: str,
    target: Target,
    drop_unlabeled: bool,
    strict: bool,
) -> tuple[pd.DataFrame, list[str]]:
    r"""Read the table of opinions, and find the clips where they are.

    Parameters
    ----------
    folder : str or path object
        Where ``label.csv`` lies, beside ``Raw/<video>/<clip>.mp4``.
    corpus : str
        The corpus' title, for messages.
    target : str or sequence of str
        What counts as a label.
    drop_unlabeled : bool
        Whether rows without a label are left out.
    strict : bool
        Whether missing clips are an error.

    Returns
    -------
    frame : DataFrame
        Columns ``text``, with clips ``audio`` and ``face``, ``speaker``, ``split``, ``sentiment``,
        ``polarity`` and ``clip_number``.
    missing : list of str
        Names of missing clips.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "label.csv"
    >>> row = "aB3,2,NICE FILM,2.4,Positive,train"
    >>> _ = path.write_text(",".join(_COLUMNS) + "\n" + row)
    >>> options = {"target": "sentiment", "drop_unlabeled": False, "strict": True}
    >>> frame, _ = read_opinions(path.parent, corpus="CMU-MOSI", **options)
    >>> frame.drop(columns="sentiment").loc["aB3_2"].tolist()
    ['NICE FILM', 'aB3', 'train', 'positive', '2']
    """
    path = find_tables(folder, {"all": TABLE}, corpus=corpus)["all"]
    table = read_table(path, _COLUMNS, strict=strict)
    table = read_labels(table, "annotation", _CODES, path=path)
    table = read_labels(table, "mode", SPLITS, path=path)
    index = pd.Index(unique_names(list(table["video_id"] + "_" + table["clip_id"])), name="clip")
    frame = pd.DataFrame(
        {
            "text": object_column(list(table["text"]), index),
            "speaker": table["video_id"].to_numpy(),
            "split": table["mode"].to_numpy(),
            "sentiment": read_scores(table["label"], path),
            "polarity": table["annotation"].to_numpy(),
            "clip_number": table["clip_id"].to_numpy(),
        },
        index=index,
    )
    targets = [target] if isinstance(target, str) else list(target)
    frame, _ = handle_unlabeled(frame, targets, drop=drop_unlabeled, corpus=corpus)
    gaps = {}
    for name, clips in _find_clips(path.parent, frame, corpus).items():
        frame.insert(frame.columns.get_loc("speaker"), name, object_column(clips, frame.index))
        gaps[f"clips ({name})"] = [
            key for key, clip in zip(frame.index, clips, strict=True) if clip is None
        ]
    return frame, report_gaps(gaps, corpus=corpus, folder=folder, strict=strict)


def read_scores(column: pd.Series, path: Path) -> Any:
    """Read scores from -3 to 3, NaN where the cell is empty.

    Examples
    --------
    >>> read_scores(pd.Series(["2.4", ""]), Path("label.csv")).tolist()
    [2.4, nan]
    """
    filled = column.str.strip() != ""
    scores = pd.to_numeric(column.where(filled), errors="coerce").astype(float).to_numpy()
    wrong = filled.to_numpy() & ~((scores >= LOWEST) & (scores <= HIGHEST))
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(
            f"{str(path)!r}: row {row} has the score {column.iloc[row]!r}; scores are numbers from "
            f"{LOWEST:g} to {HIGHEST:g}."
        )
    return scores


def polarity_of(scores: Any) -> list[str]:
    """Name the sign of each score.

    Examples
    --------
    >>> polarity_of([0.4, 0.0, -2.0])
    ['positive', 'neutral', 'negative']
    """
    return [POLARITIES[int(sign) + 1] for sign in np.sign(scores)]


def split_positions(frame: pd.DataFrame) -> dict[str, Any]:
    """Find the rows of each partition.

    Examples
    --------
    >>> split_positions(pd.DataFrame({"split": ["test", "train", "test"]}))["test"].tolist()
    [0, 2]
    """
    return {split: np.flatnonzero(frame["split"] == split) for split in SPLITS}


def _find_clips(root: Path, frame: pd.DataFrame, corpus: str) -> dict[str, list[str | None]]:
    """Find ``<video>/<clip>.mp4`` and sound of the same name, for each medium there is any of."""
    media: dict[str, dict[tuple[str, str], str]] = {"face": {}, "audio": {}}
    for path in sorted(list_files(root, corpus=corpus)[1]):
        suffix = path.suffix.lower()
        if suffix in (_VIDEO_SUFFIX, *AUDIO_SUFFIXES):
            name = "face" if suffix == _VIDEO_SUFFIX else "audio"
            media[name].setdefault((path.parent.name, path.stem), str(path))
    keys = list(zip(frame["speaker"], frame["clip_number"], strict=True))
    found = {name: [clips.get(key) for key in keys] for name, clips in media.items()}
    return {name: clips for name, clips in found.items() if any(clips)}
