"""MSP-IMPROV: twelve actors in six dyadic sessions, read, improvised and between takes."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from emoest.datasets._reading.bunch import Target, check_target, make_bunch
from emoest.datasets._reading.files import decode, find_named_files, list_files
from emoest.datasets._reading.record import CorpusRecord, register
from emoest.datasets._reading.rows import handle_unlabeled, read_lines, report_gaps
from emoest.tables.cells import object_column
from emoest.utils._sklearn import validate_params

CATEGORIES = {
    "A": "anger",
    "H": "happiness",
    "N": "neutral",
    "O": "other",
    "S": "sadness",
    "X": "no agreement",
}
EMOTIONS = {code: CATEGORIES[code] for code in "AHNS"}
CONDITIONS = {
    "P": "natural interaction",
    "R": "target read",
    "S": "other improvised",
    "T": "target improvised",
}
LABEL_FILES = ("Evalution.txt", "Evaluation.txt")
RATINGS = {"A": "arousal", "V": "valence", "D": "dominance", "N": "naturalness"}
N_TURNS = 8438

_NAME = re.compile(
    r"MSP-IMPROV-S(?P<sentence>\d{2})(?P<intended>[A-Z])-(?P<speaker>[FM]\d{2})-"
    r"(?P<condition>[A-Z])-(?P<turn>[FM]{2}\d{2,3})"
)
_RATING = r"(-?\d+\.?\d*|NaN)"
_LABEL = re.compile(
    r"UTD-IMPROV-(?P<turn>[A-Z0-9-]+)\.avi\s*;\s*(?P<code>\w+)\s*;"
    + "".join(rf"\s*{key}:(?P<{name}>{_RATING})\s*;" for key, name in RATINGS.items())
    + r"\s*"
)
_SIZES = {
    "anger": 792,
    "happiness": 2644,
    "neutral": 3477,
    "other": 85,
    "sadness": 885,
    "no agreement": 555,
}

MSP_IMPROV = register(
    CorpusRecord(
        name="msp_improv",
        title="MSP-IMPROV, an acted corpus of dyadic interactions",
        labels={
            "emotion": tuple(EMOTIONS.values()),
            "category": tuple(CATEGORIES.values()),
            "intended": tuple(EMOTIONS.values()),
            "condition": tuple(CONDITIONS.values()),
        },
        codes={
            "emotion": EMOTIONS,
            "category": CATEGORIES,
            "intended": EMOTIONS,
            "condition": CONDITIONS,
        },
        scores=dict.fromkeys(RATINGS.values(), (1.0, 5.0)),
        modalities=("audio", "face"),
        n_speakers=12,
        n_samples={"all": N_TURNS},
        sizes={
            "emotion": {label: _SIZES[label] for label in EMOTIONS.values()},
            "category": _SIZES,
            "condition": {
                "natural interaction": 2785,
                "target read": 620,
                "other improvised": 4381,
                "target improvised": 652,
            },
        },
        license="License of the University of Texas at Dallas; no redistribution.",
        access="On request from the authors.",
        homepage="https://ecs.utdallas.edu/research/researchlabs/msp-lab/MSP-Improv.html",
        citation=(
            "C. Busso, S. Parthasarathy, A. Burmania, M. AbdelWahab, N. Sadoughi and E. Mower "
            "Provost, MSP-IMPROV: An acted corpus of dyadic interactions to study emotion "
            "perception, IEEE Transactions on Affective Computing 8(1), 2017."
        ),
        notes=(
            "Labels are perceived; the intended emotion of the target sentence is in the file name "
            "and is another thing. Which condition a code stands for was inferred from counts. "
            "There are no official partitions; twelve folds, one per speaker with the partner for "
            "validation, are usual. Everybody says the same twenty target sentences in the "
            "conditions 'target read' and 'target improvised'."
        ),
    )
)


@validate_params(
    {
        "folder": [str, os.PathLike],
        "target": [str, list, tuple],
        "conditions": [list, tuple],
        "video": ["boolean"],
        "drop_unlabeled": ["boolean"],
        "strict": ["boolean"],
        "return_X_y": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def load_msp_improv(
    folder: str | os.PathLike[str],
    *,
    target: Target = "emotion",
    conditions: Sequence[str] = ("P", "R", "S", "T"),
    video: bool = False,
    drop_unlabeled: bool = False,
    strict: bool = False,
    return_X_y: bool = False,
) -> Any:
    """Load the turns of MSP-IMPROV: sound, on request video, session, speaker and labels.

    Parameters
    ----------
    folder : str or path object
        The folder with ``Evalution.txt`` (or ``Evaluation.txt``) and the sessions; sub-folders are
        searched. Sound is found by its name, as in
        ``session1/S01A/S/MSP-IMPROV-S01A-F01-S-FM01.wav``, and not opened.
    target : str or sequence of str, default="emotion"
        ``"emotion"`` (the perceived anger, happiness, neutral, sadness), ``"category"`` (with
        "other" and "no agreement"), ``"intended"`` (of the target sentence), ``"condition"``, or
        the mean ratings ``"valence"``, ``"arousal"``, ``"dominance"``, ``"naturalness"``; a
        sequence gives y as a DataFrame.
    conditions : sequence of {"P", "R", "S", "T"}, default=("P", "R", "S", "T")
        Which recordings: natural interaction between takes, target sentence read, other improvised
        turns, target sentence improvised. ``("S",)`` is what MEmoBERT was evaluated on.
    video : bool, default=False
        Whether to give the videos (``.avi`` with the same name) in a column ``face``.
    drop_unlabeled : bool, default=False
        Whether turns without a label of the target are left out; a warning counts them either way.
    strict : bool, default=False
        Whether missing files are an error; otherwise one warning says what is missing.
    return_X_y : bool, default=False
        Whether to return (X, y) instead of a Bunch.

    Returns
    -------
    bunch : Bunch, or tuple (X, y)
        ``data`` (X) has the columns ``audio`` (path), ``face`` (path, if `video`), ``speaker``
        (``"F01"``), ``session`` (``"1"``) and ``dialogue`` (scenario and session, ``"S01A-1"``);
        the speaker is also the index level ``group``; ``target`` (y) is a Series or DataFrame;
        further ``frame``, ``groups``, ``splits`` (empty), ``record``, ``missing``, ``n_unlabeled``
        and ``DESCR``. There are no texts: emoest knows of no official transcripts.

    Raises
    ------
    FileNotFoundError
        If the label file is not there, if no turn is, or if something is missing and `strict`.
    ValueError
        If a code is unknown, a line of the label file unreadable, or the target unknown.

    Warns
    -----
    IncompleteCorpusWarning
        If turns, videos or labels are missing.
    UnlabeledRowsWarning
        If turns have no label of the target.

    References
    ----------
    C. Busso et al., IEEE Transactions on Affective Computing 8(1), 2017. The meaning of the codes
    of the conditions is inferred from their counts there.

    Examples
    --------
    >>> import tempfile, warnings
    >>> from emoest.datasets import make_msp_improv_like
    >>> folder = make_msp_improv_like(tempfile.mkdtemp(), scale=0.01)
    >>> with warnings.catch_warnings(action="ignore"):
    ...     X, y = load_msp_improv(folder, drop_unlabeled=True, return_X_y=True)
    >>> list(X.columns), sorted(y.unique())
    (['audio', 'speaker', 'session', 'dialogue'], ['anger', 'happiness', 'neutral', 'sadness'])
    """
    check_target(target, MSP_IMPROV)
    unknown = [code for code in conditions if code not in CONDITIONS]
    if unknown or not conditions:
        raise ValueError(
            f"conditions={conditions!r} must be some of "
            f"{', '.join(f'{code} ({name})' for code, name in CONDITIONS.items())}."
        )
    sounds = find_named_files(
        folder, _NAME, corpus="MSP-IMPROV", example="MSP-IMPROV-S01A-F01-S-FM01.wav"
    )
    labels = _read_labels(_label_file(folder))
    turns = [_row(turn, path) for turn, path in sounds.items()]
    rows = [{**row, **labels.get(row["turn"], {})} for row in turns if row["code"] in conditions]
    if not rows:
        raise FileNotFoundError(
            f"{str(folder)!r} holds {len(sounds)} turns of MSP-IMPROV, but none of the conditions "
            f"{', '.join(conditions)}."
        )
    wanted = [turn for turn in labels if _condition(turn) in conditions]
    gaps = {
        "sound files": [f"{turn}.wav" for turn in wanted if turn not in sounds],
        "labels": [row["turn"] for row in rows if row["turn"] not in labels],
    }
    frame = _frame(rows)
    if video:
        frame.insert(1, "face", _videos(folder, frame.index))
        gaps["videos"] = [f"{turn}.avi" for turn in frame.index[frame["face"].isna()]]
    missing = report_gaps(gaps, corpus="MSP-IMPROV", folder=folder, strict=strict)
    columns = [target] if isinstance(target, str) else list(target)
    frame, n_unlabeled = handle_unlabeled(frame, columns, drop=drop_unlabeled, corpus="MSP-IMPROV")
    loaded = make_bunch(frame, MSP_IMPROV, target=target, missing=missing, return_X_y=return_X_y)
    if not return_X_y:
        loaded.n_unlabeled = n_unlabeled
    return loaded


def _condition(turn: str) -> str | None:
    match = _NAME.fullmatch(turn)
    return match["condition"] if match else None


def _label_file(folder: str | os.PathLike[str]) -> Path:
    root, paths = list_files(folder, corpus="MSP-IMPROV")
    found = [path for path in paths if path.name in LABEL_FILES]
    if not found:
        raise FileNotFoundError(
            f"The label file of MSP-IMPROV was not found in {str(root)!r}. Looked for "
            f"{' or '.join(LABEL_FILES)} there and in its sub-folders, among {len(paths)} files. "
            "Copy it from the release into this folder."
        )
    return min(found, key=lambda path: (len(path.parts), path))


def _read_labels(path: Path) -> dict[str, dict[str, Any]]:
    """Labels by turn; lines of single raters are passed over."""
    labels = {}
    for number, line in enumerate(read_lines(path), start=1):
        if not line.startswith("UTD-IMPROV-"):
            continue
        match = _LABEL.fullmatch(line)
        if match is None:
            raise ValueError(
                f"Line {number} of {str(path)!r} is not a label of MSP-IMPROV: {line!r}. Expected "
                "'UTD-IMPROV-<turn>.avi; <code>; A:<number>; V:<number>; D:<number> ; N:<number>;'."
            )
        if match["code"] not in CATEGORIES:
            raise ValueError(
                f"Line {number} of {str(path)!r}, turn {match['turn']}, has the unknown emotion "
                f"code {match['code']!r}; known are {', '.join(CATEGORIES)}."
            )
        labels[f"MSP-IMPROV-{match['turn']}"] = {
            "emotion": EMOTIONS.get(match["code"]),
            "category": CATEGORIES[match["code"]],
            **{name: float(match[name]) for name in RATINGS.values()},
        }
    return labels


def _row(turn: str, path: Path) -> dict[str, Any]:
    match = _NAME.fullmatch(turn)
    assert match is not None
    session = str(int(match["speaker"][1:]))
    return {
        "turn": turn,
        "audio": str(path),
        "speaker": match["speaker"],
        "session": session,
        "dialogue": f"S{match['sentence']}{match['intended']}-{session}",
        "code": match["condition"],
        "condition": decode(CONDITIONS, match["condition"], field="condition", path=path),
        "intended": decode(EMOTIONS, match["intended"], field="intended emotion", path=path),
    }


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows).set_index("turn").drop(columns="code")
    for column in ("emotion", "category", *RATINGS.values()):
        if column not in frame.columns:
            frame[column] = None
    frame["audio"] = object_column(list(frame["audio"]), frame.index)
    return frame


def _videos(folder: str | os.PathLike[str], turns: pd.Index) -> pd.Series:
    paths = list_files(folder, corpus="MSP-IMPROV")[1]
    found = {path.stem: str(path) for path in sorted(paths) if path.suffix.lower() == ".avi"}
    cells = [found.get(turn, found.get(turn.replace("MSP", "UTD", 1))) for turn in turns]
    return object_column(cells, turns)
