"""Published systems: each a function that returns an unfitted Pipeline."""

from emoest.systems.boateng2020 import (
    boateng2020_param_grid,
    make_boateng2020,
    make_compare2020_baseline,
)

__all__ = ["boateng2020_param_grid", "make_boateng2020", "make_compare2020_baseline"]
