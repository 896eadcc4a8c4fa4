"""Models that are handed over as objects: what they are, and the folder that a model would be.

An object can be trained on while an embedder holds it, and its class may be any. So it is saved to
a temporary folder first, and what is read from there is frozen like every other model.
"""

import hashlib
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from emoest.files.digests import file_digest
from emoest.files.hub import MODEL_SUFFIXES, TOKENIZER_FILES, check_model_folder, model_files
from emoest.nets.weight_files.transformers_folder import loading
from emoest.utils.optional import import_optional

_VERSIONS = ("transformers_version", "__version__", "_name_or_path", "name_or_path")
"""What a configuration says of the program that wrote it: the same model later on is the same."""


class Companion(NamedTuple):
    """What a model cannot do without, and its object does not hold.

    Parameters
    ----------
    name : str
        What it is called in an error.
    loader : str
        The class of transformers that loads it.
    attribute : str
        Where a pipeline of transformers holds it.
    files : tuple of str
        Patterns of its files, of which a folder must hold one.
    """

    name: str
    loader: str
    attribute: str
    files: tuple[str, ...]


_PROCESSOR_FILES = ("preprocessor_config.json", "processor_config.json")
TOKENIZER = Companion("tokenizer", "AutoTokenizer", "tokenizer", TOKENIZER_FILES)
FEATURE_EXTRACTOR = Companion(
    "feature_extractor", "AutoFeatureExtractor", "feature_extractor", _PROCESSOR_FILES
)
IMAGE_PROCESSOR = Companion(
    "image_processor", "AutoImageProcessor", "image_processor", _PROCESSOR_FILES
)
NOTHING = Companion("", "", "", ())
_COMPANIONS = (FEATURE_EXTRACTOR, TOKENIZER, IMAGE_PROCESSOR)


def is_held(model: Any) -> bool:
    """Check whether ``model=`` was given an object instead of a name or a path.

    Examples
    --------
    >>> is_held("bert-base-uncased"), is_held(Path("folder")), is_held(object())
    (False, False, True)
    """
    return not (isinstance(model, str) or hasattr(model, "__fspath__"))


def name_of(model: Any) -> str:
    """Name a model that was given as an object, for messages.

    Examples
    --------
    >>> from torch import nn
    >>> name_of(nn.Linear(1, 1))
    'Linear in memory'
    """
    return f"{type(_net_of(model)).__name__} in memory"


@contextmanager
def saved(model: Any, companion: Companion | None, purpose: str) -> Iterator[Path]:
    """Save a model with its companion to a folder that is there inside the block.

    Parameters
    ----------
    model : object
        A model of transformers or sentence-transformers; a pair of a model and its companion; or a
        pipeline of transformers.
    companion : Companion or None
        What `purpose` needs beside the net; None takes no objects.
    purpose : str
        Class of the embedder, for errors.

    Yields
    ------
    folder : Path

    Raises
    ------
    TypeError
        If `model` is none of these.
    ValueError
        If its companion is not given and not where the model came from, if the two do not belong
        together, or if the net is one that `purpose` cannot use.
    """
    net, beside = _parts(model, companion)
    _check_object(net, companion, purpose)
    assert companion is not None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with loading(folder):
            if _is_sentence_model(net):
                net.save_pretrained(name, create_model_card=False)
            else:
                net.save_pretrained(name)
                _save_companion(net, beside, companion, folder)
        try:
            yield check_model_folder(folder, tokenizer=companion is TOKENIZER)
        except (ValueError, FileNotFoundError) as error:
            told = str(error).replace(repr(name), repr(name_of(model)))
            raise type(error)(told.replace(name, name_of(model))) from error


def saved_digest(folder: Path) -> str:
    """Compute the digest of a folder that was just written, whatever program's version wrote it.

    Examples
    --------
    >>> folder = Path(tempfile.mkdtemp())
    >>> digests = []
    >>> for version in ("5.0", "5.1"):
    ...     config = {"hidden_size": 8, "transformers_version": version}
    ...     _ = (folder / "config.json").write_text(json.dumps(config))
    ...     digests.append(saved_digest(folder))
    >>> digests[0] == digests[1]
    True
    """
    digest = hashlib.sha256()
    for path in model_files(folder):
        if path.suffix not in MODEL_SUFFIXES:
            continue
        own = file_digest(path, cache_dir=False)
        if path.suffix == ".json":
            found = json.loads(path.read_text(encoding="utf-8"))
            if isinstance(found, dict):
                found = {key: value for key, value in found.items() if key not in _VERSIONS}
            own = json.dumps(found, sort_keys=True)
        digest.update(f"{path.relative_to(folder).as_posix()}\0{own}\n".encode())
    return digest.hexdigest()


class _Packed(NamedTuple):
    """A net as files, for a pickle."""

    kind: type
    origin: str
    dtype: Any
    training: bool
    files: dict[str, bytes]


def packed(model: Any) -> Any:
    """Convert a model for a pickle, where torch cannot pickle it.

    That is so for nets with parametrized weights, such as wav2vec 2.0. A pipeline around one
    becomes the pair of the net and what stands beside it.

    Examples
    --------
    >>> packed("bert-base-uncased")
    'bert-base-uncased'
    """
    net = _net_of(model) if is_held(model) else None
    if isinstance(net, type) or not hasattr(net, "modules") or not hasattr(net, "save_pretrained"):
        return model
    if not any(hasattr(module, "parametrizations") for module in net.modules()):
        return model
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, loading(Path(name)):
        net.save_pretrained(name)
        files = {path.name: path.read_bytes() for path in Path(name).iterdir()}
    found = _Packed(type(net), net.name_or_path, net.dtype, net.training, files)
    if isinstance(model, tuple):
        return tuple(found if part is net else part for part in model)
    if model is net:
        return found
    beside = (getattr(model, each.attribute, None) for each in _COMPANIONS)
    return found, next((part for part in beside if part is not None), None)


