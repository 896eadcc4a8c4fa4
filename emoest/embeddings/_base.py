"""What frozen pretrained encoders add to the template of cell transformers.

`fit` finds the weights and their digest and loads nothing. The model is loaded when an item is not
in the store, once per process, into a locked cache keyed by digest and device. A pickle carries the
specification and the digest.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np

from emoest.embeddings._in_memory import (
    Companion,
    is_held,
    name_of,
    packed,
    saved,
    saved_digest,
    unpacked,
)
from emoest.embeddings._model_cache import LOCK, generator_kept, loaded_model
from emoest.files.catalogue import ENVIRONMENT, Weights
from emoest.files.weights import find_in_folder, find_weights, weights_digest
from emoest.media.transformer import CellTransformer
from emoest.utils import constraints
from emoest.utils._sklearn import HasMethods
from emoest.utils.devices import keep_freed_memory, resolve_device

T = TypeVar("T")


class PretrainedTransformer(CellTransformer):
    """Base of transformers with a frozen encoder.

    To what `CellTransformer` asks for, a subclass adds ``model`` and ``device`` to its parameters
    and writes, instead of ``_compute``:

    - ``_load(path, device)``: the model in eval mode, anything that ``_embed`` understands;
    - ``_embed(model, batch)``: what ``_compute`` gives, in `exact_inference` and under a lock.

    It may write ``_weights_options()``, the keyword arguments of `find_weights`; ``_pinned()``, if
    `fit` is to take the digest from the catalogue; ``_weights_name()``, if that is not ``model``;
    ``_read_spec(path)``, called in `fit` with the weights' place; and ``_kind()``, if it reads the
    same file in several ways. ``_model()`` gives the loaded model inside ``_read_item``. If it
    takes models as objects, it sets ``_companion`` to what must stand beside their nets.
    ``weights_digest_`` is known after `fit` and part of the cache key.
    """

    _parameter_constraints: dict = {
        "model": [
            *[str, HasMethods("__fspath__"), tuple],
            *[HasMethods("state_dict"), HasMethods("save_pretrained")],
        ],
        **CellTransformer._parameter_constraints,
        **constraints.DEVICE,
    }

    _companion: ClassVar[Companion | None] = None

    def _load(self, path: Path, device: str) -> Any:
        raise NotImplementedError

    def _embed(self, model: Any, batch: list[Any]) -> list[np.ndarray]:
        raise NotImplementedError

    def _weights_name(self) -> str:
        """Name or path that the user gave, or what to call an object."""
        return name_of(self.model) if is_held(self.model) else os.fspath(self.model)

    def _weights_options(self) -> dict[str, Any]:
        return {}

    def _folder_options(self, tokenizer: bool = True) -> dict[str, Any]:
        """Arguments of `find_weights` for a model of transformers."""
        return {
            "is_folder": True,
            "revision": self.revision,
            "tokenizer": tokenizer,
            "purpose": type(self).__name__,
        }

    def _pinned(self) -> Weights | None:
        """Entry of the catalogue whose digest `fit` takes, so that it fetches nothing."""
        return None

    def _read_spec(self, path: Path) -> None:
        """Read in `fit` what is needed of the weights without loading them."""

    def _kind(self) -> str:
        """What `_load` makes of the weights, for the process's cache of models."""
        return type(self).__name__

    def _resolve(self) -> None:
        self._relocated: str | None = None
        if is_held(self.model):
            with saved(self.model, self._companion, type(self).__name__) as folder:
                self.weights_digest_ = saved_digest(folder)
                self._read_spec(folder)
            return
        entry = self._pinned()
        if entry is not None:
            path, self.weights_digest_ = Path(), entry.sha256
        else:
            path = find_weights(self._weights_name(), **self._weights_options())
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
            keep_freed_memory()
            with generator_kept(device):
                return self._load_held(device) if is_held(self.model) else self._load_found(device)

        return loaded_model(self._kind(), self.weights_digest_, device, load)

    def _load_found(self, device: str) -> Any:
        path = self._find_verified()
        model = self._load(path, device)
        if weights_digest(path, self.cache_dir) != self.weights_digest_:
            raise RuntimeError(
                f"The weights in {str(path)!r} changed while they were loaded. Wait until they "
                "are written, and run this again."
            )
        return model

    def _load_held(self, device: str) -> Any:
        with saved(self.model, self._companion, type(self).__name__) as folder:
            if saved_digest(folder) != self.weights_digest_:
                raise RuntimeError(
                    f"The {self._weights_name()} was changed after `fit`. Call `fit` again to "
                    "embed with what it is now."
                )
            return self._load(folder, device)

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())
        return {**state, "model": packed(self.model)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({**state, "model": unpacked(state["model"])})

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
            ("relocate_weights(model, path)", lambda: self._relocated and Path(self._relocated)),
            (f"the folder of the environment variable {ENVIRONMENT}", lambda: find_in_folder(name)),
            (f"the name {name!r}", self._find_by_name),
        ]
        told = []
        for label, find in tries:
            try:
                path = find()
                digest = None if path is None else weights_digest(path, self.cache_dir)
            except (OSError, ValueError) as error:
                told.append(f"{label}: {str(error).rstrip('.')}")
                continue
            if path is not None and digest == self.weights_digest_:
                return path
            told.append(f"{label}: {_mismatch(path, digest)}")
        raise FileNotFoundError(
            f"The weights of {type(self).__name__} (digest {self.weights_digest_}) were not found. "
            f"Tried {'; '.join(told)}. Put the same weights into that folder, or call "
            "emoest.embeddings.relocate_weights(model, path)."
        )

    def _find_by_name(self) -> Path:
        # Without the environment: weights there that are others must not hide those of the name.
        return find_weights(self._weights_name(), environment=False, **self._weights_options())


