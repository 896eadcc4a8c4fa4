"""Files of weights that say more, or other things, than a fit could have saved."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sklearn.exceptions import NotFittedError

from emoest.nets.weight_files.safetensors_io import read_metadata, read_safetensors
from emoest.neural import (
    EEGNetClassifier,
    FaceCNNClassifier,
    M3ERClassifier,
    MFNClassifier,
    MFNRegressor,
    SequenceClassifier,
    SequenceRegressor,
    SpeakerPretrainer,
    SpeechResNetClassifier,
)
from emoest.tables.cells import object_column
from tests.neural.helpers import PLAIN, make_frames, make_two, make_voices


@pytest.fixture(scope="module")
def fitted():
    X, y = make_frames(n_rows=12)
    return SequenceClassifier(**PLAIN).fit(X, y), X


@pytest.fixture(scope="module")
def value():
    X, _ = make_frames(n_rows=12)
    return SequenceRegressor(**PLAIN).fit(X, np.arange(12.0)), X


def change(model, path, *, tensors=None, text=None, **learned):
    """Save a model, and change tensors or what stands beside them; "left out" leaves out."""
    model.save_weights(path)
    state, metadata = read_safetensors(path), read_metadata(path)
    said = {**json.loads(metadata["learned"]), **learned}
    said = {name: value for name, value in said.items() if value != "left out"}
    metadata["learned"] = json.dumps(said) if text is None else text
    save_file({**state, **(tensors or {})}, path, metadata)
    return path


def numbers(*values, dtype="float64"):
    return {"values": list(values), "dtype": dtype}


def params(model, **changes):
    return {**model.module_params_, **changes}


LEARNED = {
    "an attribute of the class": ({"predict": 3}, "sets 'predict', which no fit does"),
    "a parameter": ({"callbacks": ["x"]}, "sets 'callbacks'"),
    "a private one": ({"__class__": 1, "_read": 2}, "sets '__class__'.*'_read'"),
    "a fitted one of others": ({"net_": 1}, "sets 'net_'"),
    "of a regressor": ({"net_classes_": numbers(1, 2)}, "sets 'net_classes_'"),
    "no net": ({"module_params_": "left out"}, "does not say what net it is"),
    "a net of another kind": ({"module_params_": [1]}, "does not say what net it is"),
    "no widths": ({"n_dims_": "left out"}, "has no n_dims_"),
    "widths of several": ({"n_dims_": {"audio": 3}}, "do not belong together"),
    "a width of nothing": ({"n_dims_": 0}, "n_dims_ cannot be 0"),
    "a width of text": ({"n_dims_": "3"}, "n_dims_ cannot be '3'"),
    "modalities of numbers": ({"modalities_": [1]}, r"modalities_ cannot be \[1\]"),
    "a history of numbers": ({"history_": [1]}, r"history_ cannot be \[1\]"),
    "epochs below zero": ({"n_iter_": -1}, "n_iter_ cannot be -1"),
    "groups of text": ({"_seen_groups": "s1"}, "_seen_groups cannot be 's1'"),
    "columns by half": ({"n_features_in_": 1.5}, "n_features_in_ cannot be 1.5"),
    "no classes": ({"classes_": "left out"}, "has no classes_"),
    "no prior": ({"class_prior_": "left out"}, "has no class_prior_"),
    "three classes": ({"classes_": numbers(1, 2, 3)}, "has 2 outputs, where 3 are needed"),
    "one class twice": ({"classes_": numbers(1, 1)}, r"classes_ cannot be \[1.0, 1.0\]"),
    "classes in disorder": ({"classes_": numbers(2, 1)}, r"classes_ cannot be \[2.0, 1.0\]"),
    "a prior of NaN": ({"class_prior_": numbers(0.5, float("nan"))}, "class_prior_ cannot be"),
    "a prior of infinity": ({"class_prior_": numbers(0.5, float("inf"))}, "class_prior_ cannot be"),
    "a prior below zero": ({"class_prior_": numbers(1.5, -0.5)}, "class_prior_ cannot be"),
    "a prior of three": ({"class_prior_": numbers(0.5, 0.2, 0.3)}, "class_prior_ cannot be"),
    "wide texts": ({"classes_": numbers("a", "b", dtype="<U900000000")}, "classes_ cannot be"),
    "records": ({"classes_": numbers("a", "b", dtype="V8")}, "classes_ cannot be"),
    "no dtype": ({"classes_": {"values": ["a", "b"]}}, "classes_ cannot be"),
    "a bare list": ({"classes_": ["a", "b"]}, "classes_ cannot be"),
    "ragged": ({"classes_": numbers([1], [2, 3])}, "classes_ cannot be"),
    "a table": ({"classes_": numbers([1], [2])}, "classes_ cannot be"),
}


@pytest.mark.parametrize("case", LEARNED.values(), ids=LEARNED)
def test_known_names_and_sound_values_only(fitted, tmp_path, case):
    changes, told = case
    path = change(fitted[0], tmp_path / "a.safetensors", **changes)
    model = SequenceClassifier(**PLAIN)
    before = dict(vars(model))
    with pytest.raises(ValueError, match=rf"a\.safetensors' does not hold the weights of .*{told}"):
        model.load_weights(path)
    assert vars(model) == before


@pytest.mark.parametrize("text", ["", "{torn", "[]", "3", "null", "[" * 50_000])
def test_damaged_descriptions_are_named(fitted, tmp_path, text):
    path = change(fitted[0], tmp_path / "a.safetensors", text=text)
    with pytest.raises(ValueError, match=r"a\.safetensors' does not hold the weights"):
        SequenceClassifier().load_weights(path)


NETS = {
    "endless width": ({"hidden_size": 10**9}, "its net cannot be made"),
    "a larger width": ({"hidden_size": 10**5}, "has shape"),
    "a width that overflows": ({"hidden_size": 2**62}, "cannot be made with hidden_size"),
    "endless layers": ({"n_layers": 10**8}, "cannot be made with n_layers=100000000"),
    "endless outputs": ({"n_outputs": 10**12}, "has 1000000000000 outputs"),
    "an unknown setting": ({"run": "this"}, "its net cannot be made"),
    "an unknown cell": ({"cell": "abacus"}, "its net cannot be made"),
    "a width of text": ({"hidden_size": "4"}, "its net cannot be made"),
    "dropout of 7": ({"dropout": 7.0}, "its net cannot be made"),
}


@pytest.mark.parametrize("case", NETS.values(), ids=NETS)
def test_the_net_is_that_of_the_tensors(fitted, tmp_path, case):
    model, _ = fitted
    path = change(model, tmp_path / "a.safetensors", module_params_=params(model, **case[0]))
    with pytest.raises(ValueError, match=rf"a\.safetensors' does not hold the weights.*{case[1]}"):
        SequenceClassifier().load_weights(path)


@pytest.mark.parametrize(
    ("tensors", "told"),
    [
        ({"head.weight": torch.full((2, 8), torch.nan)}, "layer 'head.weight' h"),
        ({"head.bias": torch.tensor([0.0, torch.inf])}, "layer 'head.bias' holds NaN or infinity"),
        ({"head.bias": torch.zeros(3)}, r"layer 'head.bias' has shape \(3,\)"),
        ({"scale/audio/mean": torch.full((3,), torch.nan)}, "scale of 'audio' is not finite"),
        ({"scale/audio/std": torch.zeros(3)}, "scale of 'audio' is not finite and positive"),
        ({"scale/audio/std": torch.ones(4)}, "scale of 'audio' is not one of 3 dimensions"),
        ({"scale/text/std": torch.ones(3)}, "layer 'scale/text/std' is unknown"),
        ({"column_means/audio": torch.ones(4)}, "means of 'audio' are not 3 finite numbers"),
        ({"column_means/audio": torch.full((3,), torch.nan)}, "means of 'audio' are not 3 finite"),
        ({"more": torch.zeros(1)}, "layer 'more' is unknown"),
    ],
    ids=range(10),
)
def test_finite_tensors_of_the_net_only(fitted, tmp_path, tensors, told):
    path = change(fitted[0], tmp_path / "a.safetensors", tensors=tensors)
    with pytest.raises(ValueError, match=rf"a\.safetensors' does not hold the weights.*{told}"):
        SequenceClassifier().load_weights(path)


@pytest.mark.parametrize("scale", [[0.0], [0.0, 0.0], [0.0, float("nan")], [float("inf"), 1.0], []])
def test_the_scale_of_a_target_is_two_finite_numbers(value, tmp_path, scale):
    path = change(value[0], tmp_path / "a.safetensors", target_scale_=numbers(*scale))
    with pytest.raises(ValueError, match="target_scale_ cannot be"):
        SequenceRegressor().load_weights(path)


def test_halves_are_read_as_numbers_of_the_net(fitted, tmp_path):
    model, X = fitted
    path = change(model, tmp_path / "a.safetensors")
    state = {name: value.bfloat16() for name, value in read_safetensors(path).items()}
    save_file(state, path, read_metadata(path))
    loaded = SequenceClassifier().load_weights(path)
    np.testing.assert_allclose(loaded.predict_proba(X), model.predict_proba(X), atol=0.05)


@pytest.mark.parametrize("damage", ["gone", "torn", "NaN", "other class", "unknown name"])
def test_a_file_that_is_refused_leaves_a_fitted_estimator_as_it_was(fitted, tmp_path, damage):
    model, X = fitted
    path = change(model, tmp_path / "a.safetensors")
    if damage == "gone":
        path.unlink()
    elif damage == "torn":
        path.write_bytes(path.read_bytes()[:-10])
    elif damage == "NaN":
        change(model, path, tensors={"head.bias": torch.full((2,), torch.nan)})
    elif damage == "unknown name":
        change(model, path, predict=1)
    else:
        save_file(read_safetensors(path), path, {**read_metadata(path), "class": "MFNClassifier"})
    expected, before = model.predict_proba(X), dict(vars(model))
    with pytest.raises((ValueError, FileNotFoundError)):
        model.load_weights(path)
    assert vars(model).keys() == before.keys()
    assert all(vars(model)[name] is value for name, value in before.items())
    np.testing.assert_array_equal(model.predict_proba(X), expected)
    with pytest.raises(NotFittedError):
        SequenceClassifier().predict(X)


def faces():
    generator = np.random.default_rng(0)
    images = [generator.integers(0, 255, (16, 16), dtype="uint8") for _ in range(8)]
    return object_column(images, range(8), "face").to_frame(), ["calm", "glad"] * 4


def brains(n_channels=2):
    generator = np.random.default_rng(0)
    trials = [20 * generator.normal(size=(n_channels, 512)) for _ in range(8)]
    return object_column(trials, range(8), "eeg").to_frame(), ["calm", "glad"] * 4


def two():
    return make_two(n_rows=8)


def one():
    return make_frames(n_rows=8)


FAST = {"max_epochs": 1, "validation_fraction": None, "random_state": 0}
FAST_EEG = {**FAST, "sampling_rate": 128, "window": 2.0}
MODELS = [
    (SequenceClassifier(hidden_size=4, **FAST), SequenceClassifier(hidden_size=6, **FAST), one),
    (SequenceRegressor(hidden_size=4, **FAST), SequenceRegressor(hidden_size=6, **FAST), one),
    (SequenceClassifier("transformer", hidden_size=8, **FAST), SequenceClassifier(**FAST), one),
    (MFNClassifier(4, memory_dim=4, **FAST), MFNClassifier(6, memory_dim=4, **FAST), two),
    (MFNRegressor(4, memory_dim=4, **FAST), MFNRegressor(6, **FAST), two),
    (M3ERClassifier(4, memory_dim=4, **FAST), M3ERClassifier(6, memory_dim=4, **FAST), two),
    (SpeechResNetClassifier(channels=2, **FAST), SpeechResNetClassifier(channels=1, **FAST), one),
    (SpeakerPretrainer(channels=2, **FAST), SpeakerPretrainer(channels=1, **FAST), make_voices),
    (FaceCNNClassifier("cnn4_small", image_size=16, **FAST), FaceCNNClassifier(**FAST), faces),
    (EEGNetClassifier(**FAST_EEG), EEGNetClassifier(**FAST_EEG), brains),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("model", "other", "make"), MODELS, ids=lambda each: type(each).__name__)
def test_every_net_is_loaded_into_one_that_was_fitted_on_something_else(
    model, other, make, tmp_path
):
    X, y = make()
    y = np.arange(8.0) if "Regressor" in type(model).__name__ else y
    model.fit(X, y).save_weights(tmp_path / "a.safetensors")
    if make is brains:
        other.fit(*brains(n_channels=3))
    elif make is not faces:
        other.fit(X, y)
    loaded = other.load_weights(tmp_path / "a.safetensors")
    assert loaded is other
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    fitted = {name for name in vars(model) if name.endswith("_")}
    assert {name for name in vars(loaded) if name.endswith("_")} == fitted
