"""What frozen pretrained encoders add to the template of cell transformers.

`fit` finds the weights and their digest and loads nothing. The model is loaded when an item is not
in the store, once per process, into a locked cache keyed by digest and device. A pickle carries the
specification and the digest.
"""

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from emoest.embeddings._precision import exact_inference
from emoest.files.weights import ENVIRONMENT, find_weights, weights_digest
from emoest.media.transformer import CellTransformer
from emoest.utils import constraints
from emoest.utils.devices import keep_freed_memory, resolve_device

MAX_LOADED = 4

LOCK = threading.RLock()
"""Held while a model is loaded or used: tokenizers and models are shared between threads."""

_loaded: OrderedDict[tuple[str, str, str], Any] = OrderedDict()


def loaded_model(kind: str, digest: str, device: str, load: Callable[[], Any]) -> Any:
    """Take a model from this process's cache, loading it the first time.

    Parameters
    ----------
    kind : str
        What is loaded from the weights, so that two readers of the same file do not meet.
    digest : str
        Digest of the weights.
    device : str
        Where the model is.
    load : callable
        Loads it; called at most once while the model stays among the last `MAX_LOADED` used.

    Returns
    -------
    model : object

    Examples
    --------
    >>> loaded_model("doc", "00", "cpu", lambda: [1]) is loaded_model("doc", "00", "cpu", list)
    True
    """
    key = (kind, digest, device)
    with LOCK:
        if key not in _loaded:
            _loaded[key] = load()
            while len(_loaded) > MAX_LOADED:
                _loaded.popitem(last=False)
        _loaded.move_to_end(key)
        return _loaded[key]


def unload_models() -> None:
    """Forget every loaded model, to give memory back.

    Examples
    --------
    >>> unload_models()
    """
    with LOCK:
        _loaded.clear()


@contextmanager
def generator_kept(device: str) -> Iterator[None]:
    """Give torch's global generators back untouched, whatever the loading of a model draws."""
    import torch

    devices = list(range(torch.cuda.device_count())) if device.startswith("cuda") else []
    with torch.random.fork_rng(devices=devices):
        yield


class PretrainedTransformer(CellTransformer):
    """Base of transformers with a frozen encoder.

    To what `CellTransformer` asks for, a subclass adds ``device`` to its parameters and writes,
    instead of ``_compute``:

    - ``_weights_name()``: the name or path that the user gave;
    - ``_locate()``: the file or folder of that name, fetched if need be; an OSError or ValueError
      says why it cannot be had;
    - ``_load(path, device)``: the model in eval mode, anything that ``_embed`` understands;
    - ``_embed(model, batch)``: what ``_compute`` gives, in `exact_inference` and under a lock.

    It may write ``_read_spec(path)``, called in `fit` with the weights' place, and ``_kind()``, if
    it reads the same file in several ways. ``_model()`` gives the loaded model inside
    ``_read_item``. ``weights_digest_`` is known after `fit` and part of the recipe.
    """

    _parameter_constraints: dict = {
        **CellTransformer._parameter_constraints,
        **constraints.DEVICE,
    }

    def _weights_name(self) -> str:
        raise NotImplementedError

    def _locate(self) -> Path:
        raise NotImplementedError

    def _load(self, path: Path, device: str) -> Any:
        raise NotImplementedError

    def _embed(self, model: Any, batch: list[Any]) -> list[np.ndarray]:
        raise NotImplementedError

    def _read_spec(self, path: Path) -> None:
        """Read in `fit` what is needed of the weights without loading them."""

    def _kind(self) -> str:
        """What `_load` makes of the weights, for the process's cache of models."""
        return type(self).__name__

    def _resolve(self) -> None:
        self._relocated: str | None = None
        name = self._weights_name()
        is_path = Path(name).expanduser().exists()
        path = (None if is_path else find_weights(name)) or self._locate()
        self.weights_digest_ = weights_digest(path, self.cache_dir)
        self._read_spec(path)

    def _full_recipe(self) -> dict[str, Any]:
        return {
            "weights": self.weights_digest_,
            "dtype": "float32",
            "precision": "highest",
            **super()._full_recipe(),
        }

    def _prepare(self) -> None:
        self._model()

    def _model(self) -> Any:
        device = resolve_device(self.device)

        def load() -> Any:
            path = self._find_verified()
            keep_freed_memory()
            with generator_kept(device):
                return self._load(path, device)

        return loaded_model(self._kind(), self.weights_digest_, device, load)

    def _compute(self, batch: list[Any]) -> list[np.ndarray]:
        model = self._model()
        with LOCK, exact_inference():
            values = self._embed(model, batch)
        if not all(np.isfinite(value).all() for value in values):
            raise ValueError(f"{type(self).__name__} gave NaN or infinite values")
        return values

    def _find_verified(self) -> Path:
        """Find weights with the digest of `fit`: relocated, by environment, or by name."""
        name = self._weights_name()
        tries: list[tuple[str, Callable[[], Path | None]]] = [
            ("relocate_weights(model, path)", lambda: _as_path(self._relocated)),
            (f"the folder of the environment variable {ENVIRONMENT}", lambda: find_weights(name)),
            (f"the name {name!r}", self._locate),
        ]
        told = []
        for label, find in tries:
            try:
                path = find()
                digest = None if path is None else weights_digest(path, self.cache_dir)
            except (OSError, ValueError) as error:
                told.append(f"{label}: {error}")
                continue
            if path is not None and digest == self.weights_digest_:
                return path
            told.append(f"{label}: {_mismatch(path, digest)}")
        raise FileNotFoundError(
            f"The weights of {type(self).__name__} (digest {self.weights_digest_}) were not found. "
            f"Tried {'; '.join(told)}. Put the same weights into that folder, or call "
            "emoest.embeddings.relocate_weights(model, path)."
        )


