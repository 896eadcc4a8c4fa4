"""Named fragments for `_parameter_constraints`, so that a range is written once.

Examples
--------
>>> from emoest.utils import constraints
>>> sorted(constraints.MODALITIES)
['modalities']
"""

from numbers import Integral, Real
from typing import Any

from emoest.utils._sklearn import HasMethods, Interval, Options, StrOptions

Constraints = dict[str, list[Any]]

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
