"""Generated opinions: word-aligned sequences with the schema of CMU-MOSI."""

import os
from collections.abc import Mapping
from numbers import Integral, Real
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
)
from emoest.datasets._generated.missing import missing_fractions
from emoest.datasets._reading.bunch import Target, check_target, make_bunch
from emoest.datasets._reading.record import CorpusRecord, register
from emoest.tables.cells import object_column
from emoest.utils._sklearn import Interval
from emoest.utils.constraints import RANDOM_STATE, RETURN_X_Y, TARGET, validate_arguments
from emoest.utils.seeds import RandomState, private_generator

N_DIMS = {"text": 300, "audio": 74, "face": 35}
N_WORDS = (4, 24)
STRENGTH = {"text": 1.0, "audio": 0.5, "face": 0.5}
"""How far a word of a full score lies from a word of a neutral one, in units of the noise."""

_WORDS = {
    "negative": ("bad", "dull", "boring", "weak"),
    "neutral": ("the", "film", "was", "a", "so", "scene"),
    "positive": ("good", "great", "funny", "lovely"),
}
_FRACTIONS = {"train": 0.6, "valid": 0.1}

MOSI_SEQUENCES = register(
    CorpusRecord(
        name="mosi_sequences",
        title="Generated opinions with the schema of CMU-MOSI",
        labels={"polarity": POLARITIES},
        modalities=tuple(N_DIMS),
        n_speakers=None,
        splits=SPLITS,
        license="Generated; none needed.",
        access="emoest.datasets.make_mosi_sequences",
        homepage="None.",
        citation="None.",
        notes=(
            "Nothing in it was recorded. Words carry the sentiment in all three modalities, most "
            "clearly in the text; each video has an offset of its own. Videos are never in two "
            "partitions."
        ),
        scores={"sentiment": (LOWEST, HIGHEST)},
    )
)


@validate_arguments(
    TARGET,
    RANDOM_STATE,
    RETURN_X_Y,
    folder=[str, os.PathLike, None],
    n_videos=[Interval(Integral, 3, None, closed="left")],
    n_clips=[Interval(Integral, 1, None, closed="left")],
    difficulty=[Interval(Real, 0, None, closed="left")],
    missing=[Interval(Real, 0, 1, closed="left"), dict],
)
def make_mosi_sequences(
    folder: str | os.PathLike[str] | None = None,
    *,
    target: Target = "sentiment",
    n_videos: int = 30,
    n_clips: int = 10,
    difficulty: float = 1.0,
    missing: float | Mapping[str, float] = 0.0,
    return_X_y: bool = False,
    random_state: RandomState = None,
) -> Any:
    """Generate word-aligned sequences of text, audio and face with the schema of CMU-MOSI.

    A clip has 4 to 24 words; a third of them carry the clip's score. Each modality has its own
    direction for it, and an offset per video. Dimensions are those of the public packs: word
    vectors (300), COVAREP (74) and Facet (35).

    Parameters
    ----------
    folder : str or path object, default=None
        Where to write: ``label.csv``, which `load_mosi` reads, and the frames as
        ``<modality>/<clip>.npy``, whose paths are then the cells. Nothing is written if None.
    target : str or sequence of str, default="sentiment"
        ``"sentiment"``, a score from -3 to 3 in steps of 0.2, or ``"polarity"``, its sign; a
        sequence gives y as a DataFrame.
    n_videos : int, default=30
        Number of videos, at least one for each of the three partitions.
    n_clips : int, default=10
        Clips per video.
    difficulty : float, default=1.0
        Standard deviation of the noise.
    missing : float or dict of str to float, default=0.0
        Fraction of missing cells, of each modality or by name. No clip loses all three.
    return_X_y : bool, default=False
        Whether to return (X, y) instead of a Bunch.
    random_state : int, RandomState instance or None, default=None
        Seed.

    Returns
    -------
    bunch : Bunch, or tuple (X, y)
        ``data`` (X) has the columns ``text__frames``, ``audio__frames`` and ``face__frames`` with
        cells float32 (n_words, n_dims) or paths, None where missing, and the context ``speaker``
        (the video, also the index level ``group``) and ``split``; ``target`` (y) is a Series or
        DataFrame; further ``frame``, ``groups``, ``splits`` (row positions of ``train``, ``valid``
        and ``test``, about 60, 10 and 30 % of the videos), ``record``, ``missing`` and ``DESCR``.

    Raises
    ------
    ValueError
        If `missing` names an unknown modality or is no fraction, or the target is unknown.

    Examples
    --------
    >>> X, y = make_mosi_sequences(n_videos=3, n_clips=2, return_X_y=True, random_state=0)
    >>> X.columns.tolist()
    ['text__frames', 'audio__frames', 'face__frames', 'speaker', 'split']
    >>> X["audio__frames"].iloc[0].shape[1], y.between(-3, 3).all().item()
    (74, True)
    """
    check_target(target, MOSI_SEQUENCES)
    rng = private_generator(random_state)
    fractions = missing_fractions(missing, list(N_DIMS))
    videos = [f"video{i:03d}" for i in range(n_videos)]
    scores = _draw_scores(rng, n_videos, n_clips)
    splits = dict(zip(videos, _draw_splits(rng, n_videos), strict=True))
    frame = pd.DataFrame(
        {
            "speaker": np.repeat(videos, n_clips),
            "split": [splits[video] for video in videos for _ in range(n_clips)],
            "sentiment": scores.ravel(),
            "polarity": polarity_of(scores.ravel()),
            "clip_number": np.tile(np.arange(n_clips).astype(str), n_videos),
        }
    )
    frame.index = pd.Index(frame["speaker"] + "_" + frame["clip_number"], name="clip")
    lengths = rng.randint(N_WORDS[0], N_WORDS[1] + 1, size=len(frame))
    carriers = [rng.uniform(size=length) < 1 / 3 for length in lengths]
    absent = _draw_missing(rng, fractions, len(frame))
    for position, name in enumerate(N_DIMS):
        cells = _draw_frames(rng, name, frame, carriers, difficulty)
        kept = [None if gone else cell for cell, gone in zip(cells, absent[name], strict=True)]
        frame.insert(position, f"{name}__frames", object_column(kept, frame.index))
    if folder is not None:
        _write(Path(folder).expanduser(), frame, carriers, rng)
    return make_bunch(frame, MOSI_SEQUENCES, target=target, splits=SPLITS, return_X_y=return_X_y)


