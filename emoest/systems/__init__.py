"""Published systems: each a function that returns an unfitted Pipeline."""

from emoest.systems.boateng2020 import (
    boateng2020_param_grid,
    make_boateng2020,
    make_compare2020_baseline,
)
from emoest.systems.m3er import m3er_ablation, make_m3er

__all__ = [
    "boateng2020_param_grid",
    "m3er_ablation",
    "make_boateng2020",
    "make_compare2020_baseline",
    "make_m3er",
]
