"""Rows that early stopping watches: held out of the training rows, or the user's own."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import is_classifier

from emoest.nets.batches import FrameDataset
from emoest.neural._training.early_stopping import hold_out
from emoest.neural._training.scaling import fill_numbers
from emoest.tables.groups import NotSpeakerIndependentWarning, resolve_groups
from emoest.utils.messages import listed
from emoest.utils.warn import warn_user


def given_together(X_val: Any, y_val: Any) -> tuple[Any, Any] | None:
    """Return validation rows with their targets; None where there are neither.

    Raises
    ------
    ValueError
        If there is one without the other.

    Examples
    --------
    >>> given_together(None, [1.0])
    Traceback (most recent call last):
    ...
    ValueError: y_val was given without X_val. Pass both, or neither.
    """
    if X_val is None and y_val is None:
        return None
    if X_val is not None and y_val is not None:
        return X_val, y_val
    there, missing = ("y_val", "X_val") if X_val is None else ("X_val", "y_val")
    raise ValueError(f"{there} was given without {missing}. Pass both, or neither.")


@contextmanager
def _said_of_validation_rows() -> Iterator[None]:
    """Say of errors that they are about the validation rows."""
    try:
        yield
    except ValueError as error:
        told = str(error)
        raise ValueError(told if "_val" in told else f"X_val, y_val: {told}") from error


class ValidationRows:
    """What makes a deep estimator hold rows out, or read those that it is given for validation."""

    # Whether training and validation rows are of the same groups by their nature.
    _shares_groups = False

    grouped_: bool | None
    group_column: str | None
    validation_fraction: float | None
    column_means_: Any
    scales_: Any
    impute: Any
    _seen_groups: list[Any]
    _read: Any
    _dataset: Any
    _code_target: Any

    def _hold_out(self, kept: Any, target: Any, groups: Any, seed: int) -> tuple[Any, Any]:
        """Split the samples into those to learn from and those to stop by."""
        # Proportions of labels are held out by their largest.
        labels = target.argmax(axis=1) if target.ndim == 2 else target
        held_out = hold_out(
            labels[kept],
            None if groups is None else groups[kept],
            self.validation_fraction,
            classifier=is_classifier(self),
            random_state=seed,
        )
        self.grouped_ = held_out.grouped
        valid = None if held_out.valid is None else kept[held_out.valid]
        return kept[held_out.train], valid

    def _validation_rows(self, X: Any, y: Any, groups: Any) -> FrameDataset:
        """Read the user's validation rows; the means, scales and classes are those of training."""
        with _said_of_validation_rows():
            table = self._read(X, reset=False)
            target, weight = self._code_target(X, y, None, "y_val")
            own_groups = resolve_groups(X, None, self.group_column)
            fill_numbers(table, self.column_means_, self.impute)
        rows = np.flatnonzero(~table.empty)
        if not len(rows):
            raise ValueError("X_val has no row with frames in any modality.")
        if len(rows) < len(target):
            empty = listed((table.rows[i] for i in np.flatnonzero(table.empty)), quoted=True)
            warn_user(
                f"{len(target) - len(rows)} row(s) of X_val have no frames in any modality and are "
                f"left out: {empty}."
            )
        data: FrameDataset = self._dataset(table, self.scales_)
        data.target, data.weight = target, weight
        self._compare_groups(groups, None if own_groups is None else own_groups[rows])
        return data.take(rows)

    def _compare_groups(self, groups: Any, own: Any) -> None:
        """Remember the groups of validation rows, and warn of those that are trained on too."""
        self.grouped_ = None
        if own is None:
            return
        new = pd.Series(own).dropna().unique().tolist()
        if groups is not None:
            trained = set(pd.Series(groups).dropna().tolist())
            shared = [group for group in new if group in trained]
            self.grouped_ = not shared
            if shared and not self._shares_groups:
                warn_user(
                    f"{len(shared)} group(s) are in X and in X_val: {listed(shared, quoted=True)}. "
                    "Early stopping then watches speakers that the net learns from; leave them out "
                    "of one of the two.",
                    NotSpeakerIndependentWarning,
                )
        self._seen_groups = list(dict.fromkeys([*self._seen_groups, *new]))
