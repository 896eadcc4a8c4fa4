"""Folders of models: what they must hold, and how they are had from the Hugging Face hub.

Only safetensors are taken; a pickle of weights is never opened.
"""

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from emoest.files.catalogue import ENVIRONMENT
from emoest.utils.messages import listed, near_names
from emoest.utils.optional import import_optional

MODEL_SUFFIXES = (".json", ".txt", ".model", ".safetensors", ".codes", ".tokenizer")
"""The files of a folder of weights that make the model: configuration, vocabulary, tensors."""

TENSORS = ("*.safetensors",)
"""Patterns of the files of tensors that are taken from the folder of a model."""

CTRANSLATE2 = "model.bin"
"""Name of CTranslate2's file of tensors, which is no pickle."""

KNOWN_MODELS = (
    "bert-base-german-cased",
    "bert-base-multilingual-cased",
    "bert-base-uncased",
    "facebook/hubert-base-ls960",
    "facebook/wav2vec2-base",
    "facebook/wav2vec2-large-xlsr-53",
    "microsoft/wavlm-base-plus",
    "sentence-transformers/all-MiniLM-L6-v2",
    "sentence-transformers/all-mpnet-base-v2",
    "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2",
    "sentence-transformers/xlm-r-bert-base-nli-stsb-mean-tokens",
)
"""Names on the hub that are offered where another is spelled almost like one."""

TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")

_WITH_TENSORS = (
    *("Dense", "LSTM", "CNN", "LayerNorm", "WordEmbeddings"),
    *("WeightedLayerPooling", "StaticEmbedding"),
)
"""Modules of sentence-transformers that open pytorch_model.bin where they find no safetensors."""

# What of huggingface_hub's transport fails without a network raises errors that are no OSError.
_TRANSPORT = ("httpx", "httpcore", "requests")


def find_on_hub(
    name: str,
    revision: str | None = None,
    *,
    purpose: str = "emoest",
    tokenizer: bool = True,
    tensors: Sequence[str] = TENSORS,
    names: Iterable[str] = (),
) -> Path:
    """Find the folder of a model of the Hugging Face hub, and download it if need be.

    A model that is on this machine already is found without a network. Parameters and errors are
    those of `emoest.files.weights.find_weights`; a name that is rather a path raises
    `FileNotFoundError`. `names` are further names that may have been meant, for an error.

    Examples
    --------
    >>> find_on_hub("./no/such/folder")
    Traceback (most recent call last):
        ...
    FileNotFoundError: There is no folder './no/such/folder'...
    """
    if Path(name).is_absolute() or name.startswith((".", "~")) or name.count("/") > 1:
        raise FileNotFoundError(
            f"There is no folder {name!r}. Pass the folder of a model (config.json and "
            "safetensors), or its name on the Hugging Face hub."
        )
    hub = import_optional("huggingface_hub", extra="text", purpose=purpose)
    errors = import_optional("huggingface_hub.errors", extra="text", purpose=purpose)
    patterns = [*dict.fromkeys([*(f"*{suffix}" for suffix in MODEL_SUFFIXES), *tensors])]
    wanted = {"revision": revision, "allow_patterns": patterns}
    # First without a network: a model that is here must not cost a request, nor fail offline. A
    # copy that lacks files is completed below.
    try:
        here = Path(hub.snapshot_download(name, local_files_only=True, **wanted))
        return check_model_folder(here, tokenizer=tokenizer, tensors=tensors)
    except (FileNotFoundError, errors.HFValidationError):
        pass
    unknown = (
        errors.RepositoryNotFoundError,
        errors.RevisionNotFoundError,
        errors.HFValidationError,
    )
    try:
        return Path(hub.snapshot_download(name, **wanted))
    except unknown as error:
        at = "" if revision is None else f" at revision {revision!r}"
        meant = near_names(name, [*names, *_names_nearby(hub)]) or "Check the spelling."
        raise FileNotFoundError(
            f"The Hugging Face hub has no model {name!r}{at} that can be read without a login, and "
            f"there is no folder of that name. {meant} Or pass the folder of a model."
        ) from error
    except Exception as error:
        if isinstance(error, OSError) or type(error).__module__.startswith(_TRANSPORT):
            meant = near_names(name, [*names, *_names_nearby(hub)])
            raise ConnectionError(_unreachable(name, error, meant)) from error
        raise


def _names_nearby(hub: Any) -> list[str]:
    """Names of the models in the hub's folder on this machine and in that of the environment."""
    cache = Path(hub.constants.HF_HUB_CACHE)
    here = [path.name.split("--", 1)[1].replace("--", "/") for path in cache.glob("models--*")]
    own = os.environ.get(ENVIRONMENT)
    return [*KNOWN_MODELS, *here, *(path.name for path in (Path(own).glob("*") if own else []))]


