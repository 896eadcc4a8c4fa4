"""Named fragments for `_parameter_constraints`, so that a range is written once.

Examples
--------
>>> from emoest.utils import constraints
>>> sorted(constraints.MODALITIES)
['modalities']
"""

import os
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, TypeVar

from emoest.utils._sklearn import HasMethods, Interval, Options, StrOptions, validate_params

Constraints = dict[str, list[Any]]
Function = TypeVar("Function", bound=Callable[..., Any])

POSITIVE_INT = Interval(Integral, 1, None, closed="left")
NON_NEGATIVE_INT = Interval(Integral, 0, None, closed="left")
POSITIVE_REAL = Interval(Real, 0, None, closed="neither")
NON_NEGATIVE_REAL = Interval(Real, 0, None, closed="left")
UNIT_INTERVAL = Interval(Real, 0, 1, closed="both")

MODALITIES: Constraints = {"modalities": [StrOptions({"auto"}), list, tuple, dict]}
GROUP_COLUMN: Constraints = {"group_column": [str, None]}
IMPUTE: Constraints = {"impute": [StrOptions({"mean", "raise"})]}
CV: Constraints = {"cv": ["cv_object"]}

ERRORS: Constraints = {"errors": [StrOptions({"raise", "missing"})]}
CACHE_DIR: Constraints = {
    "cache_dir": [str, HasMethods("__fspath__"), Options(bool, {False}), None]
}
BATCH_SIZE: Constraints = {"batch_size": [POSITIVE_INT]}
N_JOBS: Constraints = {"n_jobs": [Integral, None]}
DEVICE: Constraints = {"device": [str]}
RANDOM_STATE: Constraints = {"random_state": ["random_state"]}
VERBOSE: Constraints = {"verbose": ["verbose"]}

FOLDER: Constraints = {"folder": [str, os.PathLike]}
TARGET: Constraints = {"target": [str, list, tuple]}
STRICT: Constraints = {"strict": ["boolean"]}
DROP_UNLABELED: Constraints = {"drop_unlabeled": ["boolean"]}
RETURN_X_Y: Constraints = {"return_X_y": ["boolean"]}
LOADER: Constraints = {**FOLDER, **TARGET, **STRICT, **RETURN_X_Y}


def validate_arguments(*shared: Constraints, **own: list[Any]) -> Callable[[Function], Function]:
    """Validate the arguments of a function that is no method, as scikit-learn's functions do.

    Parameters
    ----------
    *shared : dict of str to list
        Fragments of this module.
    **own : list
        Constraints on the other arguments.

    Returns
    -------
    decorator : callable

    Examples
    --------
    >>> @validate_arguments(N_JOBS, mode=[StrOptions({"raw"})])
    ... def load(mode, n_jobs=None): ...
    >>> load("cooked")
    Traceback (most recent call last):
    sklearn.utils._param_validation.InvalidParameterError: The 'mode' parameter of ...load must be
    a str among {'raw'}. Got 'cooked' instead.
    """
    constraints = {name: rule for part in (*shared, own) for name, rule in part.items()}
    decorator: Callable[[Function], Function] = validate_params(
        constraints, prefer_skip_nested_validation=True
    )
    return decorator
