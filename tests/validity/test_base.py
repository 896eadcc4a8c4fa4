import numpy as np
import pytest
from sklearn.base import BaseEstimator

from emoest.validity._base import BlocksInBlocksOut, context_last, warn_if_single


class Passing(BlocksInBlocksOut, BaseEstimator):
    def fit(self, X):
        self._check_feature_names(X, reset=True)
        return self


def test_names_keep_their_order_and_context_goes_last():
    names = ["text__speaker", "text__b", "speaker__text", "group", "audio__a"]
    assert context_last(names).tolist() == [
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
