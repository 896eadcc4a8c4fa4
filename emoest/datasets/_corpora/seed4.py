"""SEED-IV: EEG of fifteen persons who watched film clips, raw or as the features next to it."""

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from emoest.datasets._reading.bunch import Target, check_target, make_bunch
from emoest.datasets._reading.files import CorpusFolder
from emoest.datasets._reading.record import CorpusRecord, register
from emoest.media.decoding.mat_files import mat_variables, read_mat
from emoest.media.eeg import SEED_CHANNELS
from emoest.media.eeg_files import cells_from_mat
from emoest.tables.cells import object_column
from emoest.utils._sklearn import StrOptions
from emoest.utils.constraints import LOADER, validate_arguments
from emoest.utils.messages import listed

EMOTIONS = {"0": "neutral", "1": "sad", "2": "fear", "3": "happy"}
SESSIONS = {
    1: "123020010121112322330303",
    2: "213002023323201121030131",
    3: "122133311210233023002010",
}
"""Codes of the 24 trials of each session; all persons saw the same clips."""

FEATURES = ("de_LDS", "de_movingAve", "psd_LDS", "psd_movingAve")
N_SUBJECTS = 15
N_TRIALS = 24
N_TRAIN_TRIALS = 16
N_BANDS = 5
SAMPLING_RATE = 200

_RAW, _SMOOTH = "eeg_raw_data", "eeg_feature_smooth"
_NAME = re.compile(r"(?P<subject>[0-9]{1,2})_(?P<date>[0-9]{8})")

SEED4 = register(
    CorpusRecord(
        name="seed4",
        title="SEED-IV, SJTU Emotion EEG Dataset with four emotions",
        labels={"emotion": tuple(EMOTIONS.values())},
        codes={"emotion": EMOTIONS},
        modalities=("eeg",),
        n_speakers=N_SUBJECTS,
        splits=("train", "test"),
        sizes={"emotion": dict.fromkeys(EMOTIONS.values(), 6 * 3 * N_SUBJECTS)},
        license="Unknown here; given out for research by its authors.",
        access="On request from the authors.",
        homepage="https://bcmi.sjtu.edu.cn/home/seed/seed-iv.html",
        citation=(
            "W.-L. Zheng, W. Liu, Y. Lu, B.-L. Lu and A. Cichocki, EmotionMeter: A Multimodal "
            "Framework for Recognizing Human Emotions, IEEE Transactions on Cybernetics 49(3), "
            "2019."
        ),
        notes=(
            "All persons saw the same clips in the same order. Windows of one trial are nearly the "
            "same, above all with LDS features: no split may part them. A person is the speaker, "
            "a session's first 16 trials are train, its last 8 test."
        ),
        n_samples={"train": 16 * 3 * N_SUBJECTS, "test": 8 * 3 * N_SUBJECTS},
        split_sizes={
            split: {
                label: N_SUBJECTS * sum(codes[part].count(code) for codes in SESSIONS.values())
                for code, label in EMOTIONS.items()
            }
            for split, part in (
                ("train", slice(N_TRAIN_TRIALS)),
                ("test", slice(N_TRAIN_TRIALS, None)),
            )
        },
    )
)


@validate_arguments(
    LOADER, data=[StrOptions({"raw", "features"})], feature=[StrOptions(set(FEATURES))]
)
def load_seed4(
    folder: str | os.PathLike[str],
    *,
    data: str = "raw",
    feature: str = "de_LDS",
    target: Target = "emotion",
    strict: bool = False,
    return_X_y: bool = False,
) -> Any:
    """Load SEED-IV: a row is a trial, one film clip seen by one person.

    Parameters
    ----------
    folder : str or path object
        Where ``eeg_raw_data`` or ``eeg_feature_smooth`` lies, with the sessions ``1``, ``2`` and
        ``3`` and in each a file per person, ``<person>_<date>.mat``.
    data : {"raw", "features"}, default="raw"
        What the cells hold. ``"raw"``: a path and a variable, ``1_20160518.mat#cz_eeg1``: 62
        channels (`emoest.media.SEED_CHANNELS`) at 200 Hz, of which only the names are read.
        ``"features"``: an array of shape (n_windows, 310), float32, in windows of 4 s, channel by
        channel the five bands delta to gamma.
    feature : {"de_LDS", "de_movingAve", "psd_LDS", "psd_movingAve"}, default="de_LDS"
        With ``data="features"``, which of them: differential entropy or power spectral density,
        smoothed by a linear dynamic system or a moving average.
    target : str or sequence of str, default="emotion"
        ``"emotion"`` (neutral, sad, fear, happy).
    strict : bool, default=False
        Whether a missing file or trial is an error; otherwise one warning says what is missing.
    return_X_y : bool, default=False
        Whether to return (X, y) instead of a Bunch.

    Returns
    -------
    bunch : Bunch, or tuple (X, y)
        ``data`` (X) has the column ``eeg`` (raw) or ``eeg__frames`` (features) and the context
        ``speaker`` (the person, ``"01"`` to ``"15"``, also the index level ``group``), ``session``
        (``"1"`` to ``"3"``) and ``split`` (the first 16 trials of a session are ``"train"``, the
        last 8 ``"test"``); ``target`` (y) is a Series; further ``frame`` (with ``trial``),
        ``groups``, ``splits``, ``record``, ``missing`` and ``DESCR``. The index is the trial,
        ``s01_1_t01`` for person 1, session 1, trial 1.

    Raises
    ------
    FileNotFoundError
        If the folder holds no file of SEED-IV, or lacks one and `strict`.
    ValueError
        If a file cannot be read, holds an unknown trial, or two files are of one person and
        session; if the target is unknown.

    Warns
    -----
    IncompleteCorpusWarning
        If something is missing.

    Notes
    -----
    The split is that of EmotionMeter, as it is remembered; it is made for models of one person and
    session. For a model of unseen persons use ``GroupKFold`` on ``X["speaker"]``.

    References
    ----------
    W.-L. Zheng et al., EmotionMeter, IEEE Transactions on Cybernetics 49(3), 2019.

    Examples
    --------
    >>> import tempfile, warnings
    >>> from emoest.datasets import make_seed4_like
    >>> folder = make_seed4_like(tempfile.mkdtemp(), n_subjects=1, seconds=8)
    >>> with warnings.catch_warnings(action="ignore"):
    ...     X, y = load_seed4(folder, data="features", return_X_y=True)
    >>> len(X), X["eeg__frames"].iloc[0].shape, y.iloc[0]
    (72, (2, 310), 'sad')
    """
    check_target(target, SEED4)
    files = CorpusFolder(folder, "SEED-IV", strict)
    found = _find(files, _RAW if data == "raw" else _SMOOTH)
    rows = []
    for (session, subject), path in found.items():
        cells = _raw(path) if data == "raw" else _features(path, feature)
        for trial, cell in cells.items():
            rows.append(_row(subject, session, trial, cell))
    column = "eeg" if data == "raw" else "eeg__frames"
    frame = pd.DataFrame(rows).set_index("name").rename(columns={"cell": column})
    frame.index.name = "trial_name"
    frame[column] = object_column(list(frame[column]), frame.index)
    wanted = {
        f"person {subject}, session {session}": (session, subject)
        for session in SESSIONS
        for subject in range(1, N_SUBJECTS + 1)
    }
    present = set(frame.index)
    missing = {
        "files": [name for name, key in wanted.items() if key not in found],
        "trials": [
            name
            for session, subject in found
            for trial in range(1, N_TRIALS + 1)
            if (name := _trial_name(subject, session, trial)) not in present
        ],
    }
    return make_bunch(
        frame,
        SEED4,
        target=target,
        splits=SEED4.splits,
        missing=files.report_missing(missing),
        return_X_y=return_X_y,
    )


