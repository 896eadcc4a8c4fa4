"""Words as numbers: a fast tokenizer of any model, or a vocabulary learned from the texts."""

import difflib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from emoest.nets.weight_files.transformers_folder import loading
from emoest.tables.cells import Frames
from emoest.utils.messages import listed
from emoest.utils.optional import import_optional
from emoest.utils.typing import Ints

SPECIAL = {"cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
"""Special pieces that are needed, by what they are for."""

KEPT_WORDS = ("i", "am", ".", "?", "!")
"""Pieces of the usual prompt, which a learned vocabulary always has."""

_PARTS = re.compile(r"(\{text\}|\[MASK\])")


class Pieces:
    """A tokenizer as text: it can be pickled, saved and compared.

    Parameters
    ----------
    tokenizer : str
        A fast tokenizer as the library ``tokenizers`` writes it (JSON).
    special : dict of str to str, default=None
        What `SPECIAL` is in this tokenizer; None takes `SPECIAL`.

    Examples
    --------
    >>> pieces = Pieces.learn(["so happy", "so sad"], words=["happy"], vocab_size=100)
    >>> ids, words = pieces.encode("So happy")
    >>> [pieces.word(i) for i in ids], words.tolist()
    (['so', 'happy'], [0, 1])
    """

    def __init__(self, tokenizer: str, special: dict[str, str] | None = None) -> None:
        self.tokenizer = tokenizer
        self.special = dict(SPECIAL if special is None else special)
        library = import_optional("tokenizers", extra="text", purpose="MEmoBERT")
        self._fast = library.Tokenizer.from_str(tokenizer)
        self._fast.no_padding()
        self._fast.no_truncation()
        # A transcript that says "[MASK]" must not become a second mask.
        self._fast.encode_special_tokens = True

    @classmethod
    def read(cls, folder: Path) -> "Pieces":
        """Read the tokenizer of a model's folder.

        Raises
        ------
        ValueError
            If it has no fast version or no mask.
        """
        transformers = import_optional("transformers", extra="text", purpose="MEmoBERT")
        with loading(folder):
            found = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
        if not found.is_fast:
            raise ValueError(f"The tokenizer in {str(folder)!r} has no fast version.")
        special = {name: getattr(found, f"{name}_token") for name in SPECIAL}
        if lacking := [name for name, token in special.items() if token is None]:
            raise ValueError(
                f"The tokenizer in {str(folder)!r} has no {listed(lacking)} token, so it is not "
                "one of a BERT. Take that of a BERT, or tokenizer=None, which learns one."
            )
        return cls(found.backend_tokenizer.to_str(), special)

    @classmethod
    def learn(
        cls, texts: Iterable[str], words: Sequence[str] = (), vocab_size: int = 5000
    ) -> "Pieces":
        """Learn a vocabulary: the most frequent words; rarer ones are written in characters.

        Parameters
        ----------
        texts : iterable of str
            What to learn from.
        words : sequence of str
            Words that are one piece in any case.
        vocab_size : int
            Largest number of pieces; special pieces, `words` and characters are always there.
        """
        library = import_optional("tokenizers", extra="text", purpose="MEmoBERT")
        normalizer = library.normalizers.BertNormalizer(lowercase=True)
        splitter = library.pre_tokenizers.BertPreTokenizer()
        counts: Counter[str] = Counter()
        for text in texts:
            plain = normalizer.normalize_str(text)
            counts.update(word for word, _ in splitter.pre_tokenize_str(plain))
        kept = [normalizer.normalize_str(word) for word in (*KEPT_WORDS, *words)]
        characters = sorted(set("".join([*counts, *kept, "abcdefghijklmnopqrstuvwxyz'"])))
        # The library's own training differs between processes.
        frequent = sorted(counts, key=lambda word: (-counts[word], word))
        order = [
            *("[PAD]", "[UNK]", *SPECIAL.values()),
            *kept,
            *characters,
            *(f"##{each}" for each in characters),
        ]
        order = list(dict.fromkeys(order))
        order = list(dict.fromkeys([*order, *frequent]))[: max(vocab_size, len(order))]
        model = library.models.WordPiece(
            {piece: i for i, piece in enumerate(order)}, unk_token="[UNK]"
        )
        fast = library.Tokenizer(model)
        fast.normalizer, fast.pre_tokenizer = normalizer, splitter
        fast.add_special_tokens(["[PAD]", "[UNK]", *SPECIAL.values()])
        return cls(fast.to_str())

    @property
    def vocab_size(self) -> int:
        """Number of pieces."""
        return int(self._fast.get_vocab_size())

    def id_of(self, name: str) -> int:
        """Number of a special piece: ``"cls"``, ``"sep"`` or ``"mask"``."""
        return int(self._fast.token_to_id(self.special[name]))

    @property
    def first_id(self) -> int:
        """Number of the first piece that may stand for another: that of "!", as in BERT's own."""
        mark = self._fast.token_to_id("!")
        return 0 if mark is None else int(mark)

    def word(self, number: int) -> str:
        """Piece of a number."""
        return str(self._fast.id_to_token(int(number)))

    def encode(self, text: str) -> tuple[Ints, Ints]:
        """Number the pieces of a text, without special ones, and the words they are part of.

        Words are what stands between blanks.
        """
        encoded = self._fast.encode(text.split(), is_pretokenized=True, add_special_tokens=False)
        ids, words = encoded.ids, encoded.word_ids
        return np.array(ids, dtype=np.int64), np.array(words, dtype=np.int64)

    @property
    def _unknown(self) -> str | None:
        """Piece of what the vocabulary lacks."""
        model = json.loads(self.tokenizer)["model"]
        if model.get("unk_id") is not None:
            return str(model["vocab"][model["unk_id"]][0])
        unknown = model.get("unk_token")
        return None if unknown is None else str(unknown)

    def label_id(self, word: str) -> int | None:
        """Number of a word that is one piece; None for any other."""
        ids, _ = self.encode(word)
        return int(ids[0]) if len(ids) == 1 and self.word(ids[0]) != self._unknown else None

    def label_ids(self, words: Mapping[Any, str]) -> list[int]:
        """Number of the label word of each class.

        Parameters
        ----------
        words : mapping of class to str
            The label words.

        Returns
        -------
        ids : list of int

        Raises
        ------
        ValueError
            If a word is several pieces, or none, or that of two classes; the message names them and
            proposes a word.
        """
        found: dict[int, Any] = {}
        for label, word in words.items():
            number = self.label_id(word)
            if number is None:
                shown = [self.word(i) for i in self.encode(word)[0]]
                raise ValueError(
                    f"The label word {word!r} is {len(shown)} pieces in this tokenizer "
                    f"({listed(shown)}); a prompt asks for one that it knows. "
                    f"{self._advise(label, word, words)}"
                )
            if number in found:
                raise ValueError(
                    f"The classes {found[number]!r} and {label!r} have the same label word in this "
                    f"tokenizer, {self.word(number)!r}, so that no prompt tells them apart. "
                    f"{self._advise(label, word, words)}"
                )
            found[number] = label
        return list(found)

    def _advise(self, label: Any, word: str, words: Mapping[Any, str]) -> str:
        """Propose a word of three letters or more that no class has."""
        taken = {self.label_id(each) for each in words.values()}
        known = [each for each in self._fast.get_vocab() if each.isalpha() and len(each) > 2]
        near = difflib.get_close_matches(word.lower(), sorted(known), n=20, cutoff=0.0)
        free = [each for each in near if self.label_id(each) not in (None, *taken)]
        example = f", for example verbalizer={{{label!r}: {free[0]!r}}}" if free else ""
        return f"Give another word{example}."

    def __getstate__(self) -> dict[str, Any]:
        return {"tokenizer": self.tokenizer, "special": self.special}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["tokenizer"], state["special"])  # type: ignore[misc]

    def to_json(self) -> str:
        """Write tokenizer and special pieces as one text."""
        return json.dumps([self.tokenizer, self.special])

    @classmethod
    def from_json(cls, text: str) -> "Pieces":
        """Read what `to_json` wrote."""
        return cls(*json.loads(text))


