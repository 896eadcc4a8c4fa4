"""Tables of frames or of numbers: what an estimator that takes both is given."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from emoest.tables.frame_columns import holds_frames
from emoest.tables.frames import FrameTable, read_frames_table
from emoest.tables.inputs import as_pandas
from emoest.tables.names import is_context
from emoest.tables.vectors import Blocks, validate_blocks


def validate_frames_or_blocks(
    estimator: Any,
    X: Any,
    *,
    reset: bool,
    widths: Mapping[str, int] | None = None,
    lazy: bool = False,
    allow: str = "absent",
    **check_params: Any,
) -> Blocks | FrameTable:
    """Validate a table of frames or of numbers, whichever X is, or was in ``fit``.

    Sets or checks ``n_features_in_`` and ``feature_names_in_``, and remembers in ``_framed``,
    ``_widths`` and ``_left_out`` what was seen.

    Parameters
    ----------
    estimator : estimator
        Whose ``fit`` or ``transform`` was called; it has the parameter ``modalities``.
    X : DataFrame, Series or array-like of shape (n_samples, n_columns)
        The table.
    reset : bool
        True in ``fit``, False elsewhere.
    widths, lazy, allow
        For frames; see `emoest.tables.frames.read_frames_table`.
    **check_params : dict
        For numbers; see `emoest.tables.vectors.validate_blocks`.

    Returns
    -------
    table : Blocks or FrameTable

    Raises
    ------
    ValueError
        If X mixes frames with numbers, has no rows in ``fit``, or is no table.

    Examples
    --------
    >>> import numpy as np
    >>> from emoest.validity import ModalityImputer
    >>> X = pd.DataFrame({"audio__frames": [np.zeros((2, 3)), None]})
    >>> type(validate_frames_or_blocks(ModalityImputer(), X, reset=True)).__name__
    'FrameTable'
    """
    X = as_pandas(X)
    if isinstance(X, pd.DataFrame) and all(is_context(column) for column in X.columns):
        raise ValueError(f"X has no column of frames or numbers, only {list(X.columns)}.")
    if reset:
        estimator._framed, estimator._left_out = holds_frames(X), {}
    # A net of saved weights remembers its widths only, and takes what X is.
    framed = estimator._framed if widths is None else holds_frames(X)
    if not framed:
        return validate_blocks(
            estimator, X, reset=reset, modalities=estimator.modalities, **check_params
        )
    # Transformers pass a table without rows through; a net, which knows its widths, does not.
    if len(X) == 0 and (reset or widths is not None):
        raise ValueError(
            f"Found array with 0 sample(s) (shape={X.shape}) while a minimum of 1 is required by "
            f"{type(estimator).__name__}."
        )
    table = read_frames_table(
        estimator,
        X,
        reset=reset,
        modalities=estimator.modalities,
        widths=widths if reset or widths is not None else estimator._widths,
        lazy=lazy,
        allow=allow,
    )
    if reset:
        estimator._widths, estimator._left_out = table.widths, table.left_out
    return table
