"""AcousticFunctionals beside Praat: pitch, jitter, shimmer and harmonics-to-noise ratio by clip.

    pip install praat-parselmouth
    python benchmarks/praat.py FOLDER [EVERY]

FOLDER holds audio files, of which every EVERY-th (24) is measured. Praat's settings are those of
its menus: pitch (ac) from 75 to 500 Hz, point process (cc), jitter and shimmer (local), harmonicity
by autocorrelation (ac) and cross-correlation (cc), averaged over the frames that it finds voiced.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from emoest.features import AcousticFunctionals
from emoest.media import read_audio

COLUMNS = ["f0_median", "f0_p10", "jitter", "shimmer", "hnr_mean"]
ROWS = [*COLUMNS[:-1], "hnr_mean (ac)", "hnr_mean (cc)"]


def praat(path: Path) -> list[float]:
    """What Praat says of a clip, in the units of AcousticFunctionals."""
    import parselmouth
    from parselmouth.praat import call

    signal, rate = read_audio(path)
    sound = parselmouth.Sound(signal.astype(np.float64), rate)
    pitch = sound.to_pitch_ac(0.01, 75, pitch_ceiling=500)
    points = call([sound, pitch], "To PointProcess (cc)")
    jitter = call(points, "Get jitter (local)", 0, 0, 1e-4, 0.02, 1.3)
    shimmer = call([sound, points], "Get shimmer (local)", 0, 0, 1e-4, 0.02, 1.3, 1.6)
    by_ac = sound.to_harmonicity_ac(0.01, 75, 0.1, 4.5).values
    by_cc = sound.to_harmonicity_cc(0.01, 75, 0.1, 1.0).values
    hertz = pitch.selected_array["frequency"]
    semitones = 12 * np.log2(hertz[hertz > 0] / 27.5)
    lowest = np.percentile(semitones, 10)
    ratios = [values[values > -199].mean() for values in (by_ac, by_cc)]
    return [np.median(semitones), lowest, 100 * jitter, 100 * shimmer, *ratios]


def main() -> None:
    """Print medians over the clips, the median offset, the spread and the rank correlation."""
    every = int(sys.argv[2]) if len(sys.argv) > 2 else 24
    suffixes = {".wav", ".flac"}
    paths = sorted(path for path in Path(sys.argv[1]).rglob("*") if path.suffix in suffixes)[
        ::every
    ]
    ours = AcousticFunctionals(pooling="mean", cache_dir=False).fit_transform([*map(str, paths)])
    ours = ours[[*COLUMNS, "hnr_mean"]].set_axis(ROWS, axis=1).reset_index(drop=True)
    theirs = pd.DataFrame([praat(path) for path in paths], columns=ROWS)
    offset = ours - theirs
    table = pd.DataFrame(
        {
            "ours": ours.median(),
            "Praat": theirs.median(),
            "median offset": offset.median(),
            "p95 of |offset|": offset.abs().quantile(0.95),
            "rank correlation": ours.corrwith(theirs, method="spearman"),
        }
    )
    print(f"{len(paths)} clips\n{table.round(2).to_string()}")


if __name__ == "__main__":
    main()
