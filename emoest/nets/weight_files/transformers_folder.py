"""What all encoders of transformers share: the quiet loading of safetensors, layers, versions."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any, NamedTuple

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
            f"The weights in {str(path)!r} lack {len(absent)} tensors that the model needs, "
            f"such as {absent[0]!r}. Get the model's files again."
        )
    check_loaded(net, path)
    return net.float().eval().to(device)


def check_loaded(net: Any, path: Path) -> None:
    """Raise if a net that was loaded holds weights that are not finite.

    Examples
    --------
    >>> from torch import nn
    >>> check_loaded(nn.Linear(1, 1), Path("folder"))
    """
    # This module is imported where torch is not loaded yet.
    from emoest.nets.weight_files.safetensors_io import check_finite

    check_finite(net.state_dict(), f"The weights in {str(path)!r} are damaged")


class Head(NamedTuple):
    """The head of a fine-tuned model: what its outputs are called and what they are.

    Parameters
    ----------
    names : tuple of str
        Names of the outputs, in order.
    kind : {"softmax", "sigmoid", "identity"}
        What makes of them probabilities of exclusive classes, of classes that may go together, or
        continuous values.
    """

    names: tuple[str, ...]
    kind: str

    def columns(self, stem: str) -> list[str]:
        """Name a column for each output.

        Examples
        --------
        >>> Head(("Happy", "no__one"), "softmax").columns("bert")
        ['bert_happy', 'bert_no_one']
        """
        plain = [re.sub(r"[^0-9a-z]+", "_", name.lower()).strip("_") for name in self.names]
        if len(set(plain)) < len(plain) or not all(plain):
            plain = [f"{i:04d}" for i in range(len(plain))]
        return [f"{stem}_{name}" for name in plain]

    def activate(self, logits: Any) -> Any:
        """Convert what the net gives, a tensor of shape (n, n_outputs)."""
        if self.kind == "identity":
            return logits
        return logits.softmax(dim=-1) if self.kind == "softmax" else logits.sigmoid()


def read_head(config: dict[str, Any], kind: str, name: str) -> Head:
    """Read from ``config.json`` what the outputs of a fine-tuned model are.

    Parameters
    ----------
    config : dict
        The configuration.
    kind : str
        Part of the name of its class: ``"SequenceClassification"``.
    name : str
        Name of the model, for the error.

    Returns
    -------
    head : Head

    Raises
    ------
    ValueError
        If the model has no such head.

    Examples
    --------
    >>> config = {"architectures": ["BertForSequenceClassification"], "id2label": {"0": "joy"}}
    >>> read_head(config, "SequenceClassification", "my-model")
    Head(names=('joy',), kind='identity')
    """
    architectures = [str(found) for found in config.get("architectures") or []]
    if not any(kind in found for found in architectures):
        raise ValueError(
            f"{name!r} has no head that gives probabilities (it is "
            f"{architectures[0] if architectures else 'an encoder'}). Choose output='embedding', "
            f"or a model fine-tuned for {kind}."
        )
    # A configuration with default labels leaves them out.
    labels = config.get("id2label") or {str(i): f"LABEL_{i}" for i in range(2)}
    names = tuple(str(labels[key]) for key in sorted(labels, key=int))
    problem = config.get("problem_type")
    if problem == "regression" or (problem is None and len(names) == 1):
        return Head(names, "identity")
    return Head(names, "sigmoid" if problem == "multi_label_classification" else "softmax")


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
