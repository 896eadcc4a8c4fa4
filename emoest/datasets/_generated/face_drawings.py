"""Drawings of faces whose expression is a handful of numbers."""

from typing import NamedTuple

import numpy as np

from emoest.utils.typing import Array, Floats

SIDE = 48


class Expression(NamedTuple):
    """What differs between expressions.

    Parameters
    ----------
    smile : float
        How far the corners of the mouth stand above its middle, -1 to 1.
    mouth : float
        How far it is open, 0 to 1.
    brows : float
        How far the inner ends of the brows stand above the outer ones, -1 to 1.
    eyes : float
        How far the eyes are open, 0 to 1.
    """

    smile: float
    mouth: float
    brows: float
    eyes: float


EXPRESSIONS = {
    "neutral": Expression(smile=0.0, mouth=0.1, brows=0.0, eyes=0.5),
    "sad": Expression(smile=-0.8, mouth=0.1, brows=0.7, eyes=0.35),
    "fear": Expression(smile=-0.3, mouth=0.9, brows=0.5, eyes=1.0),
    "happy": Expression(smile=0.9, mouth=0.4, brows=0.0, eyes=0.4),
}

_ROWS, _COLUMNS = (np.mgrid[:SIDE, :SIDE] + 0.5) / SIDE
_BACKGROUND, _SKIN, _DARK = 70.0, 180.0, 40.0
_SOFTNESS = 0.02


def draw_face(
    expression: Expression,
    generator: np.random.RandomState,
    *,
    spread: float = 0.3,
    noise: float = 12.0,
) -> Array:
    """Draw a face with an expression around the given one, somewhere near the middle.

    Parameters
    ----------
    expression : Expression
        What is meant.
    generator : RandomState
        Of what differs between drawings.
    spread : float, default=0.3
        Standard deviation of each number of the expression.
    noise : float, default=12.0
        Standard deviation of the gray values.

    Returns
    -------
    image : ndarray of shape (48, 48), dtype uint8

    Examples
    --------
    >>> draw_face(EXPRESSIONS["happy"], np.random.RandomState(0)).shape
    (48, 48)
    """
    smile, mouth, brows, eyes = expression + spread * generator.normal(size=4)
    rows = _ROWS - generator.normal(scale=0.03)
    columns = _COLUMNS - generator.normal(scale=0.03)
    image = np.full((SIDE, SIDE), _BACKGROUND)
    image = _paint(image, _SKIN, 1 - np.hypot((rows - 0.52) / 0.44, (columns - 0.5) / 0.36), 0.05)
    for side in (-1, 1):
        across = columns - (0.5 + 0.16 * side)
        opened = 0.015 + 0.045 * np.clip(eyes, 0, 1.5)
        image = _paint(image, _DARK, 1 - np.hypot((rows - 0.42) / opened, across / 0.06), 0.2)
        # The inner end lies on the side of the nose.
        height = 0.3 + 0.06 * brows * side * across / 0.09
        line = np.where(np.abs(across) < 0.09, 0.015 - np.abs(rows - height), -1.0)
        image = _paint(image, _DARK, line, _SOFTNESS)
    across = columns - 0.5
    middle = 0.72 + 0.08 * smile * (0.5 - (across / 0.15) ** 2)
    thick = 0.012 + 0.07 * np.clip(mouth, 0, 1.5) * np.clip(1 - (across / 0.15) ** 2, 0, 1)
    lips = np.where(np.abs(across) < 0.15, thick - np.abs(rows - middle), -1.0)
    image = _paint(image, _DARK, lips, _SOFTNESS)
    image = image * generator.uniform(0.8, 1.2) + noise * generator.normal(size=image.shape)
    return image.round().clip(0, 255).astype(np.uint8)


def _paint(image: Floats, level: float, inside: Floats, softness: float) -> Floats:
    """Paint where `inside` is positive, with a soft edge."""
    covered = np.clip(0.5 + inside / softness, 0, 1)
    return image * (1 - covered) + level * covered
