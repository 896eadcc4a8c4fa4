"""make_face_eeg_trials: trials of faces and EEG, as few as Tan et al. 2021 recorded themselves."""

import os
import warnings
from collections.abc import Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from emoest.datasets._corpora.fer2013 import load_fer2013
from emoest.datasets._generated.face_drawings import EXPRESSIONS, draw_face
from emoest.datasets._reading.bunch import Target, check_target, make_bunch
from emoest.datasets._reading.record import CorpusRecord, register
from emoest.tables.cells import is_path, object_column
from emoest.utils._sklearn import Interval
from emoest.utils.constraints import RANDOM_STATE, RETURN_X_Y, TARGET, validate_arguments
from emoest.utils.messages import listed
from emoest.utils.seeds import RandomState, private_generator
from emoest.utils.typing import Floats

EMOTIONS = tuple(EXPRESSIONS)
CHANNELS = ("FP1", "FP2", "T7", "T8", "P3", "P4", "O1", "O2")
SAMPLING_RATE = 200
BANDS = {"delta": (1, 4), "theta": (4, 8), "alpha": (8, 14), "beta": (14, 31), "gamma": (31, 50)}

_MICROVOLTS = 10.0
# How far each emotion raises the logarithm of the amplitude in each band, times eeg_effect.
_SIGNATURES = {
    "neutral": (0.0, 0.0, 1.0, 0.0, 0.0),
    "sad": (0.5, 1.0, 0.0, 0.0, 0.0),
    "fear": (0.0, 0.0, -0.5, 1.0, 0.5),
    "happy": (0.0, 0.0, 0.0, 0.5, 1.0),
}

FACE_EEG = register(
    CorpusRecord(
        name="face_eeg_trials",
        title="Generated trials of faces and EEG",
        labels={"emotion": EMOTIONS},
        modalities=("face", "eeg"),
        n_speakers=None,
        license="Generated; none needed. Faces that are handed in keep theirs.",
        access="emoest.datasets.make_face_eeg_trials",
        homepage="None.",
        citation="None.",
        notes=(
            "EEG is shaped noise, nothing was recorded. Faces are drawings, or images that are "
            "handed in; a person exists in the EEG only."
        ),
    )
)


@validate_arguments(
    TARGET,
    RETURN_X_Y,
    RANDOM_STATE,
    faces=[str, os.PathLike, tuple, None],
    n_people=[Interval(Integral, 1, None, closed="left")],
    n_clips=[Interval(Integral, 1, None, closed="left")],
    n_images=[Interval(Integral, 1, None, closed="left")],
    seconds=[Interval(Real, 1, None, closed="left")],
    face_spread=[Interval(Real, 0, None, closed="left")],
    eeg_effect=[Interval(Real, 0, None, closed="left")],
    person_effect=[Interval(Real, 0, None, closed="left")],
    trial_effect=[Interval(Real, 0, None, closed="left")],
)
def make_face_eeg_trials(
    faces: Any = None,
    *,
    n_people: int = 3,
    n_clips: int = 4,
    n_images: int = 3,
    seconds: float = 12.0,
    face_spread: float = 0.4,
    eeg_effect: float = 0.5,
    person_effect: float = 0.3,
    trial_effect: float = 0.25,
    target: Target = "emotion",
    return_X_y: bool = False,
    random_state: RandomState = None,
) -> Any:
    """Make trials of faces and EEG: each person sees clips of four emotions.

    Parameters
    ----------
    faces : str, path object, tuple (images, labels) or None, default=None
        Where the faces come from. None draws them. The folder of FER2013 (`load_fer2013`) gives
        images of its PublicTest, without blank ones and without exact copies of training images.
        A tuple gives images (arrays or paths) and their emotions. Real images are drawn by emotion,
        none twice.
    n_people : int, default=3
        Number of persons.
    n_clips : int, default=4
        Clips of each emotion that each person sees.
    n_images : int, default=3
        Images of the face in each trial.
    seconds : float, default=12.0
        Length of the EEG of each trial, at 200 Hz in 8 channels.
    face_spread : float, default=0.4
        How far drawn expressions lie from what they mean.
    eeg_effect : float, default=0.5
        How far an emotion raises the logarithm of the amplitude in its bands; 0 makes EEG that
        tells nothing.
    person_effect : float, default=0.3
        Standard deviation of these logarithms between persons, in each channel and band.
    trial_effect : float, default=0.25
        Standard deviation of these logarithms between trials, in each band.
    target : str or sequence of str, default="emotion"
        ``"emotion"`` (neutral, sad, fear, happy).
    return_X_y : bool, default=False
        Whether to return (X, y) instead of a Bunch.
    random_state : int, RandomState or None, default=None
        Seed or generator.

    Returns
    -------
    bunch : Bunch, or tuple (X, y)
        ``data`` (X) has the columns ``face`` (a list of images), ``eeg`` (a tuple of an array in
        microvolt, the rate and the names of the channels) and the context ``speaker`` (the person,
        also the index level ``group``) and ``clip__group`` (``"1"``, ``"2"``, ...: the number of
        the clip within its emotion, by which folds are made). ``target`` (y) is a Series; further
        ``frame``, ``groups``, ``splits`` (empty), ``record``, ``missing`` and ``DESCR``.

    Raises
    ------
    ValueError
        If an emotion has too few images.

    Notes
    -----
    Three persons, four emotions and four clips of each are the shape of the own recordings of Tan
    et al. 2021, as a reader's notes tell. FER2013 names no persons, so the faces of a "person" here
    are those of several people: what is person-dependent exists in the EEG only.

    Examples
    --------
    >>> X, y = make_face_eeg_trials(seconds=4, return_X_y=True, random_state=0)
    >>> X.shape, list(X.columns), y.value_counts().tolist()
    ((48, 4), ['face', 'eeg', 'speaker', 'clip__group'], [12, 12, 12, 12])
    >>> X["eeg"].iloc[0][0].shape, len(X["face"].iloc[0])
    ((8, 800), 3)
    """
    check_target(target, FACE_EEG)
    generator = private_generator(random_state)
    design = [
        (person, emotion, clip)
        for person in range(n_people)
        for emotion in EMOTIONS
        for clip in range(n_clips)
    ]
    cells = _draw_cells(design, faces, n_images, face_spread, generator)
    offsets = person_effect * generator.normal(size=(n_people, len(CHANNELS), len(BANDS)))
    recordings = []
    for person, emotion, _ in design:
        gains = offsets[person] + eeg_effect * np.array(_SIGNATURES[emotion])
        gains = gains + trial_effect * generator.normal(size=len(BANDS))
        signal = shaped_noise(gains, round(seconds * SAMPLING_RATE), generator)
        recordings.append((signal, SAMPLING_RATE, CHANNELS))
    names = [f"p{person + 1}_{emotion}_{clip + 1}" for person, emotion, clip in design]
    index = pd.Index(names, name="trial")
    frame = pd.DataFrame(
        {
            "face": object_column(cells, index),
            "eeg": object_column(recordings, index),
            "speaker": [f"p{person + 1}" for person, _, _ in design],
            "clip__group": [str(clip + 1) for _, _, clip in design],
            "emotion": [emotion for _, emotion, _ in design],
        },
        index=index,
    )
    return make_bunch(frame, FACE_EEG, target=target, return_X_y=return_X_y)


