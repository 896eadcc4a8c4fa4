"""Signal to frames or vectors without weights: acoustics, spectrograms, bands of EEG, smoothing.

Examples
--------
>>> from emoest.features import AcousticFunctionals
>>> AcousticFunctionals(pooling="mean")
AcousticFunctionals(pooling='mean')
"""

from emoest.features._acoustic import AcousticFunctionals
from emoest.features._eeg import BandPower, DifferentialEntropy
from emoest.features._eeg_filter import EEGFilter
from emoest.features._opensmile import OpenSMILEFunctionals
from emoest.features._smoothing import LinearDynamicSmoother, MovingAverage
from emoest.features._spectrogram import LogMelSpectrogram

__all__ = [
    "AcousticFunctionals",
    "BandPower",
    "DifferentialEntropy",
    "EEGFilter",
    "LinearDynamicSmoother",
    "LogMelSpectrogram",
    "MovingAverage",
    "OpenSMILEFunctionals",
]
