"""Tokenizers: one of words that is made of the training texts, and that of a pretrained T5."""

import functools
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from emoest.utils.optional import import_optional

SPECIAL = ("<pad>", "</s>", "<unk>")
"""The first tokens of `word_tokenizer`, as `emoest.nets.t5_fusion.backbones.tiny_config` says."""

UNKNOWN = "<unk>"

# Beyond this size, words that occur once only make room: they stand for what is unknown.
_ROOMY = 5_000
_MOST_WORDS = 30_000


def word_tokenizer(texts: Iterable[str], labels: Sequence[str]) -> str:
    """Make a tokenizer of words in lower case and single digits and signs.

    Parameters
    ----------
    texts : iterable of str
        Training texts. Of more than 5,000 different words, those that occur once are unknown.
    labels : sequence of str
        Strings whose parts must be known.

    Returns
    -------
    tokenizer : str
        As JSON; see `read_tokenizer`.

    Examples
    --------
    >>> tokenizer = read_tokenizer(word_tokenizer(["So good!"], ["positive", "-1.2"]))
    >>> encode(tokenizer, "good, -2.1 bad")
    [9, 2, 4, 7, 6, 5, 2]
    """
    tokenizers = import_optional("tokenizers", extra="text", purpose="UniMSE")
    parts = import_optional("tokenizers.pre_tokenizers", extra="text", purpose="UniMSE")
    normalizers = import_optional("tokenizers.normalizers", extra="text", purpose="UniMSE")
    split = parts.Sequence([parts.BertPreTokenizer(), parts.Digits(individual_digits=True)])
    normalize = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])

    def words(text: str) -> list[str]:
        return [word for word, _ in split.pre_tokenize_str(normalize.normalize_str(text))]

    needed = dict.fromkeys(word for label in labels for word in words(label))
    counts = Counter(word for text in texts for word in words(text))
    least = 2 if len(counts) > _ROOMY else 1
    common = [word for word, n in counts.most_common(_MOST_WORDS) if n >= least]
    vocabulary = {word: i for i, word in enumerate(dict.fromkeys([*SPECIAL, *needed, *common]))}
    model = tokenizers.models.WordLevel(vocabulary, unk_token=UNKNOWN)
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.pre_tokenizer, tokenizer.normalizer = split, normalize
    return str(tokenizer.to_str())


def folder_tokenizer(folder: Path) -> str:
    """Read the tokenizer of a saved model as JSON."""
    tokenizers = import_optional("tokenizers", extra="text", purpose="UniMSE")
    path = folder / "tokenizer.json"
    if path.exists():
        tokenizer = tokenizers.Tokenizer.from_file(str(path))
    else:
        transformers = import_optional("transformers", extra="text", purpose="UniMSE")
        loaded = transformers.AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
        tokenizer = loaded.backend_tokenizer
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return str(tokenizer.to_str())


@functools.lru_cache(maxsize=8)
def read_tokenizer(text: str) -> Any:
    """Make a tokenizer of its JSON, once a process.

    Examples
    --------
    >>> read_tokenizer(word_tokenizer(["a b"], [])).get_vocab_size()
    5
    """
    tokenizers = import_optional("tokenizers", extra="text", purpose="UniMSE")
    return tokenizers.Tokenizer.from_str(text)


def encode(tokenizer: Any, text: str) -> list[int]:
    """Return the tokens of a text, without special ones."""
    ids: list[int] = tokenizer.encode(text, add_special_tokens=False).ids
    return ids


def encode_transcript(tokenizer: Any, text: str, special: Sequence[int]) -> list[int]:
    """Return the tokens of what somebody said; special ones that it spells are unknown words.

    Examples
    --------
    >>> tokenizer = read_tokenizer(word_tokenizer(["fine"], []))
    >>> encode_transcript(tokenizer, "fine", [0, 1])
    [3]
    """
    unknown = tokenizer.token_to_id(UNKNOWN)
    reserved = set(special)
    return [unknown if token in reserved else token for token in encode(tokenizer, text)]


class LabelWriter:
    """Write label strings as tokens, field by field, with a comma between two.

    Each field is tokenized alone, so that some fields of a label are always some first tokens of
    it, whatever the tokenizer merges.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer
        The tokenizer.
    end : int
        The token that ends a label.
    name : str
        What the tokenizer belongs to, for errors.

    Examples
    --------
    >>> tokenizer = read_tokenizer(word_tokenizer([], [",", "positive", "1.2", "joy"]))
    >>> writer = LabelWriter(tokenizer, 1, "tiny")
    >>> writer.whole(["positive", "1.2", "joy"]) == [
    ...     *writer.part(["positive", "1.2"]), *writer.choice("joy", last=True)]
    True
    """

    def __init__(self, tokenizer: Any, end: int, name: str) -> None:
        self._tokenizer = tokenizer
        self._end = end
        self._name = name
        self._unknown = tokenizer.token_to_id(UNKNOWN)
        self._comma = self._known(",")

    def field(self, text: str) -> list[int]:
        """Return the tokens of one field.

        Raises
        ------
        ValueError
            If the tokenizer does not know it, or it holds the comma that separates fields.
        """
        if "," in text:
            raise ValueError(
                f"The label {text!r} holds a comma, which separates the parts of a label string. "
                "Rename the label."
            )
        return self._known(text)

    def _known(self, text: str) -> list[int]:
        tokens = encode(self._tokenizer, text)
        if not tokens or self._unknown in tokens:
            raise ValueError(
                f"The tokenizer of {self._name!r} does not know the label word {text!r}, so that "
                "it could never be generated. Rename the label to a word of letters that the "
                "tokenizer knows."
            )
        return tokens

    def part(self, fields: Sequence[str]) -> list[int]:
        """Return the tokens of the first fields of a label, the comma behind them included."""
        return [token for text in fields for token in [*self.field(text), *self._comma]]

    def choice(self, text: str, *, last: bool) -> list[int]:
        """Return the tokens of a field and of what stands behind it, a comma or the end."""
        return [*self.field(text), *([self._end] if last else self._comma)]

    def whole(self, fields: Sequence[str]) -> list[int]:
        """Return the tokens of a label."""
        return [*self.part(fields[:-1]), *self.choice(fields[-1], last=True)]
