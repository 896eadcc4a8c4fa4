"""EmoryNLP: the transcripts of a television series, seven emotions of the feeling wheel."""

import ast
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from emoest.datasets._reading.bunch import Target, check_target, make_bunch
from emoest.datasets._reading.csv_tables import (
    missing_tables,
    read_label_table,
    read_labels,
    unique_names,
)
from emoest.datasets._reading.files import CorpusFolder
from emoest.datasets._reading.record import CorpusRecord, count_partitions, register
from emoest.datasets._reading.rows import handle_unlabeled
from emoest.tables.cells import object_column
from emoest.utils.constraints import DROP_UNLABELED, LOADER, validate_arguments

EMOTIONS = ("neutral", "joyful", "peaceful", "powerful", "scared", "mad", "sad")
TABLES = {
    "train": "emorynlp_train_final.csv",
    "dev": "emorynlp_dev_final.csv",
    "test": "emorynlp_test_final.csv",
}
N_EPISODES = {"s01": 24, "s02": 24, "s03": 25, "s04": 24}
EPISODES = {
    "dev": (
        *("s01_e15", "s01_e20", "s02_e10", "s02_e20", "s03_e01", "s03_e09", "s03_e21"),
        *("s04_e01", "s04_e06", "s04_e10", "s04_e21"),
    ),
    "test": (
        *("s01_e01", "s01_e10", "s02_e08", "s02_e23", "s03_e08", "s03_e20"),
        *("s04_e02", "s04_e17", "s04_e20"),
    ),
}
"""Episodes of two partitions; all others of the four seasons are the training set."""
N_EMOTIONS = {
    "train": (3034, 2184, 900, 784, 1285, 1076, 671),
    "dev": (393, 289, 132, 134, 178, 143, 75),
    "test": (349, 282, 159, 145, 182, 113, 98),
}

_COLUMNS = ("Utterance", "Speaker", "Emotion", "Scene_ID", "Utterance_ID", "Season", "Episode")
_CODES = {emotion.capitalize(): emotion for emotion in EMOTIONS}
_NAME = re.compile(r"(?P<episode>(?P<season>s[0-9]{2})_e(?P<number>[0-9]{2}))_c[0-9]{2}_u[0-9]{3}")

EMORYNLP = register(
    CorpusRecord(
        name="emorynlp",
        title="EmoryNLP Emotion Detection",
        labels={"emotion": EMOTIONS},
        codes={"emotion": _CODES},
        modalities=("text",),
        n_speakers=None,
        **count_partitions("emotion", EMOTIONS, N_EMOTIONS),
        license="Unknown; the dialogues are those of a television series: research use.",
        access="Free download (release 1.0, JSON); tables of a part of it next to MELD.",
        homepage="https://github.com/emorynlp/emotion-detection",
        citation=(
            "S. M. Zahiri and J. D. Choi, Emotion Detection on TV Show Transcripts with "
            "Sequence-based Convolutional Neural Networks, AAAI Workshop on Affective Content "
            "Analysis, 2018, arXiv:1708.04299."
        ),
        notes=(
            "Sizes are those of release 1.0. The official partitions keep episodes apart, not "
            "speakers: the same main characters are in all of them. The authors themselves say "
            "that their annotators did not agree well."
        ),
    )
)


@validate_arguments(LOADER, DROP_UNLABELED)
def load_emorynlp(
    folder: str | os.PathLike[str],
    *,
    target: Target = "emotion",
    drop_unlabeled: bool = False,
    strict: bool = False,
    return_X_y: bool = False,
) -> Any:
    r"""Load EmoryNLP, from the JSON files of its release or from the tables next to MELD.

    Parameters
    ----------
    folder : str or path object
        Where the tables ``emorynlp_train_final.csv``, ``emorynlp_dev_final.csv`` and
        ``emorynlp_test_final.csv`` lie, or else JSON files of the release; sub-folders are
        searched. The tables hold fewer utterances than the release.
    target : str or sequence of str, default="emotion"
        ``"emotion"`` (seven).
    drop_unlabeled : bool, default=False
        Whether rows without a label are left out; otherwise their label is NaN.
    strict : bool, default=False
        Whether a missing file, or with JSON files a missing row, is an error; otherwise one warning
        says what is missing.
    return_X_y : bool, default=False
        Whether to return (X, y) instead of a Bunch.

    Returns
    -------
    bunch : Bunch, or tuple (X, y)
        ``data`` (X) has the columns ``text`` and the context ``speaker`` (also the index level
        ``group``; several speakers of one utterance are joined by ``" & "``), ``dialogue`` (the
        scene, ``"s01_e02_c01"``) and ``split``; ``target`` (y) is a Series; further ``frame``,
        ``groups``, ``splits`` (row positions of ``train``, ``dev`` and ``test``), ``record``,
        ``missing`` and ``DESCR``. The index is the name of the utterance, ``s01_e02_c01_u002``.

    Raises
    ------
    FileNotFoundError
        If the folder holds neither tables nor JSON files of EmoryNLP, or lacks some and `strict`.
    ValueError
        If a file is damaged or holds an unknown label, or the target is unknown.

    Warns
    -----
    UnlabeledRowsWarning
        If rows have no label; it counts them.
    IncompleteCorpusWarning
        If something is missing.

    References
    ----------
    S. M. Zahiri and J. D. Choi, AAAI Workshop on Affective Content Analysis, 2018,
    arXiv:1708.04299.

    Examples
    --------
    >>> import tempfile, warnings
    >>> folder = Path(tempfile.mkdtemp())
    >>> row = "Coffee.,['Rachel Green'],Neutral,1,1,1,15"
    >>> _ = (folder / "emorynlp_dev_final.csv").write_text(",".join(_COLUMNS) + "\n" + row)
    >>> with warnings.catch_warnings(action="ignore"):
    ...     X, y = load_emorynlp(folder, return_X_y=True)
    >>> X["speaker"].item(), X["dialogue"].item(), y.item()
    ('Rachel Green', 's01_e15_c01', 'neutral')
    """
    check_target(target, EMORYNLP)
    files = CorpusFolder(folder, "EmoryNLP", strict)
    if files.first(*TABLES.values()):
        tables = files.find_tables(TABLES)
        parts = [_read_csv(split, path, strict) for split, path in tables.items()]
        missing = missing_tables(TABLES, dict.fromkeys(tables, 0), {})
    else:
        parts = _read_release(files)
        found = {str(part["split"].iloc[0]): len(part) for part in parts}
        names = {split: f"the {split} set" for split in TABLES}
        missing = missing_tables(names, found, EMORYNLP.n_samples)
    frame, _ = handle_unlabeled(pd.concat(parts), "emotion", drop=drop_unlabeled, corpus="EmoryNLP")
    return make_bunch(
        frame,
        EMORYNLP,
        target=target,
        splits=[split for split in TABLES if split in set(frame["split"])],
        missing=files.report_missing(missing),
        return_X_y=return_X_y,
    )


