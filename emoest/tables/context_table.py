"""What transformers hand on where context columns stand beside the vectors they made."""

from typing import Any

import pandas as pd

from emoest.tables.conversion import SOURCE, explained_conversion
from emoest.utils.typing import Array


class _AnyTable(type):
    """Of a class of which every DataFrame is one: `assert_frame_equal` asks that of both."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, pd.DataFrame)


class ContextTable(pd.DataFrame, metaclass=_AnyTable):
    """A DataFrame that names its context columns where it cannot become numbers.

    scikit-learn's own estimators convert all columns that they are given, and of a speaker they
    only say ``could not convert string to float: 'SM1'``. In all else it is a DataFrame, and what
    is taken or computed from it is a plain one.

    Examples
    --------
    >>> table = ContextTable({"voice__a": [1.0], "speaker": ["SM1"]})
    >>> table.to_numpy(dtype=float)
    Traceback (most recent call last):
        ...
    ValueError: Column 'speaker' holds 'SM1' and says ...
    >>> type(table[["voice__a"]]) is pd.DataFrame
    True
    """

    @property
    def _constructor(self) -> Any:
        return pd.DataFrame

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        with explained_conversion(self):
            return super().__array__(dtype, copy)

    def to_numpy(self, *args: Any, **kwargs: Any) -> Array:
        """Convert to an array, as a DataFrame does."""
        with explained_conversion(self):
            return super().to_numpy(*args, **kwargs)


def beside_context(
    made: pd.DataFrame, context: pd.DataFrame, source: list[Any] | None = None
) -> pd.DataFrame:
    """Put context columns behind what a transformer made.

    Parameters
    ----------
    made : DataFrame
        With the index of `context`.
    context : DataFrame
        The context columns, perhaps none.
    source : list of str, default=None
        The columns that `made` was made from, if they are not of numbers; None takes those that
        `context` was handed on with.

    Returns
    -------
    table : DataFrame
        With the attributes of `made`, among which are the names of dimensions.

    Examples
    --------
    >>> made = pd.DataFrame({"voice__a": [1.0]})
    >>> beside_context(made, pd.DataFrame({"speaker": ["SM1"]})).columns.tolist()
    ['voice__a', 'speaker']
    """
    if not context.shape[1]:
        return made
    table = ContextTable(pd.concat([made, context], axis=1))
    source = context.attrs.get(SOURCE) if source is None else source
    # pandas keeps attributes of tables only that share them.
    table.attrs = made.attrs if source is None else {**made.attrs, SOURCE: source}
    return table
