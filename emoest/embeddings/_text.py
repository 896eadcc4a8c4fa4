"""What text encoders share: texts as items, names of models, the quiet loading of safetensors."""

import importlib.metadata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from emoest.embeddings._base import PretrainedTransformer
from emoest.embeddings._hub import check_model_folder, find_model_folder
from emoest.utils._sklearn import HasMethods
from emoest.utils.optional import import_optional


class TextEncoder(PretrainedTransformer):
    """Base of the embedders of text; parameters ``model`` and ``revision`` name the encoder."""

    _media = "text"
    _packages: tuple[str, ...] = ("transformers", "tokenizers")

    _parameter_constraints: dict = {
        "model": [str, HasMethods("__fspath__")],
        "revision": [str, None],
        **PretrainedTransformer._parameter_constraints,
    }

    def _weights_name(self) -> str:
        return str(self.model)

    def _locate(self) -> Path:
        return find_model_folder(self._weights_name(), self.revision, purpose=type(self).__name__)

    def _read_spec(self, path: Path) -> None:
        check_model_folder(path)

    def _recipe(self) -> dict[str, Any]:
        purpose = type(self).__name__
        return {package: major_version(package, purpose) for package in self._packages}

    def _order(self, items: list[str]) -> list[int]:
        """Shortest first, so that a batch holds texts of like length and little padding."""
        return sorted(range(len(items)), key=lambda i: len(items[i]))


def major_version(package: str, purpose: str) -> str:
    """First number of a package's version, looked up without importing the package.

    Examples
    --------
    >>> major_version("pip", "This example").isdigit()
    True
    """
    try:
        return importlib.metadata.version(package).partition(".")[0]
    except importlib.metadata.PackageNotFoundError:
        import_optional(package, extra="text", purpose=purpose)
        return "unknown"


@contextmanager
def loading(path: Path) -> Iterator[None]:
    """Load weights without transformers' own bars; damaged ones are named.

    Raises
    ------
    ValueError
        If a safetensors file is damaged.

    Examples
    --------
    >>> from safetensors import SafetensorError
    >>> with loading(Path("folder")):
    ...     raise SafetensorError("header too small")
    Traceback (most recent call last):
        ...
    ValueError: The weights in 'folder' are corrupted or truncated (header too small)...
    """
    from safetensors import SafetensorError

    logging = import_optional("transformers.utils.logging", extra="text", purpose="A text encoder")
    shown = logging.is_progress_bar_enabled()
    level = logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    except SafetensorError as error:
        raise ValueError(
            f"The weights in {str(path)!r} are corrupted or truncated ({error}). Get the model's "
            "files again."
        ) from error
    finally:
        logging.set_verbosity(level)
        if shown:
            logging.enable_progress_bar()