def _read_csv(split: str, path: Path, strict: bool) -> pd.DataFrame:
    table = read_label_table(path, _COLUMNS, strict=strict)
    table = read_labels(table, "Emotion", _CODES, path=path)
    season, episode, scene, utterance = (
        _numbers(table, column, path)
        for column in ("Season", "Episode", "Scene_ID", "Utterance_ID")
    )
    names = [
        f"s{s:02d}_e{e:02d}_c{c:02d}_u{u:03d}"
        for s, e, c, u in zip(season, episode, scene, utterance, strict=True)
    ]
    speakers = [_speakers(cell, path) for cell in table["Speaker"]]
    return _frame(names, list(table["Utterance"]), speakers, list(table["Emotion"]), split)


def _numbers(table: pd.DataFrame, column: str, path: Path) -> list[int]:
    wrong = ~table[column].str.fullmatch("[0-9]+")
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        raise ValueError(
            f"{str(path)!r}: row {row} has {table[column].iloc[row]!r} in the column {column}, "
            "which is no number. Copy the official file again."
        )
    return [int(cell) for cell in table[column]]


def _speakers(cell: str, path: Path) -> str:
    """Read ``['Rachel Green']``."""
    try:
        names = ast.literal_eval(cell)
    except (ValueError, SyntaxError) as error:
        raise ValueError(
            f"{str(path)!r}: {cell!r} is no list of speakers. Copy the official file again."
        ) from error
    return " & ".join(names)


def _read_release(files: CorpusFolder) -> list[pd.DataFrame]:
    found: dict[str, list[dict[str, Any]]] = {split: [] for split in TABLES}
    for path in sorted(path for path in files.paths if path.suffix.lower() == ".json"):
        for utterance in _utterances(_read_json(path)):
            name = str(utterance["utterance_id"])
            found[_split_of(name, path)].append({**utterance, "path": path})
    if not any(found.values()):
        tables = ", ".join(TABLES.values())
        raise files.not_found(
            "utterance",
            f"{tables}, or for JSON files of release 1.0 with fields utterance_id and emotion",
        )
    parts = []
    for split, utterances in found.items():
        if utterances:
            table = pd.DataFrame(utterances)
            # Without a label JSON has null, and tables, for which labels are read, an empty cell.
            table["emotion"] = table["emotion"].fillna("")
            table = read_labels(table, "emotion", _CODES, path=table["path"].iloc[0])
            speakers = [" & ".join(names) for names in table["speakers"]]
            names, texts = list(table["utterance_id"]), list(table["transcript"])
            parts.append(_frame(names, texts, speakers, list(table["emotion"]), split))
    return parts


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(
            f"{str(path)!r} is no JSON in UTF-8 ({error}). Copy the official file again."
        ) from error


def _utterances(node: Any) -> Iterator[dict[str, Any]]:
    """Find the utterances at any depth: the release nests seasons, episodes and scenes."""
    if isinstance(node, list):
        for item in node:
            yield from _utterances(item)
    elif isinstance(node, dict) and {"utterance_id", "speakers", "transcript"} <= set(node):
        yield {key: node.get(key) for key in ("utterance_id", "speakers", "transcript", "emotion")}
    elif isinstance(node, dict):
        for item in node.values():
            yield from _utterances(item)


def _split_of(name: str, path: Path) -> str:
    match = _NAME.fullmatch(name)
    if match is None or not 1 <= int(match["number"]) <= N_EPISODES.get(match["season"], 0):
        raise ValueError(
            f"{str(path)!r} has the unknown utterance {name!r}; names are like 's01_e02_c01_u002', "
            "in four seasons."
        )
    for split, episodes in EPISODES.items():
        if match["episode"] in episodes:
            return split
    return "train"


def _frame(
    names: list[str], texts: list[str], speakers: list[str], emotions: list[str], split: str
) -> pd.DataFrame:
    index = pd.Index(unique_names(names), name="utterance")
    return pd.DataFrame(
        {
            "text": object_column(texts, index),
            "speaker": speakers,
            "dialogue": [name.rpartition("_u")[0] for name in names],
            "split": split,
            "emotion": emotions,
        },
        index=index,
    )
