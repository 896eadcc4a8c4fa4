import pytest
from sklearn.base import BaseEstimator

from emoest.utils import constraints
from emoest.utils._sklearn import InvalidParameterError, fit_context


class Shared(BaseEstimator):
    _parameter_constraints = {
        **constraints.MODALITIES,
        **constraints.ERRORS,
        **constraints.CACHE_DIR,
        **constraints.BATCH_SIZE,
        **constraints.DEVICE,
    }

    def __init__(
        self, modalities="auto", errors="raise", cache_dir=None, batch_size=1, device="cpu"
    ):
        self.modalities = modalities
        self.errors = errors
        self.cache_dir = cache_dir
        self.batch_size = batch_size
        self.device = device

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X=None, y=None):
        return self


@pytest.mark.parametrize(
    "bad",
    [
        {"modalities": "audio"},
        {"errors": "ignore"},
        {"cache_dir": True},
        {"batch_size": 0},
        {"device": 1},
    ],
)
def test_shared_fragments_refuse_wrong_values(bad):
    with pytest.raises(InvalidParameterError, match=f"'{next(iter(bad))}' parameter of Shared"):
        Shared(**bad).fit()


@pytest.mark.parametrize(
    "good",
    [{"modalities": {"a": [0]}}, {"errors": "missing"}, {"cache_dir": False}, {"cache_dir": "x"}],
)
def test_shared_fragments_take_right_values(good):
    assert Shared(**good).fit()
