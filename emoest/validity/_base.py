"""What the transformers of this room share: reading X, held-out samples, a part of the samples."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from emoest.tables.frames import FrameTable
from emoest.tables.groups import Split, inner_splits, remember_groups, resolve_groups
from emoest.tables.reading import validate_frames_or_blocks
from emoest.tables.transformers import ContextLastMixin
from emoest.tables.vectors import Blocks, validate_blocks
from emoest.utils._sklearn import num_samples
from emoest.utils.typing import Mask, Rows
from emoest.utils.warn import warn_user
from emoest.validity._frame_summaries import reduce_frames, spread

Pair = tuple[str, str]


class ModalityTransformer(ContextLastMixin, TransformerMixin, BaseEstimator):
    """Base of the transformers that change modalities in a table of vectors or of frames."""

    _takes_frames = True

    def _read(self, X: Any, *, reset: bool, **check_params: Any) -> Any:
        """Read X as a `FrameTable`, or as `Blocks`, and remember its modalities in ``fit``."""
        if self._takes_frames:
            table = validate_frames_or_blocks(self, X, reset=reset, allow="nan", **check_params)
        else:
            check_params["modalities"] = self.modalities
            table = validate_blocks(self, X, reset=reset, **check_params)
        if reset:
            self.modalities_ = table.modalities.names
        return table

    def _known_names(self) -> list[str]:
        """Modalities of X, also those that no training row has."""
        return [*self.modalities_, *self._left_out]

    def _output_names(self, names: list[Any]) -> list[Any]:
        """Leave out the columns of modalities that no training row has."""
        left_out = getattr(self, "_left_out", {}).values()
        gone = {self.feature_names_in_[at] for column in left_out for at in column.positions}
        return [name for name in names if name not in gone]


class PairwiseTransformer(ModalityTransformer):
    """Base of the transformers that relate pairs of modalities and hold samples out to test it.

    A subclass has the parameters ``cv`` and ``group_column``.
    """

    __metadata_request__fit = {"groups": True}

    def _reduce(
        self, table: Blocks | FrameTable, reduction: Any, *, reset: bool
    ) -> tuple[Blocks, Rows]:
        """Reduce frames to vectors, and say which row of X each vector belongs to."""
        if isinstance(table, Blocks):
            return table, np.arange(len(table.values))
        if reset:
            lengths = table.lengths.max(axis=0).tolist()
            self._n_frames = dict(zip(table.names, lengths, strict=True))
        return reduce_frames(table, reduction, self._n_frames)

    def _hold_out(
        self, X: Any, groups: Any, owners: Rows, rng: np.random.RandomState
    ) -> list[Split]:
        """Split the samples by group; those that belong to one row of X stay together."""
        n_rows = num_samples(X)
        groups = resolve_groups(X, groups, self.group_column)
        remember_groups(self, groups)
        splits, self.grouped_ = inner_splits(
            np.zeros((n_rows, 1)),
            np.zeros(n_rows),
            groups=groups,
            cv=self.cv,
            classifier=False,
            random_state=rng,
        )
        return spread(splits, owners)


def pair_name(pair: Pair, link: str = "~") -> str:
    """Name a pair of modalities: a key that every format of files can hold, which a tuple is not.

    Examples
    --------
    >>> pair_name(("audio", "text")), pair_name(("audio", "text"), "to")
    ('audio ~ text', 'audio to text')
    """
    return f"{pair[0]} {link} {pair[1]}"


def copy_table(table: Blocks | FrameTable) -> Any:
    """Return X as it came, in a copy with context columns last."""
    return table.rebuild(table.values.copy() if isinstance(table, Blocks) else {})


def draw_part(n_samples: int, n_rows: int, most: int, rng: np.random.RandomState) -> Mask:
    """Choose samples at random, all of them unless they have more than `most` rows together.

    Examples
    --------
    >>> int(draw_part(10, 20, 6, np.random.RandomState(0)).sum())
    3
    """
    part = np.ones(n_samples, dtype=bool)
    if n_rows > most:
        kept = max(1, n_samples * most // n_rows)
        part[rng.permutation(n_samples)[kept:]] = False
    return part


def check_names(parameter: str, given: Any, names: list[str]) -> None:
    """Raise if a parameter names a modality that X does not have.

    Examples
    --------
    >>> check_names("priority", ["eeg"], ["audio", "text"])
    Traceback (most recent call last):
        ...
    ValueError: priority names 'eeg', which is no modality of X: ['audio', 'text'].
    """
    unknown = [name for name in given if name not in names]
    if unknown:
        raise ValueError(f"{parameter} names {unknown[0]!r}, which is no modality of X: {names}.")


def warn_if_single(estimator: Any, names: list[str], why: str) -> bool:
    """Check whether X has one modality only, and warn that it passes through.

    Parameters
    ----------
    estimator : estimator
        Who warns.
    names : list of str
        The modalities that ``fit`` was given.
    why : str
        Why one modality is not enough, as a clause.
    """
    if len(names) > 1:
        return False
    # Raising would fail most of scikit-learn's checks, which pass unnamed columns: one modality.
    warn_user(
        f"{type(estimator).__name__} found one modality ({names}), {why}; X "
        "passes through unchanged. Name columns '<modality>__<feature>' or pass modalities=.",
    )
    return True
