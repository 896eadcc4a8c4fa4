import hashlib
import pickle
import subprocess
import sys

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from emoest.embeddings import relocate_weights, unload_models
from emoest.embeddings._base import PretrainedTransformer

CODE = """
import torch
from torch import backends
from emoest.embeddings._base import exact_inference

OPERATIONS = [
    backends.cuda.matmul, backends.cudnn.conv, backends.cudnn.rnn,
    backends.mkldnn.matmul, backends.mkldnn.conv,
]

def state():
    return [operation.fp32_precision for operation in OPERATIONS]

{setting}
before = state()
try:
    with exact_inference():
        assert set(state()) <= {{"ieee", "none"}}, state()
        assert torch.is_inference_mode_enabled()
        product = torch.ones(2, 2) @ torch.ones(2, 2)
        raise ZeroDivisionError
except ZeroDivisionError:
    assert state() == before, (before, state())
    assert not torch.is_inference_mode_enabled()
"""


SETTINGS = [
    "torch.set_float32_matmul_precision('medium'); backends.cudnn.allow_tf32 = True",
    "backends.fp32_precision = 'tf32'",
]

LOADS: list[str] = []
TEXTS = ["a", "bb", "ccc", "dddd", "eeeee", "ffffff"]


class Multiplier(PretrainedTransformer):
    """A "model" is a number in a file; a text's vector is its length times that number."""

    _stem = "times"
    _media = "text"

    def __init__(
        self,
        model,
        factor=1.0,
        errors="raise",
        cache_dir=None,
        batch_size=4,
        device="cpu",
        verbose=0,
    ):
        self.model = model
        self.factor = factor
        self.errors = errors
        self.cache_dir = cache_dir
        self.batch_size = batch_size
        self.device = device
        self.verbose = verbose

    def _recipe(self):
        return {"factor": self.factor}

    def _n_dims(self):
        return 1

    def _load(self, path, device):
        import torch

        LOADS.append(device)
        torch.rand(3)
        return float(path.read_text())

    def _read_item(self, item, name):
        return item

    def _embed(self, model, batch):
        return [np.full((1, 1), len(item) * model * self.factor, np.float32) for item in batch]


@pytest.fixture(autouse=True)
def _count_from_zero():
    LOADS.clear()


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "here" / "three.txt"
    path.parent.mkdir()
    path.write_text("3.0")
    return path


def vectors(embedder, texts=TEXTS):
    return embedder.transform(texts).iloc[:, 0].tolist()


def test_fit_knows_the_digest_and_loads_nothing(weights):
    embedder = Multiplier(weights).fit(TEXTS)
    assert embedder.weights_digest_ == hashlib.sha256(b"3.0").hexdigest()
    assert LOADS == []
    assert vectors(embedder) == [3.0, 6.0, 9.0, 12.0, 15.0, 18.0]
    assert LOADS == ["cpu"]


def test_one_load_a_process_and_none_when_all_is_stored(weights):
    model = make_pipeline(Multiplier(weights), LogisticRegression())
    search = GridSearchCV(
        model, {"multiplier__factor": [1.0, 2.0], "logisticregression__C": [1, 2]}, cv=3
    )
    search.fit(TEXTS, [0, 1] * 3)
    assert LOADS == ["cpu"]
    unload_models()
    search.predict(TEXTS)
    assert LOADS == ["cpu"]
    vectors(Multiplier(weights, cache_dir=False).fit(TEXTS))
    assert LOADS == ["cpu", "cpu"]


def test_other_weights_are_another_recipe(weights, tmp_path):
    vectors(Multiplier(weights).fit(TEXTS))
    other = tmp_path / "four.txt"
    other.write_text("4.0")
    assert vectors(Multiplier(other).fit(TEXTS))[0] == 4.0
    weights.write_text("5.00")
    assert vectors(Multiplier(weights).fit(TEXTS))[0] == 5.0


def test_torch_generator_untouched(weights):
    import torch

    before = torch.get_rng_state()
    vectors(Multiplier(weights).fit(TEXTS))
    assert LOADS == ["cpu"]
    assert torch.equal(torch.get_rng_state(), before)


