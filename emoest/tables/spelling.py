"""Spelling of names (speakers, labels): what is the same name, and what only looks like it.

A speaker who has two names is on both sides of a split, and a label with two spellings is two
classes. Loaders clean names; what may still be one name is said, never changed.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from emoest.utils.messages import listed

_BLANKS = re.compile(r"\s+")
# Between two digits a separator tells 1-1 from 11; elsewhere it is a blank in other clothes.
_SEPARATORS = re.compile(r"(?<![0-9])[\s_.-]+|[\s_.-]+(?![0-9])")
_LEADING_ZEROS = re.compile(r"(?<![0-9])0+(?=[0-9])")
_STEM_LETTERS = 5
_ENDING = re.compile(r"[a-z]{1,2}")
_TITLE = re.compile(
    r"(actor|speaker|spk|subject|subj|sub|participant|person|voice|user|id|s|p)(?=[0-9]+$)"
)


def clean_name(name: Any) -> Any:
    r"""Strip blanks around a name, make blanks inside single, and compose its letters (NFC).

    What is no text is returned as it is, and a text without any letter becomes None.

    Examples
    --------
    >>> clean_name(" s01\t"), clean_name("Ann  Lee"), clean_name("e\u0301") == "\u00e9"
    ('s01', 'Ann Lee', True)
    >>> clean_name("  ") is None, clean_name(7)
    (True, 7)
    """
    if not isinstance(name, str):
        return name
    return unicodedata.normalize("NFC", _BLANKS.sub(" ", name.strip())) or None


def clean_names(column: pd.Series) -> pd.Series:
    """Apply `clean_name` to a column; each different name is looked at once.

    Examples
    --------
    >>> clean_names(pd.Series(["s01 ", "s01", " "])).tolist()
    ['s01', 's01', None]
    """
    if not (column.dtype == object or pd.api.types.is_string_dtype(column)):
        return column
    names = {name: clean_name(name) for name in column.unique() if isinstance(name, str)}
    if all(name == cleaned for name, cleaned in names.items()):
        return column
    cleaned = np.empty(len(column), dtype=object)
    cleaned[:] = [names.get(name, name) if isinstance(name, str) else name for name in column]
    return pd.Series(cleaned, index=column.index, name=column.name, dtype=object)


def find_alike(
    names: Iterable[Any], *, inflected: bool = False, titled: bool = False
) -> list[tuple[Any, ...]]:
    """Find names that differ only by case, blanks, punctuation (-, _, .) or leading zeros.

    Parameters
    ----------
    names : iterable
        Names of speakers or labels, repeated or not; only texts are compared.
    inflected : bool, default=False
        Whether names count as well of which one is the other and up to two letters more
        (``surprise`` and ``surprised``); for labels.
    titled : bool, default=False
        Whether a number counts as the same name with a word such as ``actor`` or ``speaker`` before
        it and without (``1`` and ``Actor_01``); for people.

    Returns
    -------
    alike : list of tuple
        Groups of different names that may be one, in order of appearance.

    Examples
    --------
    >>> find_alike(["s01", "s02", "S01", "s1", "s01 ", "s10"])
    [('s01', 'S01', 's1', 's01 ')]
    >>> find_alike(["Pleasant_surprise", "pleasant surprised", "fear"], inflected=True)
    [('Pleasant_surprise', 'pleasant surprised')]
    >>> find_alike(["1", "Actor_01", "F01"], titled=True)
    [('1', 'Actor_01')]
    """
    by_key: dict[str, list[str]] = {}
    for name in dict.fromkeys(name for name in names if isinstance(name, str)):
        key = _key(name)
        by_key.setdefault(_key(_TITLE.sub("", key)) if titled else key, []).append(name)
    if inflected:
        for key in sorted(by_key):
            stem = next((s for s in (key[:-1], key[:-2]) if s in by_key), None)
            ending = "" if stem is None else key.removeprefix(stem)
            if stem is not None and len(stem) >= _STEM_LETTERS and _ENDING.fullmatch(ending):
                by_key[stem] += by_key.pop(key)
    return [tuple(group) for group in by_key.values() if len(group) > 1]


def _key(name: str) -> str:
    plain = unicodedata.normalize("NFKC", name).strip().casefold()
    return _LEADING_ZEROS.sub("", _SEPARATORS.sub("", plain))


def describe_alike(alike: list[tuple[Any, ...]]) -> str:
    """Write groups of names that look alike into a message.

    Examples
    --------
    >>> describe_alike([("s01", "S01"), ("s2", "s2 ")])
    "'s01' and 'S01'; 's2' and 's2 '"
    """
    return listed([" and ".join(map(repr, group)) for group in alike], separator="; ")


def text_codes(values: npt.NDArray[Any] | pd.Series) -> bool:
    """Check whether texts of digits are names and no numbers: one of them has a leading zero.

    Examples
    --------
    >>> text_codes(pd.Series(["01", "12"])), text_codes(pd.Series(["0", "1.5", "0.5"]))
    (True, False)
    """
    return any(re.fullmatch(r"[+-]?0[0-9]+", str(value).strip()) for value in pd.unique(values))
