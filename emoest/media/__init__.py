"""What a cell of media points to: audio, images and EEG, and the transformer that reads it once."""

from emoest.utils.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "SEED_CHANNELS": "emoest.media.eeg",
        "cells_from_mat": "emoest.media.eeg_files",
        "cells_from_mne": "emoest.media.eeg",
        "open_clip": "emoest.media.images",
        "read_audio": "emoest.media.audio",
        "read_eeg": "emoest.media.eeg",
        "read_image": "emoest.media.images",
    },
)