class Template:
    """A prompt: text and mask, with words around them.

    Parameters
    ----------
    template : str, default="{text}"
        ``{text}`` is the transcript, ``[MASK]`` the word that is asked for.
    prompt : bool, default=False
        Whether there must be a mask.

    Raises
    ------
    ValueError
        If one of the two is not there exactly once.

    Examples
    --------
    >>> Template("{text} I am .", prompt=True)
    Traceback (most recent call last):
        ...
    ValueError: template='{text} I am .' needs [MASK] once, where the label word stands...
    """

    def __init__(self, template: str = "{text}", *, prompt: bool = False) -> None:
        example = "for example '{text} I am [MASK] .'"
        if prompt and template.count("[MASK]") != 1:
            raise ValueError(
                f"template={template!r} needs [MASK] once, where the label word stands, {example}."
            )
        if template.count("{text}") != 1:
            raise ValueError(
                f"template={template!r} needs {{text}} once, where the transcript stands, "
                f"{example}."
            )
        self.parts = [part for part in _PARTS.split(template) if part.strip()]

    def fill(self, text: str | None, pieces: Pieces, limit: int | None = None) -> Frames:
        """Write a row's text as the net reads it.

        Parameters
        ----------
        text : str or None
            The transcript; None leaves it out. Before other words it gets a full stop if what is
            kept of it ends in none of ``. ? !``.
        pieces : Pieces
            The tokenizer.
        limit : int, default=None
            Pieces of the transcript that are kept; an added full stop does not count.

        Returns
        -------
        pieces : ndarray of shape (n_pieces, 2), dtype float32
            Number of each piece, and of the word that it is part of (-1 for [CLS], [SEP], mask).
        """
        ids, words = [pieces.id_of("cls")], [-1]
        for part in self.parts:
            if part == "[MASK]":
                ids.append(pieces.id_of("mask"))
                words.append(-1)
                continue
            found, of_word = pieces.encode((text or "") if part == "{text}" else part)
            if part == "{text}":
                found, of_word = self._ended(found[:limit], of_word[:limit], pieces)
            first = max(words) + 1
            ids.extend(found.tolist())
            words.extend((of_word + first).tolist())
        ids.append(pieces.id_of("sep"))
        words.append(-1)
        return np.array([ids, words], dtype=np.float32).T

    def _ended(self, ids: Ints, words: Ints, pieces: Pieces) -> tuple[Ints, Ints]:
        """Pieces of a transcript as they stand in the prompt: with its full stop."""
        if not len(ids) or self.parts[-1] == "{text}" or pieces.word(ids[-1])[-1] in ".?!":
            return ids, words
        stop, of_stop = pieces.encode(".")
        return np.append(ids, stop), np.append(words, of_stop + words[-1] + 1)
