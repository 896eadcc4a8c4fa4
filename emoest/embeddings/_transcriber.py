"""Speech to text: media in, media out, with Whisper through faster-whisper."""

import json
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from emoest.embeddings._base import PretrainedTransformer
from emoest.embeddings._speech.pieces import Speech, cut_pieces
from emoest.embeddings._speech.transcripts import (
    DETAILS,
    WORDS,
    as_bytes,
    segment_of,
    transcript_row,
    words_of,
)
from emoest.files.digests import file_digest
from emoest.files.hub import CTRANSLATE2
from emoest.files.weights import files_digest
from emoest.media.audio import Audio, open_audio
from emoest.media.items import as_table
from emoest.tables.cells import is_missing, object_column
from emoest.utils import constraints
from emoest.utils.messages import listed
from emoest.utils.optional import import_optional, major_version

RATE = 16_000
PIECE_SECONDS = 300
"""Seconds of a recording that are held in memory at once."""

_RECIPE_VERSION = 1


class _Loaded(NamedTuple):
    model: Any
    find_speech: Any


class SpeechTranscriber(PretrainedTransformer):
    """Transcribe speech with Whisper: a column of audio becomes a column of text.

    What comes out is media again, which `BERTEmbedder` or `SBERTEmbedder` reads. The transcript
    must not invent: parts in which a voice activity detector hears nobody are left out before
    Whisper sees them, decoding is a deterministic beam search without sampling (temperature 0, no
    fallback to higher ones), and no window sees the text of the one before. Where nobody speaks,
    the text is missing.

    Parameters
    ----------
    model : str or path object, default="whisper-base"
        ``"whisper-base"``, pinned weights (see `WhisperEmbedder`); the name of a CTranslate2
        conversion on the Hugging Face hub (``"Systran/faster-whisper-small"``) or its folder, with
        ``tokenizer.json``.
    revision : str, default=None
        Branch, tag or commit on the hub.
    language : str, default=None
        Language spoken, as Whisper names it (``"en"``, ``"de"``, ``"zh"``); None detects it for
        each item from the start of its speech, which can go wrong for short clips.
    words : bool, default=False
        Whether a text is a list of its words, with their times beside it, see Notes.
    details : bool, default=False
        Whether to give auxiliary columns about each transcript, see Notes.
    text_column : str, default=None
        Column of X with texts that are there already: they are kept as they are, and an item is
        transcribed only where one is missing. None transcribes all; goes without `words`.
    beam_size : int, default=5
        Hypotheses that are followed in decoding.
    sampling_rate : float, default=None
        Rate in Hz of arrays that come without one; files and tuples (array, rate) bring their own.
    errors : {"raise", "missing"}, default="raise"
        What an item that cannot be read means.
    cache_dir : str, path object, False or None, default=None
        Folder of the store; None takes the user's, False keeps nothing.
    batch_size : int, default=1
        Items that are opened at a time; they are transcribed one by one.
    device : str, default="auto"
        Where the net computes: ``"auto"``, ``"cpu"``, ``"cuda"``.
    verbose : int, default=0
        Above 0 progress is shown.

    Attributes
    ----------
    weights_digest_ : str
        SHA-256 of the weights.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of str
        Their names.

    Raises
    ------
    ImportError
        If faster-whisper is not installed; the extra ``asr`` brings it.
    FileNotFoundError, ConnectionError
        In `fit`, if the weights are not on this machine and cannot be fetched.
    ValueError
        In `fit`, if `text_column` is none of X or goes with ``words=True``; in `transform`, if
        `language` is none that the model knows.

    See Also
    --------
    FrameAligner : Frames of other modalities averaged over each word.

    Notes
    -----
    The column that comes out is ``text``: one str an item, a list of them where the cell was a
    list, None where nobody speaks.

    With ``words=True`` a cell is the list of the words in order, and beside it stand ``seconds``,
    the beginning and end of each word, float32 (n_words, 2), and ``probability``, (n_words,): the
    times that `FrameAligner` needs beside the frames of an encoder that gives one a word. The items
    of a list follow each other in time.

    With ``details=True`` beside it stand ``language`` and ``language_probability`` (what was
    detected, or given), ``no_speech_prob`` and ``avg_logprob``: the mean over the segments,
    weighted by their duration; a low ``avg_logprob`` means that Whisper guessed. Of a list the
    first item's language and the means over items.

    A recording of more than five minutes is transcribed in pieces, cut in pauses where there are
    some, so that memory does not grow with it; its language is detected once.

    Whisper may still write what was not said, above all for laughter, singing and noise that the
    detector takes for a voice. It writes fluent sentences where people stammer.

    Examples
    --------
    >>> SpeechTranscriber(language="de").get_params()["language"]
    'de'
    """

    _stem: ClassVar[str] = "transcript"
    _media: ClassVar[str] = "file"
    _dtype: ClassVar[Any] = np.uint8

    _parameter_constraints: dict = {
        "revision": [str, None],
        "language": [str, None],
        "words": ["boolean"],
        "details": ["boolean"],
        "text_column": [str, None],
        "beam_size": [constraints.POSITIVE_INT],
        "sampling_rate": [constraints.POSITIVE_REAL, None],
        **PretrainedTransformer._parameter_constraints,
    }

    def __init__(
        self,
        model: Any = "whisper-base",
        *,
        revision: str | None = None,
        language: str | None = None,
        words: bool = False,
        details: bool = False,
        text_column: str | None = None,
        beam_size: int = 5,
        sampling_rate: float | None = None,
        errors: str = "raise",
        cache_dir: Any = None,
        batch_size: int = 1,
        device: str = "auto",
        verbose: int = 0,
    ) -> None:
        self.model = model
        self.revision = revision
        self.language = language
        self.words = words
        self.details = details
        self.text_column = text_column
        self.beam_size = beam_size
        self.sampling_rate = sampling_rate
        self.errors = errors
        self.cache_dir = cache_dir
        self.batch_size = batch_size
        self.device = device
        self.verbose = verbose

    def _weights_options(self) -> dict[str, Any]:
        return {**self._folder_options(), "tensors": (CTRANSLATE2,), "verbose": self.verbose}

    def transform(self, X: Any) -> pd.DataFrame:
        """Transcribe a column of audio.

        Parameters
        ----------
        X : DataFrame, Series or array-like of shape (n_samples,) or (n_samples, 1)
            What `fit` takes; with `text_column`, a DataFrame that has it.

        Returns
        -------
        X_out : DataFrame
            On the index of X: the column ``text`` and the auxiliary columns asked for, None where
            nobody speaks or the cell is missing; context columns last.

        Raises
        ------
        ValueError, FileNotFoundError
            If an item cannot be read and ``errors="raise"``; the message names the row, the column
            and the file. What was transcribed before is in the store.
        """
        output = super().transform(X)
        if self.text_column is not None:
            given = self._given_texts(X)
            kept = [
                text if is_missing(old) else old
                for text, old in zip(output["text"], given, strict=True)
            ]
            output["text"] = object_column(kept, output.index)
        return output

    def _column(self, table: pd.DataFrame) -> pd.Series:
        if self.text_column is None:
            return super()._column(table)
        given = self._given_texts(table)
        column = super()._column(table.drop(columns=self.text_column))
        items = [
            cell if is_missing(text) else None for cell, text in zip(column, given, strict=True)
        ]
        return object_column(items, column.index, column.name)

    def _given_texts(self, X: Any) -> pd.Series:
        if self.words:
            raise ValueError(
                "text_column goes without words=True: texts that are there already have no times."
            )
        table = as_table(X)
        if self.text_column not in table.columns:
            raise ValueError(
                f"text_column={self.text_column!r} is no column of X, which has "
                f"{listed(table.columns, quoted=True)}."
            )
        return table[self.text_column]

    def _read_spec(self, path: Path) -> None:
        self._tokenizer_digest = file_digest(path / "tokenizer.json", self.cache_dir)
        # The weights' own digest is that of the tensors; these change what is made of them.
        others = sorted(file.name for file in path.iterdir() if file.suffix in {".json", ".txt"})
        self._configuration_digest = files_digest(path, others, self.cache_dir)

    @property
    def _pooling(self) -> str | None:
        # A stored value is the transcript itself, which nothing pools.
        return None

    def _n_dims(self) -> int:
        return 1

    def _recipe(self) -> dict[str, Any]:
        return {
            "version": _RECIPE_VERSION,
            "tokenizer": self._tokenizer_digest,
            "configuration": self._configuration_digest,
            "language": self.language,
            "words": bool(self.words),
            "beam_size": self.beam_size,
            "piece": PIECE_SECONDS,
            "faster_whisper": _version("faster-whisper"),
            "ctranslate2": _version("ctranslate2"),
            "soxr": major_version("soxr"),
        }

    def _load(self, path: Path, device: str) -> _Loaded:
        library = import_optional("faster_whisper", extra="asr", purpose=type(self).__name__)
        kind, _, index = device.partition(":")
        try:
            model = library.WhisperModel(
                str(path),
                device=kind,
                device_index=int(index or 0),
                compute_type="float32",
                local_files_only=True,
            )
        except (RuntimeError, ValueError) as error:
            raise ValueError(
                f"{str(path)!r} is no Whisper model of CTranslate2, or it is damaged ({error})."
            ) from error
        return _Loaded(model, library.vad.get_speech_timestamps)

    def _read_item(self, item: Any, name: str) -> Audio:
        return open_audio(item, sampling_rate=self.sampling_rate, name=name)

    def _embed(self, model: _Loaded, batch: list[Audio]) -> list[np.ndarray]:
        return [as_bytes(self._transcribe(model, audio)) for audio in batch]

    def _transcribe(self, loaded: _Loaded, audio: Audio) -> dict[str, Any]:
        known = loaded.model.supported_languages
        if self.language is not None and self.language not in known:
            raise ValueError(
                f"language={self.language!r} is none that the model knows; it knows "
                f"{', '.join(known)}."
            )
        found: dict[str, Any] = {"duration": audio.seconds, "segments": [], "words": []}
        language, probability = self.language, 1.0

        def find_speech(signal: np.ndarray) -> Speech:
            return [(span["start"], span["end"]) for span in loaded.find_speech(signal)]

        pieces = cut_pieces(audio.blocks(RATE), PIECE_SECONDS * RATE, find_speech)
        for start, signal, speech in pieces:
            if not speech:
                continue
            segments, info = loaded.model.transcribe(
                signal,
                language=language,
                beam_size=self.beam_size,
                temperature=0.0,
                condition_on_previous_text=False,
                vad_filter=True,
                word_timestamps=bool(self.words),
            )
            for segment in segments:
                found["segments"].append(segment_of(segment, start / RATE))
                found["words"] += words_of(segment, start / RATE)
            if language is None:
                language, probability = info.language, float(info.language_probability)
        found["language"], found["language_probability"] = language, probability
        return found

    def _columns(self) -> list[str]:
        return ["text", *(WORDS if self.words else ()), *(DETAILS if self.details else ())]

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Name the columns that `transform` gives.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Ignored; there for scikit-learn.

        Returns
        -------
        names : ndarray of str objects
        """
        check_is_fitted(self)
        return np.asarray([*self._columns(), *self._context], dtype=object)

    def _assemble(self, run: Any, index: pd.Index) -> pd.DataFrame:
        rows = []
        for keys, is_list in zip(run.rows, run.are_lists, strict=True):
            absent = not keys or any(key in run.failed for key in keys)
            items = [] if absent else [json.loads(run.values[key].tobytes()) for key in keys]
            rows.append(transcript_row(items, is_list, self.words))
        return pd.DataFrame(
            {name: object_column([row[name] for row in rows], index) for name in self._columns()},
            index=index,
        )


def _version(package: str) -> str:
    """First number of a package's version; without it nothing new can be transcribed anyway."""
    try:
        return major_version(package)
    except ImportError:
        return "none"
