"""Label strings: how a universal label is written, and how what was generated is read."""

import math
from collections.abc import Collection, Sequence

from emoest.neural._unimse.polarity import LIMIT, POLARITIES

SCORE_FIELD = 1
"""Place of the score among the fields of a universal label, behind the polarity."""


def write_score(score: float) -> str:
    """Write a score with one decimal.

    Examples
    --------
    >>> write_score(1.25), write_score(-0.04)
    ('1.2', '0.0')
    """
    return f"{round(float(score), 1) + 0.0:.1f}"


def squeeze(text: str) -> str:
    """Return a text without blanks, in lower case: what is left of a word after tokenizing.

    Examples
    --------
    >>> squeeze(" - 1 . 2")
    '-1.2'
    """
    return "".join(text.split()).lower()


def read_label(
    text: str, n_fields: int, emotions: Collection[str], own_field: int
) -> tuple[str | None, float, str | None]:
    """Read a generated label string.

    Parameters
    ----------
    text : str
        What was generated.
    n_fields : int
        Fields of a label; 1 if it is a score or an emotion alone.
    emotions : collection of str
        The emotions that may stand in the field.
    own_field : int
        The field of the emotion; of a label of one field, 0.

    Returns
    -------
    polarity : str or None
    score : float
    emotion : str or None
        None (NaN for the score) where the string does not say it.

    Examples
    --------
    >>> read_label("positive , 1 . 2 , joy", 3, ["joy"], 2)
    ('positive', 1.2, 'joy')
    >>> read_label("joy,,", 3, ["joy"], 2)
    (None, nan, None)
    """
    fields = [squeeze(part) for part in text.split(",")]
    by_name = {squeeze(name): name for name in emotions}
    if n_fields == 1:
        return None, read_score(fields[0]), read_emotion(fields[0], by_name)
    fields += [""] * (n_fields - len(fields))
    polarity = fields[0] if fields[0] in POLARITIES else None
    return polarity, read_score(fields[SCORE_FIELD]), read_emotion(fields[own_field], by_name)


def read_score(text: str) -> float:
    """Read a number between -3 and 3; NaN for anything else.

    Examples
    --------
    >>> read_score("-1.5"), read_score("1.5."), read_score("7.0")
    (-1.5, nan, nan)
    """
    try:
        score = float(text)
    except ValueError:
        return math.nan
    return score if abs(score) <= LIMIT else math.nan


def read_emotion(text: str, by_name: dict[str, str]) -> str | None:
    """Find the emotion that a text names, or the only one that begins as it does.

    Examples
    --------
    >>> names = {"sadness": "sadness", "joy": "joy"}
    >>> read_emotion("joy", names), read_emotion("sad", names), read_emotion("", names)
    ('joy', 'sadness', None)
    """
    if text in by_name:
        return by_name[text]
    near: Sequence[str] = [name for name in by_name if len(text) > 1 and name.startswith(text)]
    return by_name[near[0]] if len(near) == 1 else None
