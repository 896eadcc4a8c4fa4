"""What is exported gives, in ONNX Runtime, what the net gives."""

import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from emoest.embeddings import WhisperEmbedder
from emoest.neural import (
    MFNClassifier,
    SequenceClassifier,
    SpeechResNetClassifier,
)
from emoest.persistence import to_onnx
from emoest.tables.cells import object_column
from tests.nets.tiny_whisper import save_whisper

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

NET = {"max_epochs": 1, "validation_fraction": None, "random_state": 0}
Y = np.array(["sad", "glad"] * 4)


def cells(*shape, seed=0):
    draws = np.random.RandomState(seed)
    return [draws.randn(n, *shape).astype("float32") * 3 + 1 for n in (20, 24, 17, 30) * 2]


def frames(seed=0):
    return pd.DataFrame({"audio__frames": object_column(cells(8, seed=seed), range(8))})


def fitted(model, X=None, y=Y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(frames() if X is None else X, y)


def run(path, value):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (name,) = [each.name for each in session.get_inputs()]
    return session.run(None, {name: value})[0]


CLASSIFIERS = [
    SequenceClassifier("lstm", hidden_size=4, **NET),
    SequenceClassifier("gru", hidden_size=4, normalize=None, **NET),
    SequenceClassifier("transformer", hidden_size=8, pooling="mean", **NET),
    pytest.param(
        SpeechResNetClassifier(channels=1, hidden_size=8, silence="keep", **NET),
        marks=pytest.mark.slow,
    ),
]


@pytest.mark.parametrize("model", CLASSIFIERS, ids=lambda model: f"{model!r}"[:40])
def test_softmax_of_the_outputs_is_predict_proba_at_every_length(model, tmp_path):
    model = fitted(model)
    training = model.net_.module_.training
    to_onnx(model, tmp_path / "net.onnx")
    assert model.net_.module_.training is training
    X = frames(seed=1)
    expected = model.predict_proba(X)
    found = [softmax(run(tmp_path / "net.onnx", cell[None]))[0] for cell in X["audio__frames"]]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert np.ptp(expected[:, 0]) > 1e-4, "the lengths and frames make no difference"


def test_an_encoder_of_speech(tmp_path):
    import torch

    cell = pd.DataFrame({"audio": ["a.wav"]})
    encoder = WhisperEmbedder(save_whisper(tmp_path / "whisper")).fit(cell)
    to_onnx(encoder, tmp_path / "net.onnx")
    net = encoder._model().net
    spectra = torch.randn(1, net.n_mels, 38, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected = encoder._chosen(net(spectra)).numpy()
    np.testing.assert_allclose(run(tmp_path / "net.onnx", spectra.numpy()), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (LogisticRegression(), "LogisticRegression has no net"),
        (MFNClassifier(8, memory_dim=8, **NET), "MFNClassifier has no net"),
        (
            SpeechResNetClassifier(channels=1, hidden_size=8, silence="trim", **NET),
            "silence='keep'",
        ),
        (make_pipeline(SequenceClassifier(hidden_size=4, **NET)), r"model\[-1\]"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_what_has_no_such_net_says_so(model, said, tmp_path):
    numbers = isinstance(model, LogisticRegression)
    X = np.zeros((8, 1)) if numbers else frames()
    with pytest.raises(ValueError, match=said):
        to_onnx(fitted(model, X), tmp_path / "net.onnx")
    assert not (tmp_path / "net.onnx").exists()


def test_an_estimator_that_is_not_fitted(tmp_path):
    with pytest.raises(NotFittedError):
        to_onnx(SequenceClassifier(), tmp_path / "net.onnx")


def test_another_output_is_noticed(tmp_path, monkeypatch):
    import torch

    from emoest.nets.export import ExportableNet

    net = ExportableNet(torch.nn.Linear(2, 2), {"x": torch.ones(1, 2)}, {}, "y")
    compare = ExportableNet._compare

    def changed(self, path, module):
        with torch.no_grad():
            module.bias += 1
        return compare(self, path, module)

    monkeypatch.setattr(ExportableNet, "_compare", changed)
    with pytest.raises(ValueError, match="gives other outputs"):
        net.export(tmp_path / "net.onnx")


def test_what_no_graph_can_hold_says_why(tmp_path):
    import torch

    from emoest.nets.export import ExportableNet

    class Loop(torch.nn.Module):
        def forward(self, x):
            for _ in range(int(x.sum())):
                x = x + 1
            return x

    with pytest.raises(ValueError, match="operators of ONNX do not allow"):
        ExportableNet(Loop(), {"x": torch.ones(1, 2)}, {}, "y").export(tmp_path / "net.onnx")


@pytest.mark.parametrize("package", ["onnx", "onnxscript", "onnxruntime"])
def test_without_a_package_the_extra_is_named(package, tmp_path, monkeypatch):
    model = fitted(SequenceClassifier(hidden_size=4, **NET))
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=r"emoest\[onnx\]"):
        to_onnx(model, tmp_path / "net.onnx")
