"""The loaded models of this process: each is loaded once, and the last used ones are kept."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

MAX_LOADED = 4
"""A system has a few encoders; a search over encoders must not fill the memory."""

LOCK = threading.RLock()
"""Held while a model is loaded or used: tokenizers and models are shared between threads."""

_loaded: OrderedDict[tuple[str, str, str], Any] = OrderedDict()


def loaded_model(kind: str, digest: str, device: str, load: Callable[[], Any]) -> Any:
    """Return a model from this process's cache, loading it the first time.

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
    """Restore torch's global generators, whatever the loading of a model draws from them."""
    import torch

    devices = list(range(torch.cuda.device_count())) if device.startswith("cuda") else []
    with torch.random.fork_rng(devices=devices):
        yield
