"""What the features of EEG share: cells, channels and windows."""

import os
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from emoest.features._eeg_bands import check_band_limits, find_bands
from emoest.media.eeg import count_channels, read_eeg
from emoest.media.eeg_channels import order_channels
from emoest.media.eeg_files import split_path
from emoest.media.eeg_montage import first_montage
from emoest.media.eeg_tables import is_eeg_table
from emoest.media.eeg_windows import Windows, channel_major, check_flat, place_windows
from emoest.media.items import content_of
from emoest.media.transformer import CellTransformer
from emoest.tables.cells import is_path
from emoest.utils import constraints
from emoest.utils._sklearn import StrOptions
from emoest.utils.optional import major_version

_RECIPE_VERSION = 1


class EEGTransformer(CellTransformer):
    """Base of features of EEG: one frame a window, in it the bands of each channel.

    A subclass has the parameters of `_parameter_constraints` and writes ``_measure`` (a signal to
    values (n_channels, n_windows, n_bands)) and ``_settings`` (its own cache key parameters).
    """

    _media: ClassVar[str] = "file"
    _sidecars: ClassVar[tuple[str, ...]] = ("seconds",)

    _parameter_constraints: dict = {
        "window": [constraints.POSITIVE_REAL],
        "step": [constraints.POSITIVE_REAL, None],
        "bands": [StrOptions({"seed"}), dict],
        "pooling": [StrOptions({"mean", "max"}), None],
        "chunks": [StrOptions({"pool", "concat"})],
        "channels": [constraints.POSITIVE_INT, list, tuple, None],
        "sampling_rate": [constraints.POSITIVE_REAL, None],
        **CellTransformer._parameter_constraints,
    }

    def _measure(self, signal: np.ndarray, rate: float, windows: Windows) -> np.ndarray:
        raise NotImplementedError

    def _settings(self) -> dict[str, Any]:
        raise NotImplementedError

    def _resolve(self) -> None:
        self._bands = find_bands(self.bands)
        if self.sampling_rate is not None:
            self._check_bands()
        self._names = _channel_names(self.channels)

    def _inspect(self, column: pd.Series) -> None:
        if self.channels is None:
            self._n_channels, self._names = self._look_at_channels(column)
        else:
            self._n_channels = int(self.channels if self._names is None else len(self._names))

    def _check_bands(self) -> None:
        try:
            check_band_limits(self._bands, self.sampling_rate)
        except ValueError as error:
            raise ValueError(f"sampling_rate={self.sampling_rate:g}: {error}.") from error

    def _look_at_channels(self, column: pd.Series) -> tuple[int, list[str] | None]:
        """Number and names of the channels of the first item that can be read."""
        montage = first_montage(column, reader=type(self).__name__, errors=self.errors)
        return montage.n_channels, _channel_names(montage.names)

    def _recipe(self) -> dict[str, Any]:
        return {
            "version": _RECIPE_VERSION,
            "window": float(self.window),
            "step": None if self.step is None else float(self.step),
            "bands": [[band.low, band.high] for band in self._bands],
            "n_channels": self._n_channels,
            "scipy": major_version("scipy"),
            **self._settings(),
        }

    def _content(self, item: Any) -> bytes:
        """Files bring no rate and may hold several variables; both belong to the content."""
        if is_path(item):
            path, variable, start, end = split_path(os.fspath(item))
            content = content_of(path, "file", cache_dir=self.cache_dir)
            content += f":{variable}:{start}:{end}:{self.sampling_rate}".encode()
            # A table is measured in the order of these names, whatever its own is.
            return content + f":{self._names}".encode() if is_eeg_table(path) else content
        count_channels(item)
        if isinstance(item, tuple):
            # By the order in which its channels are measured, for so its value is stored.
            array, rate = order_channels(item, self._names, "the item")
            item = (np.asarray(array), rate)
        return super()._content(item)

    def _read_item(self, item: Any, name: str) -> np.ndarray:
        """Read and measure an item at once: its frames are far smaller than its samples."""
        signal, rate = read_eeg(
            item, sampling_rate=self.sampling_rate, channels=self._names, name=name
        )
        if len(signal) != self._n_channels:
            raise ValueError(
                f"{name} has {len(signal)} channels where {self._n_channels} are expected "
                f"({'as in fit' if self.channels is None else 'channels'}). Keep the same "
                "channels, in the same order, in all recordings"
            )
        check_band_limits(self._bands, rate)
        windows = place_windows(signal.shape[1], rate, self.window, self.step)
        check_flat(signal, windows, rate, self._names)
        # A band without power has the logarithm of 0, of which the error below tells more.
        with np.errstate(divide="ignore", invalid="ignore"):
            frames = channel_major(self._measure(signal, rate, windows))
        if not np.isfinite(frames).all():
            raise ValueError(
                f"{name} gives values that are not finite: a band holds no signal in a window. "
                "Look at the recording, or choose other bands"
            )
        seconds = np.full((len(frames), 1), signal.shape[1] / rate / len(frames), np.float32)
        return np.hstack([frames, seconds])

    def _compute(self, batch: list[np.ndarray]) -> list[np.ndarray]:
        return batch

    def _n_dims(self) -> int:
        return self._n_channels * len(self._bands)

    def _vector_names(self) -> list[str]:
        channels = self._names or [f"{i:02d}" for i in range(self._n_channels)]
        return [
            f"{self._stem}_{channel}_{band.name}" for channel in channels for band in self._bands
        ]


def _channel_names(channels: Any) -> list[str] | None:
    """Names of the channels; None where they are counted or not given."""
    if channels is None or isinstance(channels, int | np.integer):
        return None
    names = list(channels)
    good = all(isinstance(name, str) and name and "__" not in name for name in names)
    if not names or not good or len(set(names)) < len(names):
        raise ValueError(
            f"channels={names[:6]} must be a number, or names that are unique, not empty and "
            "without '__'."
        )
    return names
