"""A voice that says words: eSpeak NG, through its shared library.

The library is found where the operating system has it, or in the package ``espeakng-loader``, which
carries it with its voices. eSpeak NG is under the GPL; nothing of it is loaded before it is asked
for.
"""

import _ctypes
import ctypes
import ctypes.util
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import soxr

from emoest.datasets._generated.speech_synthesis import Prosody
from emoest.utils.optional import import_optional

VOICES = {"en": "en", "de": "de", "zh": "cmn"}
"""What eSpeak NG calls the voice of a language."""

# From eSpeak NG's speak_lib.h: output handed over in blocks, and the numbers of its parameters.
_SYNCHRONOUS = 2
_RATE, _PITCH, _RANGE, _WORD_GAP = 1, 3, 4, 7
_UTF8 = 1
_BY_CHARACTER = 1

_USUAL = Prosody()
_MALE, _FEMALE = ("m1", "m3", "m7", "m4"), ("f2", "f4", "f1", "f3")
# A longer vocal tract than this is a man's.
_FEMALE_TRACT = 1.05
_FEMALE_F0 = 180.0
_PEAK = 0.98

# The library holds one voice and one text at a time.
_LOCK = threading.Lock()
_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


class _Library(NamedTuple):
    handle: Any
    rate: int
    version: str
    blocks: list[npt.NDArray[np.int16]]


def espeak_version() -> str:
    """Return the version of eSpeak NG.

    Raises
    ------
    ImportError
        If it is not installed.
    """
    with _opened() as library:
        return library.version


def speak(
    text: str, prosody: Prosody, language: str, sampling_rate: int
) -> npt.NDArray[np.float32]:
    """Say a text.

    Pitch, its range, tempo, the gaps between words and loudness follow `prosody`; so does the
    voice, one of four men's and four women's by `prosody.tract`. Brightness does not.

    Parameters
    ----------
    text : str
        What is said.
    prosody : Prosody
        How; `level` is in dB below full scale.
    language : {"en", "de", "zh"}
        In which language.
    sampling_rate : int
        Rate in Hz.

    Returns
    -------
    signal : ndarray of shape (n_samples,), dtype float32

    Raises
    ------
    ImportError
        If eSpeak NG is not installed.
    RuntimeError
        If it does not have the voice, or cannot say the text.
    """
    female = prosody.tract > _FEMALE_TRACT
    # A speaker's tract is drawn once, so that its digits choose the same variant every time.
    variant = (_FEMALE if female else _MALE)[int(prosody.tract * 1e6) % len(_MALE)]
    f0 = prosody.f0 / (_FEMALE_F0 if female else _USUAL.f0)
    values = {
        _RATE: np.clip(175 * prosody.syllable_rate / _USUAL.syllable_rate, 80, 400),
        _PITCH: np.clip(50 * f0, 5, 99),
        _RANGE: np.clip(50 * prosody.f0_range / _USUAL.f0_range, 0, 99),
        _WORD_GAP: np.clip(2 * prosody.pause / _USUAL.pause - 1, 0, 15),
    }
    with _opened() as library:
        samples = _say(library, text, f"{VOICES[language]}+{variant}", values)
    signal = soxr.resample(samples.astype(np.float32) / 2**15, library.rate, sampling_rate)
    signal *= 10 ** (prosody.level / 20) / np.sqrt(np.mean(np.square(signal)) + 1e-12)
    peak = float(np.abs(signal).max())
    loud: npt.NDArray[np.float32] = signal * min(1.0, _PEAK / max(peak, 1e-12))
    return loud


def _say(library: _Library, text: str, voice: str, values: dict[int, Any]) -> npt.NDArray[np.int16]:
    handle = library.handle
    if handle.espeak_SetVoiceByName(voice.encode()) != 0:
        raise RuntimeError(f"eSpeak NG {library.version} has no voice {voice!r}.")
    for number, value in values.items():
        handle.espeak_SetParameter(number, round(float(value)), 0)
    content = text.encode()
    failed = handle.espeak_Synth(content, len(content) + 1, 0, _BY_CHARACTER, 0, _UTF8, None, None)
    if failed or not library.blocks:
        raise RuntimeError(f"eSpeak NG could not say {text!r} (error {failed}).")
    return np.concatenate(library.blocks)


@contextmanager
def _opened() -> Iterator[_Library]:
    """Load the library, and unload it afterwards.

    It keeps in static variables where its oscillators are, so that what it says depends on what was
    said before; only a library that was loaded anew says the same again.
    """
    path, data = _find()
    with _LOCK:
        handle = ctypes.CDLL(path)
        handle.espeak_Info.restype = ctypes.c_char_p
        rate = handle.espeak_Initialize(_SYNCHRONOUS, 0, data, 0)
        if rate <= 0:
            raise RuntimeError(f"eSpeak NG ({path!r}) does not find its voices.")
        # It seeds the breath of its voices by the clock; versions before 1.52 have no such call.
        with suppress(AttributeError):
            handle.espeak_ng_SetRandSeed(ctypes.c_long(1))
        blocks: list[npt.NDArray[np.int16]] = []

        def collect(samples: Any, n_samples: int, _events: Any) -> int:
            if samples and n_samples:
                blocks.append(np.ctypeslib.as_array(samples, (n_samples,)).copy())
            return 0

        callback = _Callback(collect)
        handle.espeak_SetSynthCallback(callback)
        try:
            yield _Library(handle, rate, handle.espeak_Info(None).decode(), blocks)
        finally:
            handle.espeak_Terminate()
            # Windows has another name for it, and keeps the library loaded here.
            getattr(_ctypes, "dlclose", lambda _: None)(handle._handle)


def _find() -> tuple[str, bytes | None]:
    """Return the path of the library, and that of its voices where it does not know it."""
    system = ctypes.util.find_library("espeak-ng")
    if system is not None:
        return system, None
    loader = import_optional(
        "espeakng_loader", extra="espeak", purpose="make_stories(voice='espeak')"
    )
    return str(loader.get_library_path()), str(loader.get_data_path()).encode()