def check_model_folder(
    folder: Path, *, tokenizer: bool = True, tensors: Sequence[str] = TENSORS
) -> Path:
    """Return `folder` if it holds what a model needs, else say what is missing.

    That is a configuration, a file of one of the patterns `tensors` and, unless `tokenizer` is
    False, a tokenizer. A part of the model that is a pickle, an adapter or elsewhere raises.

    Examples
    --------
    >>> import tempfile
    >>> check_model_folder(Path(tempfile.mkdtemp()))
    Traceback (most recent call last):
        ...
    FileNotFoundError: The folder ... holds no config.json...
    """
    if not (folder / "config.json").exists() and not (folder / "modules.json").exists():
        raise FileNotFoundError(
            f"The folder {str(folder)!r} holds no config.json, so it is not a saved model. "
            "Save one there with model.save_pretrained(folder) and "
            "tokenizer.save_pretrained(folder)."
        )
    if tuple(tensors) == (CTRANSLATE2,) and not (folder / CTRANSLATE2).is_file():
        raise FileNotFoundError(
            f"The folder {str(folder)!r} holds no {CTRANSLATE2} of CTranslate2. Convert the model "
            "with: ct2-transformers-converter --model NAME --output_dir FOLDER --copy_files "
            "tokenizer.json"
        )
    if not any(path for pattern in tensors for path in folder.rglob(pattern)):
        raise FileNotFoundError(
            f"The folder {str(folder)!r} holds no safetensors weights, and pickled ones "
            "(pytorch_model.bin) are not opened. Choose a revision with safetensors, or convert "
            "the model where you trust it: AutoModel.from_pretrained(name).save_pretrained(folder)."
        )
    if tokenizer and not any(next(folder.rglob(pattern), None) for pattern in TOKENIZER_FILES):
        raise FileNotFoundError(
            f"The folder {str(folder)!r} holds no tokenizer (none of "
            f"{listed(TOKENIZER_FILES)}). Save it there with tokenizer.save_pretrained(folder)."
        )
    _refuse_what_is_not_read(folder)
    return folder


def model_files(folder: Path) -> list[Path]:
    """Return the files below a folder, links followed and hidden ones left out, in their order.

    Examples
    --------
    >>> import tempfile
    >>> model_files(Path(tempfile.mkdtemp()))
    []
    """
    found: list[Path] = []
    seen: set[str] = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        # A link may lead back to a folder above it.
        folders[:] = [name for name in folders if real not in seen and not name.startswith(".")]
        if real not in seen:
            found += [Path(place, name) for name in names if not name.startswith(".")]
        seen.add(real)
    return sorted(path for path in found if path.is_file())


def _refuse_what_is_not_read(folder: Path) -> None:
    """Raise where loading would open a pickle, or files that are not in the folder."""
    files = model_files(folder)
    sound = {path.parent for path in files if path.suffix == ".safetensors"}
    pickled = {path.parent for path in files if path.match("pytorch_model*.bin")}
    for module, kind in {"": "", **_modules(folder)}.items():
        place = folder / module
        if Path(module).is_absolute() or ".." in Path(module).parts:
            raise ValueError(
                f"The model in {str(folder)!r} has a part in {module!r}, which is outside of its "
                "folder and would not be in its digest. Copy the part into the folder."
            )
        if place not in sound and (place in pickled or kind in _WITH_TENSORS):
            raise FileNotFoundError(
                f"The folder {str(place)!r} holds no safetensors weights, and pickled ones "
                "(pytorch_model.bin) are not opened. Where you trust them, convert them once: "
                "safetensors.torch.save_file(torch.load('pytorch_model.bin', weights_only=True), "
                "'model.safetensors')."
            )
    adapters = [path for path in files if path.name == "adapter_config.json"]
    if adapters:
        raise ValueError(
            f"{str(adapters[0])!r} belongs to an adapter, whose model lies elsewhere and would not "
            "be in the digest. Save the merged model: "
            "model.merge_and_unload().save_pretrained(folder)."
        )


def _modules(folder: Path) -> dict[str, str]:
    """Folders and kinds of the modules of a sentence model, those inside a router too."""
    found: dict[str, str] = {}
    for module in read_json(folder, "modules.json"):
        place, kind = str(module["path"]), str(module["type"])
        found[place] = kind.rpartition(".")[2]
        inner = {} if ".." in place else read_json(folder / place, "router_config.json")
        for name, part in inner.get("types", {}).items():
            found[f"{place}/{name}" if place else name] = str(part).rpartition(".")[2]
    return found


def read_json(folder: Path, name: str) -> Any:
    """Read a JSON file of a model folder; empty if it is not there.

    Examples
    --------
    >>> read_json(Path("no folder"), "config.json")
    {}
    """
    path = folder / name
    if not path.exists():
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{str(path)!r} is not valid JSON ({error}): get it again.") from error


def _unreachable(name: str, error: Exception, meant: str) -> str:
    reason = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    return (
        f"The model {name!r} is not on this machine and the Hugging Face hub could not be reached "
        f"({reason}).{meant and ' '}{meant} Go online once, or copy the model's folder "
        "(config.json, tokenizer files, safetensors) from elsewhere and pass its path, or put it "
        f"under the name {name!r} into the folder that the environment variable {ENVIRONMENT} "
        "names."
    )
