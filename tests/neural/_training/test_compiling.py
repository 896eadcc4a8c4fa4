"""Every deep estimator trains compiled, and is afterwards what it would be without."""

import pickle
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch._dynamo.utils import counters

from emoest.neural import MEmoBERTClassifier, MEmoBERTPretrainer
from tests.neural._memobert.helpers_memobert import DIRECT, PRETRAIN, make_clips
from tests.neural._training.tiny_estimators import ALL
from tests.neural._unimse.unimse_tables import classifier, make_emotions

# It traces as every back end does, and computes without a compiler: the numbers are the same.
TRACED = {"backend": "eager"}

# The regressors and M3ER share their nets with these.
NAMES = ["SequenceClassifier", "SpeechResNetClassifier", "FaceCNNClassifier", "EEGNetClassifier"]
NAMES += ["MFNClassifier"]
TRAINED = {
    name: (clone(ALL[name][0]).set_params(precision="float32"), ALL[name][1]) for name in NAMES
} | {
    "MEmoBERTClassifier": (
        MEmoBERTClassifier("direct", **{**DIRECT, "max_steps": 2}, dropout=0.0),
        lambda: make_clips(8),
    ),
    "MEmoBERTPretrainer": (
        MEmoBERTPretrainer(**{**PRETRAIN, "max_steps": 2}, dropout=0.0),
        lambda: make_clips(8),
    ),
    "UniMSEClassifier": (classifier(), make_emotions),
}


@pytest.mark.parametrize("name", TRAINED)
def test_training_is_the_same(name):
    model, source = TRAINED[name]
    X, y = source()
    plain = clone(model).fit(X, y)
    traced = clone(model).set_params(compile=TRACED).fit(X, y)
    torch._dynamo.reset()
    for key, value in plain.net_.module_.state_dict().items():
        torch.testing.assert_close(traced.net_.module_.state_dict()[key], value)
    assert type(traced.net_.module_) is type(plain.net_.module_)
    assert traced.net_.running is None
    assert not any("forward" in vars(layer) for layer in traced.net_.module_.modules())
    method = "predict" if hasattr(model, "predict") else "transform"
    expected = getattr(traced, method)(X)
    found = getattr(pickle.loads(pickle.dumps(traced)), method)(X)
    np.testing.assert_array_equal(found, expected)


def sequence(**changes):
    model, source = ALL["SequenceClassifier"]
    return clone(model).set_params(precision="float32", **changes), *source()


def test_compiled_training_is_the_same_but_for_rounding():
    """By the real compiler; two epochs, so that the second runs what the first has compiled."""
    plain, X, y = sequence(max_epochs=2, validation_fraction=0.5, cell="gru")
    expected = plain.fit(X, y).predict_proba(X)
    found = [clone(plain).set_params(compile=True).fit(X, y).predict_proba(X) for _ in range(2)]
    np.testing.assert_allclose(found[0], expected, atol=1e-5)
    np.testing.assert_array_equal(found[0], found[1])


@pytest.mark.parametrize("how", ["warm_start", "partial_fit"])
def test_what_goes_on_is_compiled_as_well(how):
    model, X, y = sequence(warm_start=how == "warm_start")
    fit = model.fit if how == "warm_start" else partial(model.partial_fit, classes=np.unique(y))
    fit(X, y)
    counters.clear()
    model.set_params(compile=TRACED)
    fit(X, y)
    assert counters["frames"]["ok"] > 0
    torch._dynamo.reset()
    assert model.net_.running is None


def test_nothing_is_compiled_unless_asked_for():
    counters.clear()
    model, X, y = sequence()
    model.fit(X, y)
    assert not counters["frames"]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"mode": "fast"}, "compile=.*fast.* is refused by torch.compile: Unrecognized mode"),
        ({"speed": 2}, "refused by torch.compile: .*speed"),
        ({"options": {"no such": 1}}, "refused by torch.compile: .*no such"),
        ({"mode": "default", "options": {}}, "refused by torch.compile: Either mode or options"),
        ({"backend": "no such"}, "refused by torch.compile: Invalid backend"),
        ({"dynamic": "yes"}, "refused by torch.compile: .*bool"),
    ],
)
def test_parameters_that_torch_refuses(settings, told):
    model, X, y = sequence(compile=settings)
    with pytest.raises(ValueError, match=told):
        model.fit(X, y)
    assert not hasattr(model, "net_")


def test_a_compiler_that_is_not_there(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    model, X, y = sequence(compile={"options": {"cpp.cxx": (None, "/no/such/compiler")}})
    with pytest.raises(RuntimeError, match=r"SequenceNet.*(g\+\+ or clang).*compile=False"):
        model.fit(X, y)
    torch._dynamo.reset()
    assert not hasattr(model, "net_")
    assert model.set_params(compile=False).fit(X, y).predict(X).shape == y.shape
