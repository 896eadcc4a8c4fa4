"""Where weights come from: an object, a file of them, or a BERT by name or path."""

from pathlib import Path
from typing import Any

from emoest.files.hub import read_json
from emoest.files.weights import find_weights
from emoest.nets.cross_modal.bert_checkpoint import read_bert
from emoest.nets.cross_modal.pieces import Pieces
from emoest.nets.cross_modal.weights import MEmoBERTWeights, seen_speakers
from emoest.tables.cells import is_path


def is_memobert(model: Any) -> bool:
    """Check whether `model` names weights of a MEmoBERT rather than of a BERT.

    Examples
    --------
    >>> is_memobert("movies.safetensors"), is_memobert("bert-base-uncased")
    (True, False)
    """
    return isinstance(model, MEmoBERTWeights) or Path(model).suffix == ".safetensors"


def find_model(model: Any, tokenizer: Any) -> MEmoBERTWeights | None:
    """Find and read weights.

    Parameters
    ----------
    model : MEmoBERTWeights, str, path object or None
        Weights, a file of them, or the name or folder of a BERT.
    tokenizer : str, path object or None
        Another tokenizer than the one that comes with them.

    Returns
    -------
    weights : MEmoBERTWeights or None

    Raises
    ------
    ValueError
        If the file or folder holds something else, or the tokenizer has more pieces than the
        weights know.
    FileNotFoundError
        If there is no such file, folder or model.
    """
    if model is None:
        return None
    if is_memobert(model):
        if tokenizer is not None:
            raise ValueError(
                "Weights of a MEmoBERT bring their own tokenizer, so tokenizer= has nothing to do. "
                "Leave it out."
            )
        return model if isinstance(model, MEmoBERTWeights) else MEmoBERTWeights.load(model)
    folder = find_weights(model, is_folder=True, tokenizer=tokenizer is None, purpose="MEmoBERT")
    pieces = Pieces.read(folder if tokenizer is None else find_tokenizer(tokenizer))
    weights = read_bert(folder, read_json(folder, "config.json"), pieces)
    if pieces.vocab_size > weights.vocab_size:
        raise ValueError(
            f"The tokenizer has {pieces.vocab_size} pieces, and {str(model)!r} knows "
            f"{weights.vocab_size}. Take the tokenizer that it was trained with."
        )
    return weights


def find_tokenizer(tokenizer: Any) -> Path:
    """Find the folder of a tokenizer by name or path."""
    path = Path(tokenizer).expanduser()
    return path if path.is_dir() else find_weights(tokenizer, is_folder=True, purpose="MEmoBERT")


def speakers_of_model(model: Any) -> list[str | int]:
    """Groups that weights given as a file have seen; empty where no file says so.

    Examples
    --------
    >>> speakers_of_model(None)
    []
    """
    if not is_path(model) or not is_memobert(model):
        return []
    path = Path(model).expanduser()
    return seen_speakers(path) if path.is_file() else []
