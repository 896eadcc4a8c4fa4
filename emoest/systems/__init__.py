"""Systems, published ones and your own: functions that return an unfitted Pipeline."""

from emoest.systems._memobert2022_clips import clips_from_subtitles
from emoest.systems._memobert2022_runs import (
    memobert2022_ablation,
    memobert2022_by_speaker,
    memobert2022_few_shot,
)
from emoest.systems._memobert2022_speakers import TrackedFace, choose_active_speaker
from emoest.systems._spaces import (
    boateng2020_space,
    m3er_space,
    memobert2022_space,
    padi2021_space,
    recording_space,
    tan2021_eeg_space,
    tan2021_space,
    unimse2022_space,
)
from emoest.systems.boateng2020 import (
    boateng2020_param_grid,
    make_boateng2020,
    make_compare2020_baseline,
)
from emoest.systems.m3er2020 import m3er_ablation, make_m3er
from emoest.systems.memobert2022 import make_memobert2022
from emoest.systems.padi2021 import make_padi2021, padi2021_ablation
from emoest.systems.recordings import make_recording_pipeline
from emoest.systems.tan2021 import (
    make_tan2021,
    make_tan2021_eeg,
    tan2021_comparison,
    tan2021_eeg_param_grid,
)
from emoest.systems.timeline import plot_timeline, predict_timeline
from emoest.systems.unimse2022 import make_unimse2022, unimse2022_ablation

__all__ = [
    "TrackedFace",
    "boateng2020_param_grid",
    "boateng2020_space",
    "choose_active_speaker",
    "clips_from_subtitles",
    "m3er_ablation",
    "m3er_space",
    "make_boateng2020",
    "make_compare2020_baseline",
    "make_m3er",
    "make_memobert2022",
    "make_padi2021",
    "make_recording_pipeline",
    "make_tan2021",
    "make_tan2021_eeg",
    "make_unimse2022",
    "memobert2022_ablation",
    "memobert2022_by_speaker",
    "memobert2022_few_shot",
    "memobert2022_space",
    "padi2021_ablation",
    "padi2021_space",
    "plot_timeline",
    "predict_timeline",
    "recording_space",
    "tan2021_comparison",
    "tan2021_eeg_param_grid",
    "tan2021_eeg_space",
    "tan2021_space",
    "unimse2022_ablation",
    "unimse2022_space",
]