def shaped_noise(
    gains: Floats, n_samples: int, generator: np.random.RandomState
) -> npt.NDArray[np.float32]:
    """Make noise whose amplitude falls with frequency, raised or lowered band by band.

    Parameters
    ----------
    gains : ndarray of shape (n_channels, n_bands)
        Logarithm of what the amplitude in each of `BANDS` is multiplied by.
    n_samples : int
        Length, at 200 Hz.
    generator : RandomState
        Of the noise.

    Returns
    -------
    signal : ndarray of shape (n_channels, n_samples), dtype float32
        In microvolt.

    Examples
    --------
    >>> shaped_noise(np.zeros((2, 5)), 400, np.random.RandomState(0)).shape
    (2, 400)
    """
    frequencies = np.fft.rfftfreq(n_samples, 1 / SAMPLING_RATE)
    shape = np.tile(1 / np.sqrt(np.maximum(frequencies, 1.0)), (len(gains), 1))
    for band, (low, high) in enumerate(BANDS.values()):
        inside = (frequencies >= low) & (frequencies < high)
        shape[:, inside] *= np.exp(gains[:, [band]])
    spectrum = np.fft.rfft(generator.normal(size=(len(gains), n_samples)), axis=1)
    signal = np.fft.irfft(spectrum * shape, n=n_samples, axis=1)
    return (2 * _MICROVOLTS * signal).astype(np.float32)


def _draw_cells(
    design: Sequence[tuple[int, str, int]],
    faces: Any,
    n_images: int,
    spread: float,
    generator: np.random.RandomState,
) -> list[list[Any]]:
    """A list of images for each trial."""
    if faces is None:
        return [
            [draw_face(EXPRESSIONS[emotion], generator, spread=spread) for _ in range(n_images)]
            for _, emotion, _ in design
        ]
    images, labels = faces if isinstance(faces, tuple) else public_test_faces(faces)
    labels = np.asarray(labels)
    left: dict[str, list[Any]] = {}
    for emotion in EMOTIONS:
        rows = np.flatnonzero(labels == emotion)
        needed = n_images * sum(wanted == emotion for _, wanted, _ in design)
        if len(rows) < needed:
            raise ValueError(
                f"There are {len(rows)} images of {emotion!r}, and the trials need {needed}. Pass "
                f"more, or fewer n_people, n_clips or n_images; labels are {listed(EMOTIONS)}."
            )
        left[emotion] = [images[row] for row in generator.permutation(rows)[:needed]]
    return [[left[emotion].pop() for _ in range(n_images)] for _, emotion, _ in design]


def public_test_faces(folder: str | os.PathLike[str]) -> tuple[list[Any], list[str]]:
    """Return the images of FER2013's PublicTest that are neither blank nor copies, and labels.

    Copies are images that a training image equals pixel by pixel (files: byte by byte).

    Examples
    --------
    >>> import tempfile
    >>> from emoest.datasets import make_fer2013_like
    >>> public_test_faces(make_fer2013_like(tempfile.mkdtemp(), scale=0.0001))
    ([], [])
    """
    with warnings.catch_warnings():
        # That Training or PrivateTest is missing does not matter here.
        warnings.simplefilter("ignore")
        X, y = load_fer2013(folder, return_X_y=True)
    seen = {_content(cell) for cell in X.loc[X["split"] == "Training", "face"]}
    chosen = X["split"].eq("PublicTest") & y.isin(EMOTIONS)
    kept = [
        (cell, label)
        for cell, label in zip(X.loc[chosen, "face"], y[chosen], strict=True)
        if _content(cell) not in seen and (is_path(cell) or np.ptp(cell) > 0)
    ]
    return [cell for cell, _ in kept], [str(label) for _, label in kept]


def _content(cell: Any) -> bytes:
    return Path(cell).read_bytes() if is_path(cell) else np.asarray(cell).tobytes()
