"""Context columns (speaker, session, ...) that a model does not ask for."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from emoest.evaluation._leakage import nested
from emoest.tables.names import is_context, tokens

_KNOWN = ("sklearn", "emoest", "skorch", "xgboost", "lightgbm", "catboost", "imblearn")


def without_unused_context(X: Any, model: Any) -> Any:
    """Leave out the context columns of X that no part of a model names.

    An estimator of scikit-learn at the end would take them as features, or fail on names. They are
    named by ``group_column=``, ``context=`` and the columns of a ColumnTransformer. With a part of
    the user's own, which may read any column, all stay.

    Examples
    --------
    >>> from sklearn.svm import SVC
    >>> from emoest.normalization import SpeakerZScoreNormalizer
    >>> X = pd.DataFrame({"audio__f0": [0.0], "speaker": ["s1"]})
    >>> list(without_unused_context(X, SVC()))
    ['audio__f0']
    >>> list(without_unused_context(X, SpeakerZScoreNormalizer(group_column="speaker")))
    ['audio__f0', 'speaker']
    """
    context = [c for c in X.columns if is_context(c)] if isinstance(X, pd.DataFrame) else []
    if not context or len(context) == X.shape[1]:
        return X
    parts = [part for _, part in nested(model)]
    if any(_is_own(part) for part in parts):
        return X
    named = set(_texts(parts))
    unused = [c for c in context if not {c, tokens(c)[-1]} & named]
    return X.drop(columns=unused) if unused else X


def _is_own(part: Any) -> bool:
    """Check whether a part may read columns that none of its parameters names."""
    if isinstance(part, type) or not hasattr(part, "fit"):
        return False
    own = type(part).__module__.partition(".")[0] not in _KNOWN
    return own or (isinstance(part, FunctionTransformer) and part.func is not None)


def _texts(value: Any) -> Iterator[str]:
    """Yield every text among parameters, in lists and in the attributes of splitters."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple | set | pd.Index):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, Pipeline | type):
        return
    elif hasattr(value, "get_params"):
        yield from _texts(value.get_params(deep=False))
    elif hasattr(value, "split") and hasattr(value, "__dict__"):
        yield from _texts(vars(value))