def fill_batches(
    parts: Iterable[tuple[int, T]], batch_size: int, size: Callable[[T], int] = lambda part: 1
) -> Iterator[tuple[list[int], list[T]]]:
    """Fill batches of the net across items: yield whose the parts of a batch are, and the parts.

    `parts` are pairs of an item's number and a part of it; `size` says how much a part counts.

    Examples
    --------
    >>> list(fill_batches([(0, "a"), (0, "b"), (1, "c")], 2))
    [([0, 0], ['a', 'b']), ([1], ['c'])]
    """
    owners: list[int] = []
    held: list[T] = []
    for owner, part in parts:
        owners.append(owner)
        held.append(part)
        if sum(map(size, held)) >= batch_size:
            yield owners, held
            owners, held = [], []
    if held:
        yield owners, held


def pad_rows(rows: list[np.ndarray], fill: float = 0) -> tuple[np.ndarray, np.ndarray]:
    """Put rows (n,) of different lengths into one array (n_rows, n_longest), filled with `fill`.

    The mask, int64 of the same shape, is 1 where a value comes from a row.

    Examples
    --------
    >>> padded, mask = pad_rows([np.array([7, 8]), np.array([7, 8, 9])])
    >>> padded.tolist(), mask.tolist()
    ([[7, 8, 0], [7, 8, 9]], [[1, 1, 0], [1, 1, 1]])
    """
    lengths = np.array([len(row) for row in rows])
    mask = np.arange(lengths.max()) < lengths[:, None]
    padded = np.full(mask.shape, fill, dtype=rows[0].dtype)
    padded[mask] = np.concatenate(rows)
    return padded, mask.astype(np.int64)


def embed_batches(
    batches: Iterable[tuple[list[int], list[T]]],
    n_items: int,
    embed: Callable[[list[T]], Iterable[np.ndarray]],
) -> list[list[np.ndarray]]:
    """Embed batches of parts, and collect what belongs to each item.

    Examples
    --------
    >>> embed_batches([([0, 1], [3, 4]), ([1], [5])], 2, lambda batch: batch)
    [[3], [4, 5]]
    """
    found: list[list[np.ndarray]] = [[] for _ in range(n_items)]
    for owners, batch in batches:
        for owner, value in zip(owners, embed(batch), strict=True):
            found[owner].append(value)
    return found


def _mismatch(path: Path | None, digest: str | None) -> str:
    if path is None:
        return "nothing there"
    return f"{str(path)!r} holds other weights or is corrupted (digest {digest})"


@contextmanager
def exact_inference() -> Iterator[None]:
    """Compute without gradients and in full float32, whatever precision mode is set outside.

    Lower modes (TF32, bfloat16) are given back as they were found, and so is torch's generator,
    from which some nets draw even where they drop nothing. torch has two interfaces to the modes
    and raises for a mixture; the one that was used outside is used here.

    Examples
    --------
    >>> import torch
    >>> with exact_inference():
    ...     print(torch.get_float32_matmul_precision(), torch.is_grad_enabled())
    highest False
    """
    import torch

    try:
        _ = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    except RuntimeError:
        exact = _exact_by_operation()
    else:
        exact = _exact()
    with exact, torch.inference_mode(), torch.random.fork_rng(devices=[]):
        yield


@contextmanager
def _exact() -> Iterator[None]:
    import torch

    matmul = torch.get_float32_matmul_precision()
    convolution = torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(matmul)
        torch.backends.cudnn.allow_tf32 = convolution


@contextmanager
def _exact_by_operation() -> Iterator[None]:
    from torch import backends

    operations = [
        backends.cuda.matmul,
        *[backends.cudnn.conv, backends.cudnn.rnn],
        *[backends.mkldnn.matmul, backends.mkldnn.conv, backends.mkldnn.rnn],
    ]
    found = [operation.fp32_precision for operation in operations]
    for operation in operations:
        operation.fp32_precision = "ieee"
    try:
        yield
    finally:
        for operation, precision in zip(operations, found, strict=True):
            operation.fp32_precision = precision
