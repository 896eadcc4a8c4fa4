"""RAVDESS as tables of acoustic and facial features, with real missing values."""

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from emoest.datasets._corpora.ravdess import ACTORS, EMOTIONS, INTENSITIES, RAVDESS
from emoest.datasets._reading.bunch import Target, check_target, make_bunch
from emoest.datasets._reading.csv_tables import read_label_table
from emoest.datasets._reading.files import CorpusFolder, decode
from emoest.datasets._reading.record import CorpusRecord, register
from emoest.utils.constraints import LOADER, validate_arguments

TABLES = {"audio": "audio_summary.csv", "face": "video_summary.csv"}
N_FEATURES = {"audio": 69, "face": 56}

_LABELS = ("file", "emotion", "intensity", "actor", "gender")
_STRONG = "02"
_NAME = re.compile(r"[0-9]{2}(-[0-9]{2}){6}")

RAVDESS_AV_FEATURES = register(
    CorpusRecord(
        name="ravdess_av_features",
        title="RAVDESS, acoustic and facial features per clip",
        labels={
            "emotion": tuple(EMOTIONS.values()),
            "intensity": tuple(INTENSITIES.values()),
            "sex": ("male", "female"),
        },
        codes={"emotion": EMOTIONS, "intensity": INTENSITIES, "sex": ACTORS},
        modalities=("audio", "face"),
        n_speakers=24,
        sizes={
            "emotion": {label: 24 if label == "neutral" else 48 for label in EMOTIONS.values()},
            "intensity": {"normal": 192, "strong": 168},
            "sex": {"male": 180, "female": 180},
        },
        n_samples={"all": 360},
        license="Derived from RAVDESS, CC BY-NC-SA 4.0; the repository names no license.",
        access="Free download.",
        homepage="https://github.com/neselidondurma/DMMH_workshop",
        citation=RAVDESS.citation,
        notes=(
            "One clip of each actor, emotion and intensity: statement 01, first repetition. The "
            "acoustic table has real missing values (538 empty cells in the whole table). The "
            "seven emotion scores of the face come from a network that was trained elsewhere to "
            "tell emotions. There are no official partitions."
        ),
    )
)


@validate_arguments(LOADER)
def load_ravdess_av_features(
    folder: str | os.PathLike[str],
    *,
    target: Target = "emotion",
    strict: bool = False,
    return_X_y: bool = False,
) -> Any:
    r"""Load 69 acoustic and 56 facial features per clip of RAVDESS.

    Parameters
    ----------
    folder : str or path object
        Where ``audio_summary.csv`` and ``video_summary.csv`` lie; sub-folders are searched.
    target : str or sequence of str, default="emotion"
        ``"emotion"`` (eight), ``"intensity"`` or ``"sex"``; a sequence gives y as a DataFrame.
    strict : bool, default=False
        Whether a missing table or clip is an error; otherwise one warning says what is missing.
    return_X_y : bool, default=False
        Whether to return (X, y) instead of a Bunch.

    Returns
    -------
    bunch : Bunch, or tuple (X, y)
        ``data`` (X) has numeric columns ``audio__f0_mean`` ... and ``face__anger_mean`` ..., and
        ``speaker`` (the actor, ``"01"`` to ``"24"``), which is also the index level ``group``. A
        clip that one table lacks has NaN in all columns of that modality; single cells may be NaN
        as well. ``target`` (y) is a Series or DataFrame; further ``frame``, ``groups``, ``splits``
        (empty), ``record``, ``missing`` and ``DESCR``. The index is the name of the clip,
        ``01-01-03-01-01-01-06``; rows are in its order.

    Raises
    ------
    FileNotFoundError
        If the folder holds neither table, or something is missing and `strict`.
    ValueError
        If a table is damaged, its labels contradict the clips' names, or the target is unknown.

    Warns
    -----
    IncompleteCorpusWarning
        If clips are missing.

    Examples
    --------
    >>> import tempfile, warnings
    >>> path = Path(tempfile.mkdtemp()) / "audio_summary.csv"
    >>> row = "233.1,01-01-03-01-01-01-06.wav,happy,1,6,female"
    >>> _ = path.write_text("f0_mean,file,emotion,intensity,actor,gender\n" + row)
    >>> with warnings.catch_warnings(action="ignore"):
    ...     X, y = load_ravdess_av_features(path.parent, return_X_y=True)
    >>> X.columns.tolist(), X["speaker"].item(), y.item()
    (['audio__f0_mean', 'speaker'], '06', 'happy')
    """
    check_target(target, RAVDESS_AV_FEATURES)
    files = CorpusFolder(folder, "RAVDESS (feature tables)", strict)
    tables = files.find_tables(TABLES)
    blocks = [_block(name, path, strict) for name, path in tables.items()]
    frame = pd.concat(blocks, axis=1, sort=True)
    frame.index.name = "clip"
    labels = pd.DataFrame([_labels(name) for name in frame.index], index=frame.index)
    found = {name: set(block.index) for name, block in zip(tables, blocks, strict=True)}
    missing = files.report_missing_by_speaker(
        {
            actor: [
                f"{clip} ({name})"
                for clip in _expected(actor)
                for name in TABLES
                if clip not in found.get(name, set())
            ]
            for actor in ACTORS
        },
        {actor: len(_expected(actor)) * len(TABLES) for actor in ACTORS},
    )
    return make_bunch(
        pd.concat([frame, labels], axis=1),
        RAVDESS_AV_FEATURES,
        target=target,
        missing=missing,
        return_X_y=return_X_y,
    )