def unpacked(model: Any) -> Any:
    """Undo `packed`.

    Examples
    --------
    >>> unpacked("bert-base-uncased")
    'bert-base-uncased'
    """
    if isinstance(model, tuple) and not isinstance(model, _Packed):
        return tuple(unpacked(part) for part in model)
    if not isinstance(model, _Packed):
        return model
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, loading(Path(name)):
        for file, content in model.files.items():
            Path(name, file).write_bytes(content)
        kind: Any = model.kind
        net = kind.from_pretrained(name, local_files_only=True)
    net.name_or_path = net.config._name_or_path = model.origin
    return net.to(model.dtype).train(model.training)


def _net_of(model: Any) -> Any:
    if isinstance(model, tuple):
        return next((part for part in model if hasattr(part, "state_dict")), model)
    inner = getattr(model, "model", None)
    return inner if not hasattr(model, "state_dict") and hasattr(inner, "state_dict") else model


def _parts(model: Any, companion: Companion | None) -> tuple[Any, Any]:
    """Return the net and what was given beside it, None if that is nothing."""
    net = _net_of(model)
    if isinstance(model, tuple):
        if len(model) != 2 or model[0] is not net:
            raise TypeError(
                f"model={model!r} is no pair of a model and its tokenizer or processor, in this "
                "order. Pass model=(model, tokenizer)."
            )
        return net, model[1]
    attribute = companion.attribute if companion else ""
    return net, getattr(model, attribute, None) if net is not model and attribute else None


def _is_sentence_model(net: Any) -> bool:
    return any(kind.__name__ == "SentenceTransformer" for kind in type(net).__mro__)


def _check_object(net: Any, companion: Companion | None, purpose: str) -> None:
    """Raise for what cannot be saved as a model, with what to pass instead."""
    if isinstance(net, type):
        raise TypeError(
            f"model is the class {net.__name__}. Pass a model of it, "
            f"{net.__name__}.from_pretrained(name), or the name itself."
        )
    kind = type(net).__name__
    if companion is None:
        raise TypeError(
            f"model is a {kind} in memory, and {purpose} reads its net from a file. Pass a name or "
            "a path."
        )
    if hasattr(net, "merge_and_unload"):
        raise TypeError(
            f"model is a {kind}, a model with an adapter. Merge it: "
            f"model={_spelled('model.merge_and_unload()', companion)}."
        )
    if hasattr(net, "module") and hasattr(net.module, "save_pretrained"):
        raise TypeError(f"model is a {kind} around a model. Pass model.module.")
    if not (hasattr(net, "state_dict") and hasattr(net, "save_pretrained")):
        raise TypeError(
            f"model is a {kind}, which is no model of transformers or sentence-transformers (it "
            "has no save_pretrained). Pass such a model, a name or the path of a folder."
        )


def _spelled(model: str, companion: Companion) -> str:
    return f"({model}, {companion.name})" if companion.name else model


def _save_companion(net: Any, beside: Any, companion: Companion, folder: Path) -> None:
    if not companion.name:
        return
    if beside is None:
        beside = _found_companion(net, companion)
    if not hasattr(beside, "save_pretrained"):
        raise TypeError(
            f"Beside the {type(net).__name__} stands a {type(beside).__name__}, which is no "
            f"{companion.name} of transformers. Pass model=(model, {companion.name})."
        )
    beside.save_pretrained(str(folder))
    if companion is TOKENIZER and hasattr(net, "get_input_embeddings"):
        with suppress(TypeError, NotImplementedError, AttributeError):
            _check_vocabulary(len(beside), len(net.get_input_embeddings().weight), net)


def _check_vocabulary(n_tokens: int, n_vectors: int, net: Any) -> None:
    if n_tokens > n_vectors:
        raise ValueError(
            f"The tokenizer knows {n_tokens} tokens and the {type(net).__name__} in memory "
            f"{n_vectors}, so they do not belong together. Pass the model's own tokenizer: "
            "model=(model, tokenizer)."
        )


def _found_companion(net: Any, companion: Companion) -> Any:
    """Load the companion from where the net was loaded, if that is on this machine."""
    origin = str(getattr(net, "name_or_path", "") or "")
    folder = _local_folder(origin)
    # Without such files transformers makes an empty tokenizer.
    if folder is None or not any(next(folder.rglob(each), None) for each in companion.files):
        where = f"{origin!r}, from which it was loaded, holds none" if origin else "it names none"
        raise ValueError(
            f"model is a {type(net).__name__} in memory without its {companion.name}, and {where} "
            f"on this machine. Pass model=(model, {companion.name}), with {companion.name} = "
            f"{companion.loader}.from_pretrained(name)."
        )
    transformers = import_optional("transformers", extra="text", purpose="A model in memory")
    return getattr(transformers, companion.loader).from_pretrained(folder, local_files_only=True)


def _local_folder(origin: str) -> Path | None:
    if not origin or Path(origin).is_dir():
        return Path(origin) if origin else None
    hub = import_optional("huggingface_hub", extra="text", purpose="A model in memory")
    try:
        return Path(hub.snapshot_download(origin, local_files_only=True))
    except (OSError, ValueError):
        return None
