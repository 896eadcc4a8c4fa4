"""MSP-IMPROV: twelve actors in six dyadic sessions, read, improvised and between takes."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from emoest.datasets._reading.bunch import Target, check_target, make_bunch
from emoest.datasets._reading.files import CorpusFolder, decode
from emoest.datasets._reading.record import CorpusRecord, register
from emoest.datasets._reading.rows import handle_unlabeled, match_labels
from emoest.tables.cells import object_column
from emoest.utils.constraints import DROP_UNLABELED, LOADER, validate_arguments

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
# The first is the release's own spelling.
LABEL_FILES = ("Evalution.txt", "Evaluation.txt")
SCORES = {"A": "arousal", "V": "valence", "D": "dominance", "N": "naturalness"}
N_TURNS = 8438

_NAME = re.compile(
    r"MSP-IMPROV-S(?P<sentence>\d{2})(?P<intended>[A-Z])-(?P<speaker>[FM]\d{2})-"
    r"(?P<condition>[A-Z])-(?P<turn>[FM]{2}\d{2,3})"
)
_SCORE = r"(-?\d+\.?\d*|NaN)"
_LABEL = re.compile(
    r"UTD-IMPROV-(?P<turn>[A-Z0-9-]+)\.avi\s*;\s*(?P<code>\w+)\s*;"
    + "".join(rf"\s*{key}:(?P<{name}>{_SCORE})\s*;" for key, name in SCORES.items())
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
        scores=dict.fromkeys(SCORES.values(), (1.0, 5.0)),
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


@validate_arguments(LOADER, DROP_UNLABELED, conditions=[list, tuple], video=["boolean"])
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
    """Load the turns of MSP-IMPROV: audio, on request video, session, speaker and labels.

    Parameters
    ----------
    folder : str or path object
        The folder with ``Evalution.txt`` (or ``Evaluation.txt``) and the sessions; sub-folders are
        searched. Audio files are found by their names, as in
        ``session1/S01A/S/MSP-IMPROV-S01A-F01-S-FM01.wav``, and not opened.
    target : str or sequence of str, default="emotion"
        ``"emotion"`` (the perceived anger, happiness, neutral, sadness), ``"category"`` (with
        "other" and "no agreement"), ``"intended"`` (of the target sentence), ``"condition"``, or
        the continuous targets ``"valence"``, ``"arousal"``, ``"dominance"``, ``"naturalness"``; a
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
    files = CorpusFolder(folder, "MSP-IMPROV", strict)
    audio = files.find_named(_NAME, example="MSP-IMPROV-S01A-F01-S-FM01.wav")
    label_file = files.first(*LABEL_FILES)
    if label_file is None:
        advice = "Copy it from the release into this folder."
        raise files.not_found("label file", " or ".join(LABEL_FILES), advice)
    labels = _read_labels(label_file)
    turns = [_row(turn, path) for turn, path in audio.items()]
    rows = [{**row, **labels.get(row["turn"], {})} for row in turns if row["code"] in conditions]
    if not rows:
        raise FileNotFoundError(
            f"{str(folder)!r} holds {len(audio)} turns of MSP-IMPROV, but none of the conditions "
            f"{', '.join(conditions)}."
        )
    wanted = [turn for turn in labels if _condition(turn) in conditions]
    missing = {
        "audio files": [f"{turn}.wav" for turn in wanted if turn not in audio],
        "labels": [row["turn"] for row in rows if row["turn"] not in labels],
    }
    frame = _frame(rows)
    if video:
        frame.insert(1, "face", _videos(files.paths, frame.index))
        missing["videos"] = [f"{turn}.avi" for turn in frame.index[frame["face"].isna()]]
    names = files.report_missing(missing)
    frame, n_unlabeled = handle_unlabeled(frame, target, drop=drop_unlabeled, corpus="MSP-IMPROV")
    return make_bunch(
        frame,
        MSP_IMPROV,
        target=target,
        missing=names,
        n_unlabeled=n_unlabeled,
        return_X_y=return_X_y,
    )


def _condition(turn: str) -> str | None:
    match = _NAME.fullmatch(turn)
    return match["condition"] if match else None


def _read_labels(path: Path) -> dict[str, dict[str, Any]]:
    """Labels by turn; lines of single raters are passed over."""
    return {
        f"MSP-IMPROV-{match['turn']}": {
            "emotion": EMOTIONS.get(match["code"]),
            "category": CATEGORIES[match["code"]],
            **{name: float(match[name]) for name in SCORES.values()},
        }
        for match in match_labels(
            path,
            _LABEL,
            CATEGORIES,
            start="UTD-IMPROV-",
            corpus="MSP-IMPROV",
            form="UTD-IMPROV-<turn>.avi; <code>; A:<number>; V:<number>; D:<number> ; N:<number>;",
        )
    }


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
    for column in ("emotion", "category", *SCORES.values()):
        if column not in frame.columns:
            frame[column] = None
    frame["audio"] = object_column(list(frame["audio"]), frame.index)
    return frame


def _videos(paths: Sequence[Path], turns: pd.Index) -> pd.Series:
    found = {path.stem: str(path) for path in sorted(paths) if path.suffix.lower() == ".avi"}
    # Videos may have the prefix of the label file, UTD-IMPROV, instead of that of the audio.
    cells = [found.get(turn, found.get(turn.replace("MSP", "UTD", 1))) for turn in turns]
    return object_column(cells, turns)