def _find(files: CorpusFolder, kind: str) -> dict[tuple[int, int], Path]:
    """Files by session and person, those of the kind that is asked for."""
    found: dict[tuple[int, int], Path] = {}
    for path in files.paths:
        match = _NAME.fullmatch(path.stem)
        # Both kinds have the same file names: the folder tells them apart, if it was copied too.
        inside = kind in path.parts or not {_RAW, _SMOOTH} & set(path.parts)
        if match is None or path.suffix.lower() != ".mat" or not inside:
            continue
        session, subject = path.parent.name, int(match["subject"])
        if session not in ("1", "2", "3") or not 1 <= subject <= N_SUBJECTS:
            raise ValueError(
                f"{str(path)!r} is not where SEED-IV has it: the folder is the session (1, 2, 3) "
                f"and the name begins with the person (1 to {N_SUBJECTS})."
            )
        other = found.setdefault((int(session), subject), path)
        if other != path:
            raise ValueError(
                f"{str(path)!r} and {str(other)!r} are of one person and session. Move one away."
            )
    if not found:
        raise files.not_found("file", f"files like '{kind}/1/1_20160518.mat'")
    return dict(sorted(found.items(), key=lambda item: (item[0][1], item[0][0])))


def _raw(path: Path) -> dict[int, str]:
    cells = cells_from_mat(path)
    numbered = {int(cell.rpartition("_eeg")[2]): cell for cell in cells}
    if len(numbered) < len(cells):
        raise ValueError(f"{str(path)!r} has a trial twice: {listed(cells)}.")
    _check_trials(numbered, path)
    return numbered


def _features(path: Path, feature: str) -> dict[int, np.ndarray]:
    """Read one family of features; cells are (n_windows, 62 * 5)."""
    pattern = re.compile(rf"{feature}([0-9]+)")
    try:
        names = {
            int(match[1]): name
            for name in mat_variables(str(path), repr(str(path)))
            if (match := pattern.fullmatch(name)) is not None
        }
        values = {name: read_mat(str(path), name, repr(str(path))) for name in names.values()}
    except Exception as error:
        raise ValueError(f"{str(path)!r} cannot be read ({error}). Copy it again.") from error
    if not names:
        raise ValueError(f"{str(path)!r} holds no variable like {feature + '1'!r}.")
    _check_trials(names, path)
    cells = {}
    for trial, name in sorted(names.items()):
        value = values[name]
        if value.ndim != 3 or value.shape[::2] != (len(SEED_CHANNELS), N_BANDS):
            raise ValueError(
                f"{str(path)!r}: {name} has the shape {value.shape}; "
                f"({len(SEED_CHANNELS)}, n_windows, {N_BANDS}) is expected."
            )
        cells[trial] = value.transpose(1, 0, 2).reshape(value.shape[1], -1).astype(np.float32)
    return cells


def _check_trials(trials: dict[int, Any], path: Path) -> None:
    unknown = sorted(set(trials) - set(range(1, N_TRIALS + 1)))
    if unknown:
        raise ValueError(
            f"{str(path)!r} holds the unknown trial {unknown[0]}; a session has {N_TRIALS}."
        )


def _trial_name(subject: int, session: int, trial: int) -> str:
    return f"s{subject:02d}_{session}_t{trial:02d}"


def _row(subject: int, session: int, trial: int, cell: Any) -> dict[str, Any]:
    return {
        "name": _trial_name(subject, session, trial),
        "cell": cell,
        "speaker": f"{subject:02d}",
        "session": str(session),
        "split": "train" if trial <= N_TRAIN_TRIALS else "test",
        "trial": trial,
        "emotion": EMOTIONS[SESSIONS[session][trial - 1]],
    }
