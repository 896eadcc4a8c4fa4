"""The table of opinions that the public packs of CMU-MOSI and CMU-MOSEI come with."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from emoest.datasets._reading.bunch import Target
from emoest.datasets._reading.csv_tables import read_label_table, read_labels, unique_names
from emoest.datasets._reading.files import CorpusFolder, add_clips
from emoest.datasets._reading.rows import handle_unlabeled
from emoest.tables.cells import object_column

TABLE = "label.csv"
SPLITS = ("train", "valid", "test")
POLARITIES = ("negative", "neutral", "positive")
LOWEST, HIGHEST = -3.0, 3.0

_COLUMNS = ("video_id", "clip_id", "text", "label", "annotation", "mode")
_CODES = {polarity.capitalize(): polarity for polarity in POLARITIES}
_VIDEO_SUFFIX = ".mp4"


def read_opinions(
    files: CorpusFolder, *, target: Target, drop_unlabeled: bool
) -> tuple[pd.DataFrame, list[str]]:
    r"""Read the table of opinions, and find the clips where they are.

    The folder holds ``label.csv``, and with it ``Raw/<video>/<clip>.mp4``. Columns are ``text``,
    with clips ``audio`` and ``face``, ``speaker``, ``split``, ``sentiment``, ``polarity`` and
    ``clip_number``. The names of missing clips are returned as well.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "label.csv"
    >>> row = "aB3,2,NICE FILM,2.4,Positive,train"
    >>> _ = path.write_text(",".join(_COLUMNS) + "\n" + row)
    >>> files = CorpusFolder(path.parent, "CMU-MOSI")
    >>> frame, _ = read_opinions(files, target="sentiment", drop_unlabeled=False)
    >>> frame.drop(columns="sentiment").loc["aB3_2"].tolist()
    ['NICE FILM', 'aB3', 'train', 'positive', '2']
    """
    path = files.find_tables({"all": TABLE})["all"]
    table = read_label_table(path, _COLUMNS, strict=files.strict)
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
    frame, _ = handle_unlabeled(frame, target, drop=drop_unlabeled, corpus=files.corpus)
    keys = list(zip(frame["speaker"], frame["clip_number"], strict=True))
    named = set(keys)

    def key_of(clip: Path) -> tuple[str, str] | None:
        key = (clip.parent.name, clip.stem)
        return key if key in named and path.parent in clip.parents else None

    missing = add_clips(frame, files.find_clips(key_of, [_VIDEO_SUFFIX]), keys)
    return frame, files.report_missing(missing)


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
