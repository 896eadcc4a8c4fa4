"""make_emotions: a small corpus of three modalities, drawn from a model that is known."""

from numbers import Integral, Real
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from emoest.datasets._reading.bunch import Target, check_target, make_bunch
from emoest.datasets._reading.record import CorpusRecord, register
from emoest.tables.cells import object_column
from emoest.utils._sklearn import Interval, StrOptions
from emoest.utils.constraints import RANDOM_STATE, RETURN_X_Y, TARGET, validate_arguments
from emoest.utils.seeds import private_generator
from emoest.utils.typing import Floats

EMOTIONS = ("anger", "happiness", "neutral", "sadness")
N_DIMS = {"audio": 12, "text": 16, "face": 8}
N_FRAMES = {"audio": (8, 24), "text": (3, 12), "face": (4, 12)}
"""Shortest and longest sequence of each modality."""


TOY = register(
    CorpusRecord(
        name="emotions",
        title="Toy corpus of three modalities",
        labels={"emotion": EMOTIONS},
        modalities=tuple(N_DIMS),
        n_speakers=None,
        license="Generated; none needed.",
        access="emoest.datasets.make_emotions",
        homepage="None.",
        citation="None.",
        notes=(
            "Random numbers, nothing was recorded. How well emotions can be told, how far the "
            "modalities agree and how much speakers differ are parameters."
        ),
    )
)


@validate_arguments(
    TARGET,
    RETURN_X_Y,
    RANDOM_STATE,
    n_samples=[Interval(Integral, 1, None, closed="left")],
    kind=[StrOptions({"frames", "vectors"})],
    n_speakers=[Interval(Integral, 1, None, closed="left")],
    separation=[Interval(Real, 0, None, closed="left")],
    correlation=[Interval(Real, 0, 1, closed="both")],
    speaker_effect=[Interval(Real, 0, None, closed="left")],
    noise=[Interval(Real, 0, None, closed="left")],
    missing=[Interval(Real, 0, 1, closed="left")],
)
def make_emotions(
    n_samples: int = 200,
    *,
    kind: str = "frames",
    n_speakers: int = 10,
    separation: float = 2.0,
    correlation: float = 0.5,
    speaker_effect: float = 0.5,
    noise: float = 1.0,
    missing: float = 0.1,
    target: Target = "emotion",
    return_X_y: bool = False,
    random_state: int | np.random.RandomState | None = None,
) -> Any:
    """Draw a small corpus of three modalities, with sequences of different lengths.

    Parameters
    ----------
    n_samples : int, default=200
        Number of rows. Each speaker says each of the four emotions as often as the others, as far
        as the number divides.
    kind : {"frames", "vectors"}, default="frames"
        ``"frames"``: a column ``audio__frames`` per modality, whose cells are arrays of shape
        (n_frames, n_dims), float32, with 12 (audio), 16 (text) and 8 (face) dimensions.
        ``"vectors"``: numeric columns ``audio__toy_0000``, the means over the frames.
    n_speakers : int, default=10
        Number of speakers.
    separation : float, default=2.0
        Distance of an emotion's mean from zero, in units of the spread within it; 0 makes labels
        that nothing predicts.
    correlation : float, default=0.5
        Correlation of the hidden variables of two modalities within a speaker's emotion: 0 makes
        them independent given the label, 1 makes them the same.
    speaker_effect : float, default=0.5
        Spread of the speakers' offsets, which differ between modalities, in the same units.
    noise : float, default=1.0
        Spread of the noise of each dimension of each frame.
    missing : float, default=0.1
        Probability that a row misses a modality (None, or NaN in its whole block). Each row keeps
        at least one, so that above about 0.5 fewer are missing.
    target : str or sequence of str, default="emotion"
        ``"emotion"`` (four).
    return_X_y : bool, default=False
        Whether to return (X, y) instead of a Bunch.
    random_state : int, RandomState or None, default=None
        Seed or generator.

    Returns
    -------
    bunch : Bunch, or tuple (X, y)
        ``data`` (X) has the modalities and the context ``speaker`` (also the index level
        ``group``); ``target`` (y) is a Series; further ``frame``, ``groups``, ``splits`` (empty),
        ``record``, ``missing`` and ``DESCR``.

    Notes
    -----
    With an emotion e, a speaker s and a modality m, a hidden vector of four numbers is drawn,
    ``h = separation * unit(e) + speaker_effect * offset(s, m) + sqrt(correlation) * shared +
    sqrt(1 - correlation) * own(m)``, all of them standard normal but the unit vector of e. It is
    turned into the dimensions of the modality by a matrix with orthonormal rows; each frame adds
    noise.

    Examples
    --------
    >>> X, y = make_emotions(40, return_X_y=True, random_state=0)
    >>> list(X.columns)
    ['audio__frames', 'text__frames', 'face__frames', 'speaker']
    >>> y.value_counts().tolist()
    [10, 10, 10, 10]
    """
    check_target(target, TOY)
    generator = private_generator(random_state)
    emotions, speakers = _design(n_samples, n_speakers, generator)
    shared = generator.normal(size=(n_samples, len(EMOTIONS)))
    absent = _absent(n_samples, missing, generator)
    index = pd.Index([f"u{row:04d}" for row in range(n_samples)], name="utterance")
    columns: dict[str, Any] = {}
    for place, (modality, n_dims) in enumerate(N_DIMS.items()):
        offsets = generator.normal(size=(n_speakers, len(EMOTIONS)))
        own = generator.normal(size=shared.shape)
        hidden = (
            separation * np.eye(len(EMOTIONS))[emotions]
            + speaker_effect * offsets[speakers]
            + np.sqrt(correlation) * shared
            + np.sqrt(1 - correlation) * own
        )
        frames = _frames(hidden, n_dims, N_FRAMES[modality], noise, generator)
        columns |= _columns(modality, frames, absent[:, place], kind, index)
    columns["speaker"] = [f"{speaker + 1:02d}" for speaker in speakers]
    columns["emotion"] = [EMOTIONS[emotion] for emotion in emotions]
    frame = pd.DataFrame(columns, index=index)
    return make_bunch(frame, TOY, target=target, return_X_y=return_X_y)


