import numpy as np
import pytest
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, RandomizedSearchCV, StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from emoest.fusion import EarlyFusionClassifier
from emoest.fusion._inner import fit_parameter, fit_parameters, refuse_several_targets


@pytest.mark.parametrize(
    ("model", "weight", "groups"),
    [
        (LogisticRegression(), "sample_weight", None),
        (KNeighborsClassifier(), None, None),
        (make_pipeline(LogisticRegression()), "logisticregression__sample_weight", None),
        (make_pipeline(KNeighborsClassifier()), None, None),
        (GridSearchCV(LogisticRegression(), {}, cv=GroupKFold(2)), "sample_weight", "groups"),
        (GridSearchCV(KNeighborsClassifier(), {}), None, None),
        (
            RandomizedSearchCV(LogisticRegression(), {}, cv=StratifiedKFold(2)),
            "sample_weight",
            None,
        ),
        (
            GridSearchCV(make_pipeline(LogisticRegression()), {}, cv=GroupKFold(2)),
            "logisticregression__sample_weight",
            "groups",
        ),
        (CalibratedClassifierCV(LogisticRegression(), cv=GroupKFold(2)), "sample_weight", None),
        (EarlyFusionClassifier(), "sample_weight", "groups"),
    ],
    ids=str,
)
def test_what_an_estimator_takes(model, weight, groups):
    assert fit_parameter(model, "sample_weight") == weight
    assert fit_parameter(model, "groups") == groups


def test_with_routing_the_requests_decide():
    search = GridSearchCV(LogisticRegression(), {}, cv=GroupKFold(2))
    with sklearn.config_context(enable_metadata_routing=True):
        assert fit_parameter(search, "groups") == "groups"
        assert fit_parameter(search, "sample_weight") is None
        asked = LogisticRegression().set_fit_request(sample_weight=True)
        assert fit_parameter(make_pipeline(asked), "sample_weight") == "sample_weight"


def test_weights_that_nobody_takes_are_an_error():
    message = r"estimator inside EarlyFusionClassifier, KNeighborsClassifier, takes none"
    with pytest.raises(ValueError, match=message):
        fit_parameters(EarlyFusionClassifier(), KNeighborsClassifier(), sample_weight=np.ones(2))
    assert fit_parameters(None, KNeighborsClassifier(), groups=np.ones(2)) == {}


def test_several_targets_point_to_multi_target():
    with pytest.raises(ValueError, match=r"MultiTarget\(EarlyFusionClassifier\(\.\.\.\)\)"):
        refuse_several_targets(EarlyFusionClassifier(), np.zeros((3, 2)))
    refuse_several_targets(EarlyFusionClassifier(), np.zeros((3, 1)))
