"""Where the weights of a fitted model are on another machine."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emoest.embeddings._base import PretrainedTransformer
from emoest.embeddings._in_memory import is_held
from emoest.files.weights import find_in_folder, weights_digest
from emoest.utils.messages import listed
from emoest.utils.state import walk_parts


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
    >>> from sklearn.naive_bayes import GaussianNB
    >>> relocate_weights(GaussianNB(), tempfile.mkdtemp())
    Traceback (most recent call last):
        ...
    ValueError: The model holds no fitted encoder with weights of its own.
    """
    encoders = [
        part
        for part in walk_parts(model)
        if isinstance(part, PretrainedTransformer)
        and hasattr(part, "weights_digest_")
        # A model in memory travels with its encoder.
        and not is_held(part.model)
    ]
    if not encoders:
        raise ValueError("The model holds no fitted encoder with weights of its own.")
    mapping = path if isinstance(path, Mapping) else None
    if mapping is not None:
        encoders = [encoder for encoder in encoders if encoder._weights_name() in mapping]
    found = {}
    for encoder in encoders:
        name = encoder._weights_name()
        place = Path(mapping[name] if mapping is not None else path).expanduser()
        candidates = [place, *([find_in_folder(name, place)] if place.is_dir() else [])]
        for candidate in candidates:
            if _holds(candidate, encoder):
                found[id(encoder)] = encoder._relocated = str(candidate)
                break
    missing = [encoder for encoder in encoders if id(encoder) not in found]
    if not found or (mapping is not None and missing):
        wanted = [f"{e._weights_name()!r} (digest {e.weights_digest_})" for e in missing]
        raise FileNotFoundError(
            f"At {path!r} there are no weights with the right digest for {listed(wanted)}."
            if wanted
            else f"The model holds no encoder that is named in {list(mapping or {})}."
        )
    return model


def _holds(path: Path | None, encoder: PretrainedTransformer) -> bool:
    try:
        return path is not None and weights_digest(path) == encoder.weights_digest_
    except OSError:
        return False