def _as_path(path: str | None) -> Path | None:
    return None if path is None else Path(path)


def _mismatch(path: Path | None, digest: str | None) -> str:
    if path is None:
        return "nothing there"
    return f"{str(path)!r} holds other weights or is corrupted (digest {digest})"


def relocate_weights(
    model: Any, path: str | os.PathLike[str] | Mapping[str, str | os.PathLike[str]]
) -> Any:
    """Tell the encoders inside a fitted model where their weights are on this machine.

    A fitted encoder travels without its weights. Elsewhere it looks for them here, in the folder
    that the environment variable ``EMOEST_WEIGHTS`` names, and by its name.

    Parameters
    ----------
    model : estimator
        A fitted encoder, or anything that holds some: Pipeline, ColumnTransformer, search.
    path : str, path object or mapping
        The weights, or a folder that holds them under their name; a mapping goes from the name
        that an encoder was given (``"bert-base-german-cased"``) to its weights.

    Returns
    -------
    model : estimator
        The same object.

    Raises
    ------
    FileNotFoundError
        If weights with the right digest are at `path` for no encoder of the model, or, with a
        mapping, not for each encoder that it names.
    ValueError
        If the model holds no fitted encoder.

    Examples
    --------
    >>> import tempfile
    >>> relocate_weights(BaseEstimator(), tempfile.mkdtemp())
    Traceback (most recent call last):
        ...
    ValueError: The model holds no fitted encoder with weights of its own.
    """
    encoders = list(_encoders(model, set()))
    if not encoders:
        raise ValueError("The model holds no fitted encoder with weights of its own.")
    mapping = path if isinstance(path, Mapping) else None
    if mapping is not None:
        encoders = [encoder for encoder in encoders if encoder._weights_name() in mapping]
    found = {}
    for encoder in encoders:
        name = encoder._weights_name()
        place = Path(mapping[name] if mapping is not None else path).expanduser()
        candidates = [place, *([find_weights(name, place)] if place.is_dir() else [])]
        for candidate in candidates:
            if _holds(candidate, encoder):
                found[id(encoder)] = encoder._relocated = str(candidate)
                break
    missing = [encoder for encoder in encoders if id(encoder) not in found]
    if not found or (mapping is not None and missing):
        wanted = [f"{e._weights_name()!r} (digest {e.weights_digest_})" for e in missing]
        raise FileNotFoundError(
            f"At {path!r} there are no weights with the right digest for {', '.join(wanted)}."
            if wanted
            else f"The model holds no encoder that is named in {list(mapping or {})}."
        )
    return model


def _holds(path: Path | None, encoder: PretrainedTransformer) -> bool:
    try:
        return path is not None and weights_digest(path) == encoder.weights_digest_
    except OSError:
        return False


def _encoders(part: Any, seen: set[int]) -> Iterator[PretrainedTransformer]:
    """Walk through estimators and the containers between them."""
    if id(part) in seen:
        return
    seen.add(id(part))
    if isinstance(part, PretrainedTransformer) and hasattr(part, "weights_digest_"):
        yield part
    if isinstance(part, BaseEstimator):
        inner = list(vars(part).values())
    elif isinstance(part, Mapping):
        inner = list(part.values())
    else:
        inner = list(part) if isinstance(part, list | tuple) else []
    for child in inner:
        yield from _encoders(child, seen)
