"""Functionals of openSMILE: eGeMAPS, ComParE 2016 and their forerunners as a transformer."""

import warnings
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, ClassVar

import numpy as np
from joblib import Parallel, delayed

from emoest.media.audio import read_audio
from emoest.media.transformer import CellTransformer
from emoest.utils import constraints
from emoest.utils._sklearn import StrOptions
from emoest.utils.optional import import_optional

N_FEATURES = {
    "eGeMAPSv02": 88,
    "ComParE_2016": 6373,
    "GeMAPSv01b": 62,
    "emobase": 988,
    "IS09": 384,
}
"""Feature sets and how many functionals they have."""

_PURPOSE = "OpenSMILEFunctionals"
_RECIPE_VERSION = 1
_LARGEST = 2.0
# The largest sample of 16 bits: openSMILE's package turns a larger one into the smallest.
_FULL_SCALE = 32767.0 / 32768.0


Recording = tuple[np.ndarray, float, str]
"""A decoded item: its samples, its rate in Hz, and what an error calls it."""


class OpenSMILEFunctionals(CellTransformer):
    """Describe audio by the functionals of a feature set of openSMILE, under its own names.

    The package ``opensmile`` computes them; it comes with the extra ``opensmile``. **Its license is
    not that of emoest**: openSMILE is free for private, research and educational use, and other
    use needs a license of audEERING.

    Audio is averaged over channels, cut to 16 bits and analyzed at its own sampling rate, as
    openSMILE itself does; a column of several rates is better resampled to one before.

    Parameters
    ----------
    feature_set : {"eGeMAPSv02", "ComParE_2016", "GeMAPSv01b", "emobase", "IS09"}, \
default="eGeMAPSv02"
        Which functionals: 88 of the extended Geneva set [1]_, 6,373 of the ComParE challenges since
        2013 [2]_, 62 of the minimal Geneva set, 988 of emobase, 384 of the Emotion Challenge 2009.
    pooling : {"mean", "max"} or None, default=None
        None gives one frame an item and its seconds, which an aggregator weights; a pooling gives
        columns named as the functionals, where a list of items is averaged by seconds or its
        largest values are taken.
    sampling_rate : float, default=None
        Rate in Hz of arrays that come without one; files and tuples (array, rate) bring their own.
    errors : {"raise", "missing"}, default="raise"
        What an item that cannot be read, or is too short for a functional, means.
    cache_dir : str, path object, False or None, default=None
        Folder of the store; None takes the user's, False keeps nothing.
    batch_size : int, default=32
        Items that are analyzed before their values are stored.
    n_jobs : int, default=None
        Threads that analyze items at the same time; None is 1, -1 as many as there are cores.
    verbose : int, default=0
        Above 0 progress is shown.

    Attributes
    ----------
    n_dims_ : int
        Number of functionals.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of str
        Their names.

    Raises
    ------
    ImportError
        In `fit`, if the package ``opensmile`` is not installed.

    See Also
    --------
    AcousticFunctionals : Functionals of emoest's own, without any other package.

    References
    ----------
    .. [1] F. Eyben et al., "The Geneva Minimalistic Acoustic Parameter Set (GeMAPS) for voice
       research and affective computing", IEEE Transactions on Affective Computing 7(2), 2016.
    .. [2] B. Schuller et al., "The INTERSPEECH 2016 Computational Paralinguistics Challenge:
       Deception, sincerity and native language", Interspeech 2016.

    Examples
    --------
    >>> import numpy as np
    >>> from emoest.features import OpenSMILEFunctionals
    >>> OpenSMILEFunctionals("ComParE_2016", n_jobs=2)
    OpenSMILEFunctionals(feature_set='ComParE_2016', n_jobs=2)
    """

    _media: ClassVar[str] = "file"
    _sidecars: ClassVar[tuple[str, ...]] = ("seconds",)

    _parameter_constraints: dict = {
        "feature_set": [StrOptions(set(N_FEATURES))],
        "pooling": [StrOptions({"mean", "max"}), None],
        "sampling_rate": [constraints.POSITIVE_REAL, None],
        **CellTransformer._parameter_constraints,
        **constraints.N_JOBS,
    }

    def __init__(
        self,
        feature_set: str = "eGeMAPSv02",
        *,
        pooling: str | None = None,
        sampling_rate: float | None = None,
        errors: str = "raise",
        cache_dir: Any = None,
        batch_size: int = 32,
        n_jobs: int | None = None,
        verbose: int = 0,
    ):
        self.feature_set = feature_set
        self.pooling = pooling
        self.sampling_rate = sampling_rate
        self.errors = errors
        self.cache_dir = cache_dir
        self.batch_size = batch_size
        self.n_jobs = n_jobs
        self.verbose = verbose

    @property
    def _stem(self) -> str:
        return self.feature_set.lower()

    def _resolve(self) -> None:
        try:
            self._version = version("opensmile")
        except PackageNotFoundError:
            import_optional("opensmile", extra="opensmile", purpose=_PURPOSE)
            self._version = "unknown"

    def _recipe(self) -> dict[str, Any]:
        return {"version": _RECIPE_VERSION, "opensmile": self._version}

    def _n_dims(self) -> int:
        return N_FEATURES[self.feature_set]

    def _vector_names(self) -> list[str]:
        return list(_smile(self.feature_set).feature_names)

    def _read_item(self, item: Any, name: str) -> Recording:
        signal, rate = read_audio(item, sampling_rate=self.sampling_rate, name=name)
        peak = float(np.abs(signal).max())
        if peak > _LARGEST:
            raise ValueError(
                f"{name} has a sample of {peak:g}; openSMILE takes 16 bits, so audio must lie in "
                "[-1, 1]. Divide it by its full scale (32768 for 16 bits), or pass integers"
            )
        return np.clip(signal, -1.0, _FULL_SCALE), rate, name

    def _prepare(self) -> None:
        _smile(self.feature_set)

    def _compute(self, batch: list[Recording]) -> list[np.ndarray]:
        with warnings.catch_warnings():
            # A functional is NaN then, for which _analyze raises with the item's name.
            warnings.filterwarnings("ignore", "Segment too short", UserWarning)
            return Parallel(n_jobs=self.n_jobs, prefer="threads")(
                delayed(_analyze)(self.feature_set, recording) for recording in batch
            )


@lru_cache(maxsize=len(N_FEATURES))
def _smile(feature_set: str) -> Any:
    """Make the analyzer of a feature set once a process."""
    opensmile = import_optional("opensmile", extra="opensmile", purpose=_PURPOSE)
    smile = opensmile.Smile(
        feature_set=opensmile.FeatureSet[feature_set],
        feature_level=opensmile.FeatureLevel.Functionals,
    )
    if len(smile.feature_names) != N_FEATURES[feature_set]:
        raise RuntimeError(
            f"openSMILE gives {len(smile.feature_names)} functionals for {feature_set!r}, not "
            f"{N_FEATURES[feature_set]}: its version does not fit this emoest."
        )
    return smile


def _analyze(feature_set: str, recording: Recording) -> np.ndarray:
    """Functionals of one recording and its seconds, shape (1, n_functionals + 1)."""
    signal, rate, name = recording
    values = np.asarray(_smile(feature_set)(signal, round(rate)), dtype=np.float32).ravel()
    seconds = len(signal) / rate
    if not np.isfinite(values).all():
        raise ValueError(f"{name} lasts {seconds:.3f} s, which is too short for {feature_set}")
    return np.append(values, np.float32(seconds))[None, :]
