import numpy as np
import pytest
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from emoest.utils.routing import fit_parameter, fit_parameters


@pytest.mark.parametrize(
    ("model", "weight", "groups"),
    [
        (LogisticRegression(), "sample_weight", None),
        (KNeighborsClassifier(), None, None),
        (
            make_pipeline(StandardScaler(), LogisticRegression()),
            "logisticregression__sample_weight",
            None,
        ),
        (GridSearchCV(LogisticRegression(), {}, cv=GroupKFold(2)), "sample_weight", "groups"),
        (GridSearchCV(KNeighborsClassifier(), {}, cv=3), None, None),
        (
            make_pipeline(GridSearchCV(KNeighborsClassifier(), {}, cv=GroupKFold(2))),
            None,
            "gridsearchcv__groups",
        ),
    ],
)
def test_names(model, weight, groups):
    assert fit_parameter(model, "sample_weight") == weight
    assert fit_parameter(model, "groups") == groups


def test_with_routing_switched_on_the_request_decides():
    with sklearn.config_context(enable_metadata_routing=True):
        plain = LogisticRegression()
        asked = LogisticRegression().set_fit_request(sample_weight=True)
        assert fit_parameter(plain, "sample_weight") is None
        assert fit_parameter(make_pipeline(asked), "sample_weight") == "sample_weight"


def test_weights_that_nobody_takes_are_an_error():
    message = r"but the base of 'face' \(KNeighborsClassifier\) takes none"
    with pytest.raises(ValueError, match=message):
        fit_parameters(KNeighborsClassifier(), sample_weight=np.ones(2), what="the base of 'face'")
    assert fit_parameters(KNeighborsClassifier(), groups=np.ones(2)) == {}
