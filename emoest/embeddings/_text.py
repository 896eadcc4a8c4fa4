"""What text encoders share: texts as items, names of models, the quiet loading of safetensors."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError
from numbers import Integral
from pathlib import Path
from typing import Any

from emoest.embeddings._base import PretrainedTransformer
from emoest.files.hub import check_model_folder, find_model_folder
from emoest.utils._sklearn import HasMethods, Interval
from emoest.utils.optional import import_optional, major_version

_POSITIONS = ("max_position_embeddings", "n_positions")
_OFFSET_TYPES = ("roberta", "camembert", "longformer", "mpnet", "data2vec-text", "xmod")
_NO_LIMIT = 1_000_000
_DEFAULT_LENGTH = 512


class TextEncoder(PretrainedTransformer):
    """Base of the embedders of text.

    Their parameters ``model`` and ``revision`` name the encoder, ``max_length`` is what it reads.
    """

    _media = "text"
    _packages: tuple[str, ...] = ("transformers", "tokenizers")

    _parameter_constraints: dict = {
        "model": [str, HasMethods("__fspath__")],
        "revision": [str, None],
        "max_length": [Interval(Integral, 4, None, closed="left"), None],
        **PretrainedTransformer._parameter_constraints,
    }

    def _weights_name(self) -> str:
        return str(self.model)

    def _locate(self) -> Path:
        return find_model_folder(self._weights_name(), self.revision, purpose=type(self).__name__)

    def _read_spec(self, path: Path) -> None:
        check_model_folder(path)

    def _check_max_length(self, limit: int) -> None:
        if self.max_length is not None and self.max_length > limit:
            raise ValueError(
                f"max_length={self.max_length} is more than the {limit} tokens that "
                f"{self._weights_name()!r} can see at once."
            )

    def _read_item(self, item: str, name: str) -> Any:
        """Refuse halves of surrogate pairs, which come from decoding with the wrong encoding."""
        try:
            item.encode()
        except UnicodeEncodeError as error:
            raise ValueError(
                f"the text holds {item[error.start]!r} at position {error.start}, which is no "
                "character. Read its file again, with the right encoding"
            ) from error
        return item

    def _recipe(self) -> dict[str, Any]:
        purpose = type(self).__name__
        return {package: text_version(package, purpose) for package in self._packages}

    def _order(self, items: list[str]) -> list[int]:
        """Shortest first, so that a batch holds texts of like length and little padding."""
        return sorted(range(len(items)), key=lambda i: len(items[i]))


def text_version(package: str, purpose: str) -> str:
    """First number of the version of a package; the error without it names the extra.

    Examples
    --------
    >>> text_version("pip", "This example").isdigit()
    True
    """
    try:
        return major_version(package)
    except PackageNotFoundError:
        import_optional(package, extra="text", purpose=purpose)
        return "unknown"


def length_limit(config: dict[str, Any], tokenizer_config: dict[str, Any]) -> int:
    """Tokens that an encoder sees at once, from its configuration and its tokenizer's.

    Parameters
    ----------
    config, tokenizer_config : dict
        ``config.json`` and ``tokenizer_config.json``.

    Returns
    -------
    limit : int
        The smaller of the tokenizer's ``model_max_length`` and the encoder's positions, less those
        that relatives of RoBERTa never use; 512 when neither says.

    Examples
    --------
    >>> roberta = {"model_type": "xlm-roberta", "max_position_embeddings": 514, "pad_token_id": 1}
    >>> length_limit(roberta, {})
    512
    >>> length_limit({"max_position_embeddings": 512}, {"model_max_length": 128})
    128
    """
    limits = [config[name] for name in _POSITIONS if isinstance(config.get(name), int)]
    if any(kind in str(config.get("model_type")) for kind in _OFFSET_TYPES):
        limits = [limit - int(config.get("pad_token_id") or 1) - 1 for limit in limits]
    told = tokenizer_config.get("model_max_length")
    if isinstance(told, int | float) and told < _NO_LIMIT:
        limits.append(int(told))
    return min(limits, default=_DEFAULT_LENGTH)


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
