"""EEGFilter: recordings of any rate to the band and rate that features of EEG expect."""

from collections.abc import Sequence
from fractions import Fraction
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from scipy.signal import butter, filtfilt, iirnotch, resample_poly, sosfiltfilt
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from emoest.media.eeg import read_eeg
from emoest.media.eeg_montage import first_montage
from emoest.media.items import (
    CELL_ERRORS,
    as_table,
    failure_of_cell,
    items_of,
    media_position,
    where,
)
from emoest.tables.cells import object_column
from emoest.tables.names import context_last, is_context
from emoest.utils import constraints
from emoest.utils._sklearn import Interval, fit_context
from emoest.utils.messages import listed
from emoest.utils.typing import Floats
from emoest.utils.warn import warn_user

_NOTCH_QUALITY = 30.0
_LARGEST_RATIO = 1000


class EEGFilter(TransformerMixin, BaseEstimator):
    """Band-pass EEG, take out the hum of the mains, and resample it.

    EEG goes in and EEG comes out: cells as `DifferentialEntropy` takes them, and of each item a
    tuple (array, rate) or (array, rate, channels). All filters run forward and backward, so that
    nothing is delayed; a sample then depends on the whole item, so cut recordings into trials
    before they are filtered.

    Parameters
    ----------
    band : (float, float) or None, default=(1.0, 75.0)
        Edges of the Butterworth band-pass in Hz; None leaves it out.
    notch : float or None, default=50.0
        Frequency of the mains in Hz, 50 or 60; None leaves the notch out.
    new_rate : float or None, default=200.0
        Sampling rate of what comes out; None keeps each item's own.
    order : int, default=4
        Order of the band-pass.
    channels : int or list of str, default=None
        Number or names of the channels; None counts those of the first trial in `fit`.
    sampling_rate : float, default=None
        Rate in Hz of arrays and files, which bring none. A tuple brings its own.
    errors : {"raise", "missing"}, default="raise"
        What an item that cannot be read or filtered means; among such are items of another number
        of channels, too short ones, and a rate that is too low for the band.

    Attributes
    ----------
    n_channels_ : int
        Number of channels.
    channels_ : tuple of str or None
        Their names, if `channels` or the first trial of `fit` gives them: the channels of an item
        that brings names are put into this order, and what comes out brings them.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of str
        Their names.

    Raises
    ------
    ValueError
        If `band` is no band, or no cell of `fit` tells the number of channels; see also `errors`.

    See Also
    --------
    DifferentialEntropy : What comes next.

    Notes
    -----
    Band, notch and rate are those with which SEED's recordings are described; order, quality of the
    notch (30) and zero phase are choices made here.

    Examples
    --------
    >>> time = np.arange(2560) / 256
    >>> trial = (np.sin(2 * np.pi * 10 * time) + np.sin(2 * np.pi * 50 * time))[None]
    >>> filtered, rate = EEGFilter().fit_transform([(trial, 256)])[0][0]
    >>> filtered.shape, rate, bool(filtered[0, 400:1600].std() < 0.72)
    ((1, 2000), 200.0, True)
    """

    _parameter_constraints: dict = {
        "band": [tuple, list, None],
        "notch": [constraints.POSITIVE_REAL, None],
        "new_rate": [constraints.POSITIVE_REAL, None],
        "order": [Interval(Integral, 1, 10, closed="both")],
        "channels": [constraints.POSITIVE_INT, list, tuple, None],
        "sampling_rate": [constraints.POSITIVE_REAL, None],
        **constraints.ERRORS,
    }

    def __init__(
        self,
        *,
        band: tuple[float, float] | None = (1.0, 75.0),
        notch: float | None = 50.0,
        new_rate: float | None = 200.0,
        order: int = 4,
        channels: int | Sequence[str] | None = None,
        sampling_rate: float | None = None,
        errors: str = "raise",
    ):
        self.band = band
        self.notch = notch
        self.new_rate = new_rate
        self.order = order
        self.channels = channels
        self.sampling_rate = sampling_rate
        self.errors = errors

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> "EEGFilter":
        """Check X and the parameters, and count the channels.

        Parameters
        ----------
        X : DataFrame, Series or array-like of shape (n_samples,) or (n_samples, 1)
            One column of EEG; a DataFrame may have context columns beside it.
        y : object, default=None
            Ignored.

        Returns
        -------
        self : EEGFilter
        """
        table = as_table(X)
        validate_data(self, table, skip_check_array=True, reset=True)
        _check_band(self.band)
        column = table.iloc[:, media_position(table, "file", type(self).__name__)]
        self._column = column.name
        self._context = [name for name in table.columns if is_context(name)]
        self.channels_: tuple[str, ...] | None = None
        if isinstance(self.channels, int | np.integer):
            self.n_channels_ = int(self.channels)
        elif self.channels is not None:
            self.channels_, self.n_channels_ = tuple(self.channels), len(self.channels)
        else:
            montage = first_montage(column, reader=type(self).__name__, errors=self.errors)
            self.channels_, self.n_channels_ = montage.names, montage.n_channels
        return self

    def transform(self, X: Any) -> pd.DataFrame:
        """Filter each item.

        Parameters
        ----------
        X : DataFrame, Series or array-like of shape (n_samples,) or (n_samples, 1)
            What `fit` takes.

        Returns
        -------
        X_out : DataFrame
            The column of EEG, each item a tuple (float32 array, rate[, channels]), None where the
            cell is missing; context columns last.
        """
        check_is_fitted(self)
        table = as_table(X)
        validate_data(self, table, skip_check_array=True, reset=False)
        column = table.iloc[:, media_position(table, "file", type(self).__name__)]
        failed: list[str] = []
        cells = [
            self._filter_cell(cell, where(position, label, column.name), failed)
            for position, (label, cell) in enumerate(zip(column.index, column, strict=True))
        ]
        if failed:
            warn_user(
                f"{len(failed)} of {len(cells)} cells could not be filtered and count as missing: "
                f"{listed(failed, most=3, separator='; ')}."
            )
        output = object_column(cells, table.index, column.name).to_frame()
        context = table.loc[:, [is_context(name) for name in table.columns]]
        return pd.concat([output, context], axis=1) if context.shape[1] else output

    def _filter_cell(self, cell: Any, name: str, failed: list[str]) -> Any:
        try:
            items = items_of(cell)
            done = [self._filter_item(item, name) for _, item in items]
        except CELL_ERRORS as error:
            failed.append(failure_of_cell(name, error, self.errors))
            return None
        if not done:
            return None
        return done if items[0][0] is not None else done[0]

    def _filter_item(self, item: Any, name: str) -> tuple[Any, ...]:
        signal, rate = read_eeg(
            item, sampling_rate=self.sampling_rate, channels=self.channels_, name=name
        )
        if len(signal) != self.n_channels_:
            raise ValueError(
                f"{name} has {len(signal)} channels where {self.n_channels_} are expected. Keep "
                "the same channels, in the same order, in all recordings"
            )
        signal = filter_eeg(signal, rate, band=self.band, notch=self.notch, order=self.order)
        if self.new_rate is not None and self.new_rate != rate:
            signal, rate = resample_eeg(signal, rate, self.new_rate), float(self.new_rate)
        cell = signal.astype(np.float32), rate
        return cell if self.channels_ is None else (*cell, self.channels_)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Name the columns that `transform` gives: those of `fit`, context columns last.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Ignored; there for scikit-learn.

        Returns
        -------
        names : ndarray of str objects
        """
        check_is_fitted(self)
        return context_last([self._column, *self._context])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.input_tags.allow_nan = True
        return tags


def _check_band(band: Any) -> None:
    if band is None:
        return
    edges = np.asarray(band)
    if edges.shape != (2,) or edges.dtype.kind not in "if" or not 0 < edges[0] < edges[1]:
        raise ValueError(
            f"band={band!r} is no band: pass two frequencies in Hz above 0, the lower one first, "
            "such as (1.0, 75.0)."
        )


def filter_eeg(
    signal: Floats, rate: float, *, band: Any = None, notch: float | None = None, order: int = 4
) -> Floats:
    """Band-pass channels and take out one frequency, forward and backward.

    Parameters
    ----------
    signal : ndarray of shape (n_channels, n_samples)
        The channels.
    rate : float
        Sampling rate in Hz.
    band : (float, float) or None, default=None
        Edges of the band-pass in Hz.
    notch : float or None, default=None
        The frequency to take out, in Hz.
    order : int, default=4
        Order of the band-pass.

    Returns
    -------
    filtered : ndarray of shape (n_channels, n_samples)

    Raises
    ------
    ValueError
        If a frequency does not lie below half the rate, or the signal is too short.

    Examples
    --------
    >>> filter_eeg(np.ones((1, 400)), 200.0, band=(1.0, 75.0)).round(6).any()
    np.False_
    """
    highest = max([*(band or []), notch or 0.0])
    if highest >= rate / 2:
        raise ValueError(
            f"{highest:g} Hz do not lie below half the sampling rate of {rate:g} Hz. Choose "
            "another band or notch, or check the rate"
        )
    try:
        if band is not None:
            signal = sosfiltfilt(butter(order, band, "bandpass", fs=rate, output="sos"), signal)
        if notch is not None:
            signal = filtfilt(*iirnotch(notch, _NOTCH_QUALITY, fs=rate), signal)
    except ValueError as error:
        raise ValueError(
            f"{signal.shape[1]} samples ({signal.shape[1] / rate:.3f} s) are too few to be "
            f"filtered ({error})"
        ) from error
    return signal


def resample_eeg(signal: Floats, rate: float, new_rate: float) -> Floats:
    """Resample channels by a ratio of whole numbers, with scipy's filter against aliasing.

    Raises
    ------
    ValueError
        If the rates have no ratio of numbers up to 1000.

    Examples
    --------
    >>> resample_eeg(np.ones((2, 256)), 256.0, 200.0).shape
    (2, 200)
    """
    ratio = Fraction(new_rate / rate).limit_denominator(_LARGEST_RATIO)
    if ratio == 0 or abs(float(ratio) * rate / new_rate - 1) > 1e-6:
        raise ValueError(
            f"a rate of {rate:g} Hz cannot be brought to {new_rate:g} Hz by a ratio of whole "
            f"numbers up to {_LARGEST_RATIO}. Choose another new_rate"
        )
    resampled: Floats = resample_poly(
        signal, ratio.numerator, ratio.denominator, axis=1, padtype="line"
    )
    return resampled
