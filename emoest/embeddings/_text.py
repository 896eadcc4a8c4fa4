"""What text encoders share: texts as items, names of models, how much they read at once."""

from itertools import islice
from numbers import Integral
from typing import Any

import pandas as pd

from emoest.embeddings._base import PretrainedTransformer
from emoest.embeddings._in_memory import TOKENIZER
from emoest.media.sources import names_media
from emoest.nets.weight_files.transformers_folder import text_version
from emoest.tables.cells import describe, is_missing
from emoest.utils._sklearn import Interval
from emoest.utils.warn import warn_user

_POSITIONS = ("max_position_embeddings", "n_positions")
# Relatives of RoBERTa: their positions start behind that of padding.
_OFFSET_TYPES = ("roberta", "camembert", "longformer", "mpnet", "data2vec-text", "xmod")
# Tokenizers that know no limit say 1e30.
_NO_LIMIT = 1_000_000
_DEFAULT_LENGTH = 512
_SEEN_TEXTS = 20


class TextEncoder(PretrainedTransformer):
    """Base of the embedders of text.

    Their parameters ``model`` and ``revision`` name the encoder, ``max_length`` is what it reads.
    """

    _media = "text"
    _companion = TOKENIZER
    _packages: tuple[str, ...] = ("transformers", "tokenizers")

    _parameter_constraints: dict = {
        "revision": [str, None],
        "max_length": [Interval(Integral, 4, None, closed="left"), None],
        **PretrainedTransformer._parameter_constraints,
    }

    def _weights_options(self) -> dict[str, Any]:
        return self._folder_options()

    def _check_max_length(self, limit: int) -> None:
        if self.max_length is not None and self.max_length > limit:
            raise ValueError(
                f"max_length={self.max_length} is more than the {limit} tokens that "
                f"{self._weights_name()!r} can see at once."
            )

    def _inspect(self, column: pd.Series) -> None:
        """Warn where the texts are rather paths, which a model embeds as any other text."""
        items = (item for cell in column for item in (cell if isinstance(cell, list) else [cell]))
        texts = (item for item in items if isinstance(item, str) and not is_missing(item))
        seen = list(islice(texts, _SEEN_TEXTS))
        if seen and all(map(names_media, seen)):
            warn_user(
                f"{type(self).__name__} reads texts, and those of X look like paths of files "
                f"({describe(seen[0])}): it embeds the spelling of the path, not the file. Choose "
                "the column of transcripts; emoest.embeddings.SpeechTranscriber makes one of audio."
            )

    def _read_item(self, item: str, name: str) -> Any:
        """Raise for halves of surrogate pairs, which come from decoding with the wrong encoding."""
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


def length_limit(config: dict[str, Any], tokenizer_config: dict[str, Any]) -> int:
    """Find how many tokens an encoder sees at once, from its configuration and its tokenizer's.

    It is the smaller of the tokenizer's ``model_max_length`` and the encoder's positions, less
    those that relatives of RoBERTa never use; 512 when neither says.

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
