"""Systems, published ones and your own: functions that return an unfitted Pipeline."""

from emoest.systems.boateng2020 import (
    boateng2020_param_grid,
    make_boateng2020,
    make_compare2020_baseline,
)
from emoest.systems.m3er2020 import m3er_ablation, make_m3er
from emoest.systems.padi2021 import make_padi2021, padi2021_ablation
from emoest.systems.recordings import make_recording_pipeline
from emoest.systems.tan2021 import (
    make_tan2021,
    make_tan2021_eeg,
    tan2021_comparison,
    tan2021_eeg_param_grid,
)
from emoest.systems.timeline import plot_timeline, predict_timeline

__all__ = [
    "boateng2020_param_grid",
    "m3er_ablation",
    "make_boateng2020",
    "make_compare2020_baseline",
    "make_m3er",
    "make_padi2021",
    "make_recording_pipeline",
    "make_tan2021",
    "make_tan2021_eeg",
    "padi2021_ablation",
    "plot_timeline",
    "predict_timeline",
    "tan2021_comparison",
    "tan2021_eeg_param_grid",
]
