import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from emoest.fusion._modality_estimators import Training
from emoest.fusion._stacking import (
    fit_final,
    kept_weights,
    stack_features,
    stacked,
    weights_by_name,
)


def test_features_are_predictions_then_presence():
    predictions = np.array([[[0.7, 0.3], [0.1, 0.9]], [[np.nan, np.nan], [0.4, 0.6]]])
    present = ~np.isnan(predictions[..., 0])
    features = stack_features(predictions, present, [0.2, 0.8])
    assert features.tolist() == [[0.7, 0.3, 0.1, 0.9, 1, 1], [0.2, 0.8, 0.4, 0.6, 0, 1]]


def test_the_final_learner_sees_predicted_rows_only():
    predictions = np.array([[[1.0]], [[2.0]], [[np.nan]], [[3.0]]])
    given = Training(None, np.array([1.0, 2.0, 99.0, 3.0]), None)
    final = fit_final(Ridge(alpha=1e-9), predictions, 0.0, given)
    assert final.coef_[0] == pytest.approx(1.0)
    predicted = stacked(final, predictions, ~np.isnan(predictions[..., 0]), 0.0)
    assert predicted[[0, 1, 3], 0] == pytest.approx([1.0, 2.0, 3.0])
    assert np.isnan(predicted[2, 0])


def test_a_class_without_out_of_fold_predictions_is_refused():
    predictions = np.array([[[0.9, 0.1]], [[0.8, 0.2]], [[np.nan, np.nan]]])
    given = Training(None, np.array([0, 0, 1]), np.array([0, 1]))
    with pytest.raises(ValueError, match="out-of-fold predictions for some classes only"):
        fit_final(LogisticRegression(), predictions, [0.5, 0.5], given)


def test_weights_by_name_follow_the_order_of_modalities():
    chosen = weights_by_name("log_pool", {"face": 1, "audio": 3}, ["audio", "face"])
    assert chosen == {"audio": 3.0, "face": 1.0}
    assert kept_weights(chosen, ["face"]).tolist() == [1.0]
    assert kept_weights(None, ["face"]) is None
    assert weights_by_name("mean", None, ["audio"]) is None