def _block(name: str, path: Path, strict: bool) -> pd.DataFrame:
    """Read the features of one modality, by clip."""
    table = read_label_table(path, _LABELS, strict=strict)
    clips = [Path(file).stem for file in table["file"]]
    if len(set(clips)) < len(clips):
        twice = next(clip for clip in clips if clips.count(clip) > 1)
        raise ValueError(f"{str(path)!r} has the clip {twice!r} more than once.")
    _check_labels(table, clips, path)
    # All cells are text: a missing value is empty, or NA as R writes it.
    features = table.drop(columns=list(_LABELS)).replace({"": np.nan, "NA": np.nan})
    try:
        features = features.astype(np.float64)
    except ValueError as error:
        raise ValueError(f"{str(path)!r} holds a cell that is no number ({error}).") from error
    features.index = pd.Index(clips)
    return features.add_prefix(f"{name}__")


def _check_labels(table: pd.DataFrame, clips: list[str], path: Path) -> None:
    """Compare the labels that the table states with those in the clips' names."""
    for clip, emotion, intensity, actor in zip(
        clips, *(table[column] for column in ("emotion", "intensity", "actor")), strict=True
    ):
        codes = clip.split("-")
        if not _NAME.fullmatch(clip):
            raise ValueError(
                f"{str(path)!r}: {clip!r} is no name of a clip; names are like "
                "'01-01-03-01-01-01-06'."
            )
        decode(EMOTIONS, codes[2], field="emotion", path=path)
        stated = (emotion, f"{int(intensity):02d}", f"{int(actor):02d}")
        if stated != (EMOTIONS[codes[2]], codes[3], codes[6]):
            raise ValueError(
                f"{str(path)!r}: the clip {clip!r} is said to have emotion, intensity and actor "
                f"{stated}, and its name says {(EMOTIONS[codes[2]], codes[3], codes[6])}."
            )


def _labels(clip: str) -> dict[str, str]:
    _, _, emotion, intensity, _, _, actor = clip.split("-")
    return {
        "speaker": actor,
        "emotion": EMOTIONS[emotion],
        "intensity": INTENSITIES[intensity],
        "sex": ACTORS[actor],
    }


def _expected(actor: str) -> list[str]:
    """Names of the clips of one actor in the complete tables."""
    return [
        f"01-01-{emotion}-{intensity}-01-01-{actor}"
        for emotion, label in EMOTIONS.items()
        for intensity in INTENSITIES
        # Neutral was recorded at normal intensity only.
        if not (label == "neutral" and intensity == _STRONG)
    ]
