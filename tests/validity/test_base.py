import numpy as np
import pandas as pd
import pytest
from sklearn.utils.validation import validate_data

from emoest.validity._base import ModalityTransformer, warn_if_single


class Passing(ModalityTransformer):
    def fit(self, X):
        validate_data(self, X, reset=True, skip_check_array=True)
        return self


def test_names_keep_their_order_and_context_goes_last():
    names = ["text__speaker", "text__b", "speaker__text", "group", "audio__a"]
    X = pd.DataFrame(np.zeros((1, 5)), columns=names)
    assert Passing().fit(X).get_feature_names_out().tolist() == [
        "text__b",
        "speaker__text",
        "audio__a",
        "text__speaker",
        "group",
    ]


def test_two_modalities_do_not_warn(recwarn):
    assert not warn_if_single(Passing(), ["a", "b"], "because")
    assert not len(recwarn)


def test_one_modality_warns_with_the_reason():
    with pytest.warns(UserWarning, match=r"Passing found one modality \(\['a'\]\), because; X"):
        assert warn_if_single(Passing(), ["a"], "because")


def test_names_of_an_array_are_generated():
    estimator = Passing()
    estimator.n_features_in_ = 2
    assert estimator.get_feature_names_out().tolist() == ["x0", "x1"]
    with pytest.raises(ValueError, match="input_features"):
        estimator.get_feature_names_out(np.array(["a"], dtype=object))
