"""Early fusion of numbers: the modalities side by side, then any scikit-learn regressor."""

from typing import Any, ClassVar

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.linear_model import Ridge

from emoest.fusion._default_estimators import default_regressor
from emoest.fusion._early import _EarlyFusion
from emoest.utils.typing import Array, Floats


class MeanOfTraining:
    """What regressors of fusion predict for a sample without any modality: the training mean."""

    def _learn_target(self, y: Array, sample_weight: Floats | None) -> None:
        self.mean_ = float(np.average(y, weights=sample_weight))

    def _prior(self) -> float:
        return self.mean_

    _usual_target = _prior


class EarlyFusionRegressor(RegressorMixin, MeanOfTraining, _EarlyFusion):
    """Predict a number from the modalities of a sample side by side: early fusion.

    Blocks are normalized, filled and concatenated as in `EarlyFusionClassifier`; then comes any
    scikit-learn regressor.

    Parameters
    ----------
    estimator : estimator, default=None
        The regressor of the concatenated vectors; it is cloned. None is a `Ridge` whose alpha is
        the sum of the variances of the columns (after z-scores: their number); where groups are
        known, that over 0.1, 1, 10 or 100, chosen by squared error on held-out groups inside the
        training part.
    modalities : "auto", list or dict, default="auto"
        Which columns belong to which modality, see `emoest.utils.find_modalities`.
    normalize : "zscore", None or transformer, default="zscore"
        What is done to each block, see `EarlyFusionClassifier`.
    impute : {"mean", "raise"}, default="mean"
        What a partly NaN block means, see `EarlyFusionClassifier`.
    missing_indicator : bool, default=False
        Whether to add one column per modality that is 1 where a row misses it.
    group_column : str, default=None
        A context column with the groups that are handed to an inner estimator which takes them,
        and by which the default chooses its penalty.
    random_state : int, RandomState instance or None, default=None
        Seeds every ``random_state`` inside `estimator` that is None.

    Attributes
    ----------
    estimator_ : estimator
        The fitted regressor.
    modalities_ : list of str
        The modalities, in the order of their blocks.
    blocks_ : dict of str to FusedBlock
        What was learned about each block.
    mean_ : float
        (Weighted) mean of the training target; predicted for a row without any modality.
    seen_groups_ : list or None
        Groups of the training samples; None where nothing named any.
    n_features_in_ : int
        Number of columns seen in ``fit``, context included.
    feature_names_in_ : ndarray of str
        Their names, when X was a DataFrame.

    Warns
    -----
    UserWarning
        If a row has no modality at all (in ``fit`` it is left out, at prediction it gets the mean
        of the training target), if no training row has a modality, or if no column names its
        modality.

    See Also
    --------
    EarlyFusionClassifier : The same for classes.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"audio__f0": [1.0, 2.0, 3.0, 4.0], "text__joy": [0.0, 0.1, 0.0, 0.1]})
    >>> model = EarlyFusionRegressor().fit(X, [10.0, 20.0, 30.0, 40.0])
    >>> model.predict(X).shape
    (4,)
    """

    _usual_name: ClassVar[str] = "mean"
    _default_estimator: ClassVar[Any] = Ridge()
    _make_default: ClassVar[Any] = staticmethod(default_regressor)
