"""Names of the arrays that annotations speak of."""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

Floats = npt.NDArray[np.float64]

Floats32 = npt.NDArray[np.float32]

Ints = npt.NDArray[np.int64]

Mask = npt.NDArray[np.bool_]

Rows = npt.NDArray[np.intp]
