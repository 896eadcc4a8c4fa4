"""What all encoders of transformers share: the quiet loading of safetensors, layers, versions."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

from emoest.utils.optional import import_optional, major_version


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


def load_encoder(
    path: Path, loader: Any, device: str, *, optional: tuple[str, ...] = ("pooler.",)
) -> Any:
    """Load an encoder with a class of transformers, in float32 and evaluation mode.

    A tensor that is missing is an error, unless its name starts with one of `optional`: without
    those the embedding is made.
    """
    net, told = loader.from_pretrained(
        path, local_files_only=True, use_safetensors=True, output_loading_info=True
    )
    # A classifier names the tensors of its encoder with a prefix ("vit."), an encoder without.
    prefix = f"{net.base_model_prefix}."
    absent = [
        name
        for name in sorted(told["missing_keys"])
        if not name.removeprefix(prefix).startswith(optional)
    ]
    if absent:
        raise ValueError(
            f"The weights in {str(path)!r} lack {len(absent)} tensors that the encoder needs, "
            f"such as {absent[0]!r}. Get the model's files again."
        )
    return net.float().eval().to(device)


def number_layer(layer: int, n_layers: int, name: str, first: str) -> int:
    """Number a hidden layer from the front, 0 to `n_layers`; a negative one counts from the end.

    `name` of the encoder and what is `first`, its layer 0, are for the error that says what there
    is.

    Examples
    --------
    >>> number_layer(-1, 12, "bert", "embeddings"), number_layer(3, 12, "bert", "embeddings")
    (12, 3)
    """
    if not -n_layers - 1 <= layer <= n_layers:
        raise ValueError(
            f"layer={layer} is out of range: {name!r} has {n_layers} layers, so 0 ({first}) to "
            f"{n_layers}, or -1 (the last) to {-n_layers - 1}."
        )
    return int(layer) % (n_layers + 1)
