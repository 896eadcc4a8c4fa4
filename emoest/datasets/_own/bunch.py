"""What is known about a user's own corpus: what its table says."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from emoest.datasets._reading.bunch import (
    Target,
    check_target,
    make_bunch,
    target_columns,
)
from emoest.datasets._reading.record import CorpusRecord

_UNKNOWN = "Unknown; it is your own corpus."
# Whole numbers may be codes of classes; a column of more values than this is taken for scores.
_MAX_CLASSES = 100


def own_bunch(
    frame: pd.DataFrame,
    name: str,
    media: Sequence[str],
    *,
    target: Target,
    missing: Sequence[str],
    n_unlabeled: int,
    return_X_y: bool,
) -> Any:
    """Make what a loader returns of a user's own table; its record is what the table says.

    Examples
    --------
    >>> frame = pd.DataFrame({"text": ["Oh!"], "mood": ["sad"]})
    >>> bunch = own_bunch(
    ...     frame, "mine", ["text"], target="mood", missing=(), n_unlabeled=0, return_X_y=False
    ... )
    >>> bunch.record.labels, bunch.groups is None
    ({'mood': ('sad',)}, True)
    """
    names = target_columns(target)
    present = {column: frame[column].dropna() for column in names}
    scores = {
        column: (float(values.min()), float(values.max()))
        for column, values in present.items()
        if _is_score(values)
    }
    sizes = {
        column: {str(label): int(n) for label, n in values.value_counts().sort_index().items()}
        for column, values in present.items()
        if column not in scores
    }
    parts = frame["split"] if "split" in frame.columns else pd.Series(dtype=object)
    splits = parts.dropna().unique().tolist()
    record = CorpusRecord(
        name=name,
        title=f"Your own corpus {name!r}",
        labels={column: tuple(counts) for column, counts in sizes.items()},
        scores=scores,
        sizes=sizes,
        modalities=tuple(media),
        n_speakers=int(frame["speaker"].nunique()) if "speaker" in frame.columns else None,
        n_samples={"all": len(frame)},
        splits=tuple(map(str, splits)),
        license=_UNKNOWN,
        access=_UNKNOWN,
        homepage=_UNKNOWN,
        citation=_UNKNOWN,
    )
    check_target(target, record)
    return make_bunch(
        frame,
        record,
        target=target,
        splits=splits,
        missing=missing,
        n_unlabeled=n_unlabeled,
        return_X_y=return_X_y,
    )


def _is_score(values: pd.Series) -> bool:
    if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return False
    return bool((values != values.round()).any()) or values.nunique() > _MAX_CLASSES
