"""The polarity of a sample: given, or from the sign of its score, or from its emotion."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from emoest.tables.cells import is_missing
from emoest.utils.messages import listed
from emoest.utils.typing import Array
from emoest.utils.warn import warn_user

POLARITIES = ("negative", "neutral", "positive")
"""The words of a polarity."""

LIMIT = 3.0
"""Scores are between minus this and this."""

_POSITIVE = (
    "amusement",
    "contentment",
    "excited",
    "excitement",
    "exc",
    "gratitude",
    "hap",
    "happiness",
    "happy",
    "joy",
    "joyful",
    "love",
    "powerful",
    "pride",
    "relief",
)
_NEUTRAL = ("calm", "neu", "neutral", "peaceful")
_NEGATIVE = (
    "ang",
    "anger",
    "angry",
    "anxiety",
    "bored",
    "boredom",
    "contempt",
    "disgust",
    "disgusted",
    "fear",
    "fearful",
    "fru",
    "frustrated",
    "frustration",
    "guilt",
    "mad",
    "sad",
    "sadness",
    "scared",
    "shame",
    "sur",
    "surprise",
    "surprised",
)
POLARITY_OF = {
    **dict.fromkeys(_POSITIVE, "positive"),
    **dict.fromkeys(_NEUTRAL, "neutral"),
    **dict.fromkeys(_NEGATIVE, "negative"),
}
"""Polarity of the emotions that corpora name; surprise is negative, as in the official script."""


def check_polarities(polarity: Sequence[Any], rows: Sequence[Any]) -> list[str | None]:
    """Return polarities in lower case, None where they are missing, or name those that are none.

    Parameters
    ----------
    polarity : sequence
        Words; None or NaN where they are not known.
    rows : sequence
        Names of the rows, for the message.

    Returns
    -------
    polarity : list of str or None

    Raises
    ------
    ValueError
        If a word is none of `POLARITIES`.

    Examples
    --------
    >>> check_polarities(["Positive", None], [0, 1])
    ['positive', None]
    >>> check_polarities(["good"], [7])
    Traceback (most recent call last):
        ...
    ValueError: 1 row(s) have a polarity that is none of 'negative', 'neutral', 'positive': 'good' \
in row 7. ...
    """
    words = [None if is_missing(word) else str(word).strip().lower() for word in polarity]
    wrong = [i for i, word in enumerate(words) if word is not None and word not in POLARITIES]
    if wrong:
        shown = listed([f"{polarity[i]!r} in row {rows[i]!r}" for i in wrong], most=3)
        raise ValueError(
            f"{len(wrong)} row(s) have a polarity that is none of "
            f"{listed(POLARITIES, quoted=True)}: {shown}. Write one of these words, or None where "
            "the score or the emotion is to decide."
        )
    return words


def check_scores(scores: Array, rows: Sequence[Any]) -> None:
    """Raise if scores are outside of -3 to 3.

    Examples
    --------
    >>> check_scores(np.array([0.5, 4.0]), ["a", "b"])
    Traceback (most recent call last):
        ...
    ValueError: 1 of 2 scores are outside of [-3, 3], such as 4.0 in row 'b'. ...
    """
    outside = np.flatnonzero(~(np.abs(scores) <= LIMIT))
    if len(outside):
        first = outside[0]
        raise ValueError(
            f"{len(outside)} of {len(scores)} scores are outside of [-3, 3], such as "
            f"{float(scores[first])!r} in row {rows[first]!r}. Bring them to this scale first: "
            "ratings from -4 to 4 are divided by 4/3."
        )


def polarity_of_scores(scores: Array) -> list[str]:
    """Return the polarity of each score: its sign.

    Examples
    --------
    >>> polarity_of_scores(np.array([-0.2, 0.0, 3.0]))
    ['negative', 'neutral', 'positive']
    """
    return [POLARITIES[int(np.sign(score)) + 1] for score in scores]


def polarity_of_emotions(
    emotions: Sequence[str], polarity_map: Mapping[str, str] | None = None
) -> list[str]:
    """Return the polarity of each emotion.

    Parameters
    ----------
    emotions : sequence of str
        The emotions.
    polarity_map : mapping of str to str, default=None
        Polarities of emotions, which come before those of `POLARITY_OF`.

    Returns
    -------
    polarity : list of str
        An emotion that is unknown is negative, with a warning.

    Raises
    ------
    ValueError
        If `polarity_map` names a polarity that is none.

    Examples
    --------
    >>> polarity_of_emotions(["Joy", "surprise"], {"surprise": "positive"})
    ['positive', 'positive']
    """
    own = dict(polarity_map or {})
    wrong = {name: word for name, word in own.items() if word not in POLARITIES}
    if wrong:
        raise ValueError(
            f"polarity_map gives {wrong}; a polarity is one of {listed(POLARITIES, quoted=True)}."
        )
    known = {**POLARITY_OF, **{str(name).lower(): word for name, word in own.items()}}
    unknown = sorted({emotion for emotion in emotions if emotion.lower() not in known})
    if unknown:
        warn_user(
            f"The polarity of {listed(unknown, quoted=True)} is not known and taken as negative. "
            "Name it in polarity_map, for example "
            f"polarity_map={{{unknown[0]!r}: 'positive'}}, or give a column of polarities."
        )
    return [known.get(emotion.lower(), "negative") for emotion in emotions]
