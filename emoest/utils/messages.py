"""How names are listed in a message."""

import difflib
from collections.abc import Iterable
from typing import Any


def printable(text: Any) -> str:
    r"""Escape what a terminal would obey or hide: control characters, direction marks, breaks.

    Examples
    --------
    >>> printable("sad\x1b[31m"), printable("a\u202eb"), printable("Zoë ok")
    ('sad\\x1b[31m', 'a\\u202eb', 'Zoë ok')
    """
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in str(text)
    )


def short_repr(value: Any, most: int = 300) -> str:
    """Write an object in one line of at most `most` characters.

    Examples
    --------
    >>> short_repr({"a": [1, 2]}, most=8)
    "{'a': [1..."
    """
    text = printable(" ".join(repr(value).split()))
    return text if len(text) <= most else f"{text[:most]}..."


def listed(
    names: Iterable[Any], most: int = 5, *, quoted: bool = False, separator: str = ", "
) -> str:
    """List names in a message, and say how many more there are.

    Parameters
    ----------
    names : iterable
        What is listed: names, labels, rows, files.
    most : int, default=5
        How many are shown.
    quoted : bool, default=False
        Whether each is shown as Python writes it, ``'a'`` instead of ``a``.
    separator : str, default=", "
        What stands between two names.

    Returns
    -------
    text : str
        Empty if there are none.

    Examples
    --------
    >>> listed(["a", "b", "c", "d"], most=2)
    'a, b and 2 more'
    >>> import numpy as np
    >>> listed(np.array([1, 2]), quoted=True)
    '1, 2'
    """
    every = list(names)
    # numpy writes its scalars as np.int64(1); item() gives what the user wrote.
    plain = [name.item() if type(name).__module__ == "numpy" else name for name in every[:most]]
    shown = separator.join(repr(name) if quoted else printable(name) for name in plain)
    more = len(every) - most
    return f"{shown} and {more} more" if more > 0 else shown


def near_names(name: str, known: Iterable[str], most: int = 3) -> str:
    """Offer the known names that are spelled almost as a wrong one, as a question for a message.

    Case, ``_`` for ``-`` and the owner before a slash do not count.

    Examples
    --------
    >>> near_names("yamnte", ["yamnet", "fer"])
    "Did you mean 'yamnet'?"
    >>> near_names("minilm_l6", ["org/MiniLM-L6", "org/other"]), near_names("x", ["yamnet"])
    ("Did you mean 'org/MiniLM-L6'?", '')
    """
    spelled: dict[str, list[str]] = {}
    for each in known:
        spelled.setdefault(_spelling(each), []).append(each)
    close = difflib.get_close_matches(_spelling(name), spelled, n=most, cutoff=0.75)
    found = [each for key in close for each in spelled[key] if each != name][:most]
    return f"Did you mean {' or '.join(map(repr, found))}?" if found else ""


def _spelling(name: str) -> str:
    return name.rstrip("/").rpartition("/")[2].casefold().replace("_", "-")
