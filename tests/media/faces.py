"""Drawings of faces."""

import numpy as np


def draw_face(side: int = 160):
    """A drawing that a face detector takes for a face, (side, side, 3) uint8."""
    y, x = np.mgrid[:side, :side] / side
    picture = np.full((side, side), 90.0)
    strokes = [
        (200, 0.52, 0.5, 0.42, 0.32, 0.15),
        (60, 0.12, 0.5, 0.14, 0.32, 0.15),
        (110, 0.40, 0.36, 0.07, 0.11, 0.3),
        (110, 0.40, 0.64, 0.07, 0.11, 0.3),
        (40, 0.42, 0.36, 0.035, 0.07, 0.15),
        (40, 0.42, 0.64, 0.035, 0.07, 0.15),
        (60, 0.33, 0.36, 0.02, 0.09, 0.15),
        (60, 0.33, 0.64, 0.02, 0.09, 0.15),
        (225, 0.54, 0.5, 0.14, 0.04, 0.4),
        (130, 0.62, 0.5, 0.02, 0.07, 0.15),
        (90, 0.76, 0.5, 0.03, 0.13, 0.15),
    ]
    for level, row, column, height, width, softness in strokes:
        radius = np.hypot((y - row) / height, (x - column) / width)
        share = 1 / (1 + np.exp(np.clip((radius - 1) / softness, -50, 50)))
        picture = picture * (1 - share) + level * share
    return np.repeat(picture.round().astype(np.uint8)[..., None], 3, axis=2)
