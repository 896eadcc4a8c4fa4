"""What a fitted deep estimator says of each row, of rows without frames too."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import check_is_fitted

from emoest.neural._training.scaling import fill_numbers
from emoest.neural._training.skorch_net import predict_rows
from emoest.utils.warn import warn_user


class RowPredictor:
    """What predicts row by row; the rest of a deep estimator reads the rows and holds the net."""

    net_: Any
    column_means_: Any
    scales_: Any
    impute: Any
    batch_size: Any
    _read: Any
    _dataset: Any

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "net_")

    def _outputs(self, X: Any, method: str) -> tuple[Any, npt.NDArray[np.bool_]]:
        """Run a method of the module on the samples that have frames, and tell which have."""
        check_is_fitted(self)
        table = self._read(X, reset=False)
        fill_numbers(table, self.column_means_, self.impute)
        known = ~table.empty
        if not known.any():
            return None, known
        data = self._dataset(table, self.scales_).take(np.flatnonzero(known))
        outputs = predict_rows(self.net_.module_, data, self.batch_size, self.net_.device, method)
        return outputs, known

    def _predict_rows(self, X: Any, prior: Any, method: str = "forward") -> Any:
        """Outputs for every sample, with the training prior where there are no frames at all."""
        outputs, known = self._outputs(X, method)
        if isinstance(outputs, tuple):
            outputs = outputs[0]
        if known.all():
            return outputs
        warn_user(
            f"{int((~known).sum())} row(s) have no frames in any modality; their prediction is "
            "the average of training, and says nothing about them."
        )
        predictions = np.empty((len(known), *np.shape(prior)), dtype=np.float32)
        predictions[~known] = prior
        if known.any():
            predictions[known] = outputs
        return predictions