def _design(
    n_samples: int, n_speakers: int, generator: np.random.RandomState
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Emotion and speaker of each row, balanced, in random order."""
    rows = generator.permutation(n_samples)
    speakers = rows % n_speakers
    emotions = (rows // n_speakers + speakers) % len(EMOTIONS)
    return emotions, speakers


def _absent(
    n_samples: int, missing: float, generator: np.random.RandomState
) -> npt.NDArray[np.bool_]:
    """Which row misses which modality; each keeps one."""
    absent = generator.uniform(size=(n_samples, len(N_DIMS))) < missing
    kept = generator.randint(len(N_DIMS), size=n_samples)
    empty = absent.all(axis=1)
    absent[empty, kept[empty]] = False
    return absent


def _frames(
    hidden: Floats,
    n_dims: int,
    lengths: tuple[int, int],
    noise: float,
    generator: np.random.RandomState,
) -> list[npt.NDArray[np.float32]]:
    """Sequences around the hidden vectors, turned into the dimensions of a modality."""
    basis, _ = np.linalg.qr(generator.normal(size=(n_dims, hidden.shape[1])))
    centers = hidden @ basis.T
    counts = generator.randint(lengths[0], lengths[1] + 1, size=len(hidden))
    return [
        (center + noise * generator.normal(size=(count, n_dims))).astype(np.float32)
        for center, count in zip(centers, counts, strict=True)
    ]


def _columns(
    modality: str,
    frames: list[npt.NDArray[np.float32]],
    absent: npt.NDArray[np.bool_],
    kind: str,
    index: pd.Index,
) -> dict[str, pd.Series]:
    if kind == "frames":
        cells = [
            None if is_absent else cell for cell, is_absent in zip(frames, absent, strict=True)
        ]
        return {f"{modality}__frames": object_column(cells, index)}
    means = np.stack([cell.mean(axis=0, dtype=np.float64) for cell in frames])
    means[absent] = np.nan
    return {
        f"{modality}__toy_{dim:04d}": pd.Series(means[:, dim], index=index)
        for dim in range(means.shape[1])
    }