def test_a_device_that_is_not_there_is_said(weights, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(ValueError, match=r"^device='gpu' is no device of torch. Take 'auto'"):
        Multiplier(weights, device="gpu", errors="missing").fit_transform(TEXTS)
    embedder = Multiplier(weights, device="cuda:0").fit(TEXTS)
    with pytest.raises(ValueError, match=r"^device='cuda:0', but torch finds no CUDA device"):
        embedder.transform(TEXTS)
    assert vectors(embedder.set_params(device="auto"))[0] == 3.0


def test_vectors_that_are_not_finite_are_an_error(weights, tmp_path):
    weights.write_text("nan")
    with pytest.raises(ValueError, match="row 0: Multiplier gave NaN or infinite values"):
        Multiplier(weights).fit_transform(TEXTS)
    assert list(tmp_path.rglob("*.npy")) == []


def test_weights_that_are_not_there_are_an_error_in_fit(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none.txt' is neither the path of a file"):
        Multiplier(tmp_path / "none.txt").fit(TEXTS)


def test_failing_to_load_is_no_fault_of_a_cell(weights):
    weights.write_text("no number")
    with pytest.raises(ValueError, match=r"^could not convert string to float"):
        Multiplier(weights, errors="missing").fit_transform(TEXTS)


def test_fit_finds_weights_in_the_folder_of_the_environment(weights, monkeypatch):
    monkeypatch.setenv("EMOEST_WEIGHTS", str(weights.parent))
    assert vectors(Multiplier("some/where/three.txt").fit(TEXTS))[0] == 3.0


def test_a_path_that_exists_comes_before_the_environment(weights, tmp_path, monkeypatch):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "three.txt").write_text("33")
    monkeypatch.setenv("EMOEST_WEIGHTS", str(tmp_path / "other"))
    assert vectors(Multiplier(weights).fit(TEXTS))[0] == 3.0


def test_a_path_from_home_that_exists_comes_before_the_environment(weights, tmp_path, monkeypatch):
    (tmp_path / "three.txt").write_text("33")
    monkeypatch.setenv("EMOEST_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("HOME", str(weights.parent))
    assert vectors(Multiplier("~/three.txt").fit(TEXTS))[0] == 3.0


def moved(weights, tmp_path, text="3.0"):
    """A fitted pipeline from another machine, where its weights lay elsewhere."""
    embed = ColumnTransformer([("text", Multiplier(weights, cache_dir=False), [0])])
    model = make_pipeline(embed, LogisticRegression())
    X = np.array(TEXTS, dtype=object)[:, None]
    data = pickle.dumps(model.fit(X, [0, 1] * 3))
    expected = model.predict_proba(X)
    target = tmp_path / "there" / weights.name
    target.parent.mkdir()
    weights.rename(target)
    target.write_text(text)
    unload_models()
    return pickle.loads(data), X, expected, target


def test_weights_elsewhere_name_all_three_tries(weights, tmp_path, monkeypatch):
    model, X, _, target = moved(weights, tmp_path)
    with pytest.raises(FileNotFoundError) as caught:
        model.predict(X)
    message = str(caught.value)
    assert "relocate_weights(model, path): nothing there" in message
    assert "the folder of the environment variable EMOEST_WEIGHTS: nothing there" in message
    assert ".." not in message
    assert f"the name {str(weights)!r}: {str(weights)!r} is neither the path of a file" in message
    assert hashlib.sha256(b"3.0").hexdigest() in message
    monkeypatch.setenv("EMOEST_WEIGHTS", str(target.parent))
    assert model.predict(X).shape == (6,)


@pytest.mark.parametrize("how", ["file", "folder", "mapping"])
def test_relocated_weights_are_used_and_travel_on(weights, tmp_path, how):
    model, X, expected, target = moved(weights, tmp_path)
    path = {"file": target, "folder": target.parent, "mapping": {str(weights): target}}[how]
    assert relocate_weights(model, path) is model
    np.testing.assert_array_equal(model.predict_proba(X), expected)
    unload_models()
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(X), expected)


def test_relocated_weights_inside_a_search(weights, tmp_path):
    search = GridSearchCV(
        make_pipeline(Multiplier(weights, cache_dir=False), LogisticRegression()), {}, cv=2
    )
    search.fit(TEXTS, [0, 1] * 3)
    target = tmp_path / "moved.txt"
    weights.rename(target)
    unload_models()
    relocate_weights(search, target)
    assert search.predict(TEXTS).shape == (6,)


def test_other_weights_are_never_taken(weights, tmp_path, monkeypatch):
    model, X, _, target = moved(weights, tmp_path, text="4.0")
    with pytest.raises(FileNotFoundError, match="no weights with the right digest"):
        relocate_weights(model, target)
    monkeypatch.setenv("EMOEST_WEIGHTS", str(target.parent))
    with pytest.raises(FileNotFoundError, match=r"holds other weights or is corrupted"):
        model.predict(X)


def test_relocating_what_is_not_there_is_said(weights, tmp_path):
    model, *_ = moved(weights, tmp_path)
    with pytest.raises(FileNotFoundError, match=r"no encoder that is named in \['other'\]"):
        relocate_weights(model, {"other": tmp_path})
    with pytest.raises(FileNotFoundError, match="no weights with the right digest"):
        relocate_weights(model, tmp_path / "none")
    with pytest.raises(ValueError, match="holds no fitted encoder"):
        relocate_weights(make_pipeline(Multiplier(weights)), tmp_path)


def test_stored_values_need_no_weights(weights, tmp_path):
    embedder = Multiplier(weights).fit(TEXTS)
    expected = vectors(embedder)
    weights.unlink()
    unload_models()
    assert vectors(pickle.loads(pickle.dumps(embedder))) == expected
    with pytest.raises(FileNotFoundError, match="Tried"):
        vectors(embedder, ["a new text"])


def test_full_precision_inside_and_the_setting_given_back():
    """Two processes, at the same time: torch refuses a mixture of its two interfaces."""
    running = [
        subprocess.Popen(
            [sys.executable, "-c", CODE.format(setting=setting)], stderr=subprocess.PIPE, text=True
        )
        for setting in SETTINGS
    ]
    for process in running:
        _, told = process.communicate(timeout=120)
        assert process.returncode == 0, told
