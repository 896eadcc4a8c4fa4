"""What a classifier begins with, and what is wrong with it before anything is trained."""

from typing import Any

import numpy as np

from emoest.nets.cross_modal.pieces import Pieces, Template
from emoest.neural._memobert.sources import find_model, find_tokenizer, is_memobert
from emoest.neural._memobert.steps import hold_out_groups
from emoest.neural._memobert.tasks import EMOTION_WORDS
from emoest.tables.groups import resolve_groups


def check_beginning(setting: str, model: Any, pretrainer: Any) -> None:
    """Raise if a setting does not go with the weights or the pre-training that are given.

    Examples
    --------
    >>> check_beginning("direct", "a.safetensors", None)
    Traceback (most recent call last):
        ...
    ValueError: setting='direct' begins with random weights, so it takes no model= and no...
    """
    if model is not None and pretrainer is not None:
        raise ValueError("model= and pretrainer= are two beginnings. Pass one of the two.")
    if setting == "direct" and (model is not None or pretrainer is not None):
        raise ValueError(
            "setting='direct' begins with random weights, so it takes no model= and no "
            "pretrainer=. Take 'finetune' for a head on pre-trained weights."
        )
    if setting == "bert_direct" and (model is None or is_memobert(model)):
        raise ValueError(
            "setting='bert_direct' begins with a BERT: model= is its name or folder, such as "
            "'bert-base-uncased'. Weights of a MEmoBERT are for 'finetune' and 'prompt'."
        )


def check_before_pretraining(
    classifier: Any, X: Any, y: Any, sample_weight: Any, groups: Any
) -> None:
    """Raise now for what the training after a long pre-training would raise for.

    Parameters
    ----------
    classifier : MEmoBERTClassifier
        Unfitted, with a `pretrainer`; its label words are known.
    X, y, sample_weight, groups
        What ``fit`` was given.

    Raises
    ------
    ValueError
        If the template lacks its mask, there is one class only, a weight is negative,
        `validation_groups` are not there, or a label word is no single piece of its own.
    """
    template = classifier._template()
    Template(template, prompt=template != "{text}" or classifier.setting == "prompt")
    target, _ = classifier._learn_target(X, y, sample_weight)
    if classifier.validation_groups is not None:
        found = resolve_groups(X, groups, classifier.group_column)
        names = list(classifier.validation_groups)
        hold_out_groups(np.arange(len(target)), target, found, names=names)
    if classifier._label_words:
        words = dict(zip(classifier.classes_.tolist(), classifier._label_words, strict=True))
        pieces = _known_pieces(classifier.pretrainer, classifier._label_words)
        if pieces is not None:
            pieces.label_ids(words)


def _known_pieces(pretrainer: Any, label_words: list[str]) -> Pieces | None:
    """Tokenizer of a pre-training, as far as it is known before; None if texts decide."""
    source = find_model(pretrainer.model, pretrainer.tokenizer)
    if source is not None:
        return source.pieces
    if pretrainer.tokenizer is not None:
        return Pieces.read(find_tokenizer(pretrainer.tokenizer))
    # A learned one keeps them whole, if they are words.
    words = [*label_words, *EMOTION_WORDS]
    return Pieces.learn([], words, 1) if pretrainer.words is None else None