def _draw_scores(rng: np.random.RandomState, n_videos: int, n_clips: int) -> Any:
    """Draw scores that are alike within a video, in steps of 0.2."""
    scores = rng.normal(0.3, 0.8, size=(n_videos, 1)) + rng.normal(0, 1.3, size=(n_videos, n_clips))
    # Adding 0.0 turns -0.0 into 0.0, which a table of labels would show.
    return np.round(np.clip(scores, LOWEST, HIGHEST) * 5) / 5 + 0.0


def _draw_splits(rng: np.random.RandomState, n_videos: int) -> list[str]:
    counts = {name: max(1, round(fraction * n_videos)) for name, fraction in _FRACTIONS.items()}
    counts["train"] = min(counts["train"], n_videos - counts["valid"] - 1)
    names = ["train"] * counts["train"] + ["valid"] * counts["valid"]
    names += ["test"] * (n_videos - len(names))
    return [str(name) for name in rng.permutation(names)]


def _draw_missing(
    rng: np.random.RandomState, fractions: dict[str, float], n: int
) -> dict[str, npt.NDArray[np.bool_]]:
    absent = np.column_stack([rng.uniform(size=n) < fraction for fraction in fractions.values()])
    spared = rng.randint(len(fractions), size=n)
    empty = absent.all(axis=1)
    absent[empty, spared[empty]] = False
    return dict(zip(fractions, absent.T, strict=True))


def _draw_frames(
    rng: np.random.RandomState,
    name: str,
    frame: pd.DataFrame,
    carriers: list[npt.NDArray[np.bool_]],
    difficulty: float,
) -> list[npt.NDArray[np.float32]]:
    """Draw the words of each clip: its score along one direction, an offset per video, noise."""
    n_dims = N_DIMS[name]
    direction = rng.choice([-1.0, 1.0], size=n_dims) * STRENGTH[name]
    offsets = {video: rng.normal(0, 0.3, size=n_dims) for video in frame["speaker"].unique()}
    cells = []
    for video, score, carrying in zip(frame["speaker"], frame["sentiment"], carriers, strict=True):
        signal = np.outer(carrying * score / HIGHEST, direction)
        noise = rng.normal(0, difficulty, size=signal.shape)
        cells.append((signal + offsets[video] + noise).astype(np.float32))
    return cells


def _write(
    root: Path,
    frame: pd.DataFrame,
    carriers: list[npt.NDArray[np.bool_]],
    rng: np.random.RandomState,
) -> None:
    """Write the table and the frames, and put paths into the cells."""
    for name in N_DIMS:
        column = f"{name}__frames"
        (root / name).mkdir(parents=True, exist_ok=True)
        cells: list[str | None] = []
        for key, cell in frame[column].items():
            path = root / name / f"{key}.npy"
            # An earlier call may have left a file for a cell that is missing now.
            path.unlink(missing_ok=True)
            if cell is not None:
                np.save(path, cell)
            cells.append(None if cell is None else str(path))
        frame[column] = object_column(cells, frame.index)
    texts = [
        " ".join(rng.choice(_WORDS[polarity if carrier else "neutral"]) for carrier in carrying)
        for polarity, carrying in zip(frame["polarity"], carriers, strict=True)
    ]
    pd.DataFrame(
        {
            "video_id": frame["speaker"],
            "clip_id": frame["clip_number"],
            "text": texts,
            "label": frame["sentiment"],
            "annotation": frame["polarity"].str.capitalize(),
            "mode": frame["split"],
        }
    ).to_csv(root / TABLE, index=False)
