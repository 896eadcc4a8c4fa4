import copy
import io
import json
import pickle
import subprocess
import sys

import joblib
import numpy as np
import pytest
import torch

from emoest.nets.weight_files.safetensors_io import (
    read_metadata,
    read_safetensors,
    write_safetensors,
)
from emoest.neural import (
    MFNClassifier,
    SequenceClassifier,
    SequenceRegressor,
    SpeechResNetClassifier,
)
from tests.neural.helpers import SMALL, make_frames


def test_pickle_deepcopy_and_joblib_give_the_same_answers(frames, tmp_path):
    X, y = frames
    model = SequenceClassifier(**SMALL).fit(X, y)
    expected = model.predict_proba(X)
    buffer = io.BytesIO()
    joblib.dump(model, buffer)
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model), joblib.load(buffer)):
        np.testing.assert_array_equal(other.predict_proba(X), expected)
        assert other.history_ == model.history_
    joblib.dump((model, X, expected), tmp_path / "model.joblib")
    code = (
        "import joblib, numpy as np, sys\n"
        "model, X, expected = joblib.load(sys.argv[1])\n"
        "np.testing.assert_allclose(model.predict_proba(X), expected, atol=1e-6)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "model.joblib")], check=True)


def test_a_model_fitted_on_a_gpu_loads_where_there_is_none(frames):
    X, y = frames
    model = SequenceClassifier(**SMALL).fit(X, y)
    state = model.__getstate__()
    state["device_"] = "cuda"
    loaded = SequenceClassifier.__new__(SequenceClassifier)
    loaded.__setstate__(state)
    expected = "cuda" if torch.cuda.is_available() else "cpu"
    assert loaded.device_ == expected
    np.testing.assert_allclose(loaded.predict_proba(X), model.predict_proba(X), atol=1e-5)


def test_weights_travel_in_safetensors_and_a_wrong_layer_is_named(frames, tmp_path):
    X, y = frames
    model = SequenceClassifier(**SMALL).fit(X, y)
    model.save_weights(tmp_path / "net.safetensors")
    loaded = SequenceClassifier(**SMALL).load_weights(tmp_path / "net.safetensors")
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    with pytest.raises(ValueError, match="holds weights of SequenceClassifier, not of"):
        SequenceRegressor().load_weights(tmp_path / "net.safetensors")
    with pytest.raises(FileNotFoundError, match=r"nowhere\.safetensors"):
        SequenceClassifier().load_weights(tmp_path / "nowhere.safetensors")
    with pytest.raises(FileNotFoundError, match=r"There is no folder .*nowhere"):
        model.save_weights(tmp_path / "nowhere" / "net.safetensors")
    (tmp_path / "torn").write_bytes((tmp_path / "net.safetensors").read_bytes()[:100])
    with pytest.raises(ValueError, match="torn' is damaged or truncated"):
        SequenceClassifier().load_weights(tmp_path / "torn")


@pytest.mark.parametrize("dtype", [bool, int, float, object, str])
def test_labels_come_back_as_what_they_were(frames, tmp_path, dtype):
    X, _ = frames
    y = np.array([0, 1] * 20).astype(str if dtype is object else dtype).astype(dtype)
    model = SequenceClassifier(**SMALL).fit(X, y)
    model.save_weights(tmp_path / "net.safetensors")
    named = SequenceClassifier(**SMALL).fit(X.set_axis(["text__frames"], axis=1), y)
    loaded = named.load_weights(tmp_path / "net.safetensors")
    assert loaded.classes_.dtype == model.classes_.dtype
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


@pytest.mark.parametrize(
    ("model", "width"),
    [
        (MFNClassifier(4, memory_dim=4, max_epochs=1), "hidden_dims"),
        (SpeechResNetClassifier(channels=1, hidden_size=4, max_epochs=1), "n_hidden"),
        (SequenceRegressor(hidden_size=4, max_epochs=1), "hidden_size"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_files_with_earlier_names_are_read(model, width, tmp_path):
    X, _ = make_frames(n_rows=12)
    path = tmp_path / "net.safetensors"
    model.set_params(validation_fraction=None, random_state=0).fit(X, [0, 1] * 6)
    model.save_weights(path)
    metadata, state = read_metadata(path), read_safetensors(path)
    learned = json.loads(metadata["learned"])
    learned["module_params_"][width] = learned["module_params_"].pop("hidden_size")
    learned["dims_"] = {"audio": 3}
    learned["prior_"] = learned.pop("class_prior_", {"values": [0.0], "dtype": "float32"})
    for name in ("modalities_", "n_dims_"):
        del learned[name]
    write_safetensors(state, path, {**metadata, "learned": json.dumps(learned)})
    loaded = type(model)().load_weights(path)
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    np.testing.assert_array_equal(loaded.transform(X), model.transform(X))
    assert (loaded.modalities_, loaded.n_dims_) == (model.modalities_, model.n_dims_)
    assert {name for name in vars(loaded) if name.endswith("_")} == {
        name for name in vars(model) if name.endswith("_")
    }
