import numpy as np
import pytest

from emoest.neural import M3ERClassifier, MFNClassifier
from emoest.testing import cell_estimator_checks
from tests.neural.helpers import (
    FAST_FUSION,
    SMALL_FUSION,
    assert_same_state,
    make_two,
    state_of,
)

SMALL_M3ER = M3ERClassifier(
    4, mixtures=True, fusion_norm="layernorm", **SMALL_FUSION, **FAST_FUSION
)


@pytest.mark.parametrize("check", cell_estimator_checks(SMALL_M3ER), ids=lambda c: c.__name__)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_checks_of_tables_of_frames_hold(check):
    X, y = make_two()
    resample = "linear" if check.__name__ == "check_ragged_cells" else None
    check(SMALL_M3ER.set_params(resample=resample), X, y)


def test_the_docstring_says_what_it_is():
    for word in ("A reconstruction", "code is not available", "Not known", "patent 11830291"):
        assert word in M3ERClassifier.__doc__


@pytest.mark.parametrize(
    ("options", "n_parameters"),
    [
        ({"loss": "cross_entropy"}, 179_334),
        ({"loss": "cross_entropy", "gate_input": "delta"}, 179_334 - 16_384),
        ({"loss": "cross_entropy", "fusion": "concat"}, 183_430),
        ({"loss": "m3er"}, 179_334 + 594),
    ],
)
def test_the_estimators_have_the_sizes_of_the_paper(options, n_parameters):
    net = M3ERClassifier(**options)
    params = net._describe_module({"text": 300, "audio": 74, "face": 35}, 6)
    module = net._module_class(**params)
    assert sum(parameter.numel() for parameter in module.parameters()) == n_parameters


def test_the_fused_vector_of_m3er_has_160_numbers():
    X, y = make_two()
    model = M3ERClassifier(**FAST_FUSION).fit(X, y)
    vectors = model.transform(X)
    assert list(vectors.columns[:2]) == ["m3er_0000", "m3er_0001"]
    assert vectors.shape[1] == 32 + 128
    assert np.isfinite(vectors.to_numpy()).all()


def test_it_is_a_memory_fusion_network_with_other_defaults():
    X, y = make_two()
    model = M3ERClassifier(**FAST_FUSION).fit(X, y)
    same = MFNClassifier(fusion="product", loss="m3er", lr=3e-3, **FAST_FUSION).fit(X, y)
    assert_same_state(state_of(model), state_of(same))
    assert model.get_params() == same.get_params()
    defaults = MFNClassifier().get_params()
    changed = {n: v for n, v in M3ERClassifier().get_params().items() if v != defaults[n]}
    assert changed == {"fusion": "product", "loss": "m3er", "lr": 3e-3}
