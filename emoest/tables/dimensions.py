"""Names of the dimensions of frames: they travel with a table, for whoever makes vectors of them.

They stand in ``X.attrs``, which pandas keeps with rows, copies and steps of a Pipeline. Where a
table is put together of others, as in a ColumnTransformer, pandas drops them: make vectors before.
"""

from collections.abc import Sequence

import pandas as pd

from emoest.tables.names import tokens

_KEY = "emoest_dimensions"


def name_dimensions(X: pd.DataFrame, column: str, names: Sequence[str]) -> None:
    """Name the dimensions of the frames in a column, in place.

    Examples
    --------
    >>> X = pd.DataFrame({"acoustic_frames": [None]})
    >>> name_dimensions(X, "acoustic_frames", ["f0_mean"])
    >>> dimension_names(X.iloc[:1], "audio__acoustic_frames")
    ('f0_mean',)
    """
    X.attrs[_KEY] = {**X.attrs.get(_KEY, {}), column: list(names)}


def dimension_names(X: pd.DataFrame, column: object) -> tuple[str, ...]:
    """Return the names of the dimensions of the frames in a column; empty if they have none.

    Prefixes that came before the column's name since it was given do not matter.
    """
    return tuple(X.attrs.get(_KEY, {}).get(tokens(column)[-1], ()))
