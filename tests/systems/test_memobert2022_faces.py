"""MEmoBERT with a net for faces that was trained here."""

import numpy as np
import pandas as pd
import pytest

from emoest.datasets._generated.face_drawings import EXPRESSIONS, draw_face
from emoest.embeddings import FaceEmbedder
from emoest.features import LogMelSpectrogram
from emoest.neural import FaceCNNClassifier, MEmoBERTPretrainer
from emoest.systems import make_memobert2022
from tests.neural._memobert.helpers_memobert import DIRECT, FIT, PRETRAIN

pytest.importorskip("cv2")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

TINY = {**PRETRAIN, "max_steps": 2, "log_every": 1}
SMALL = {**FIT, "max_steps": 2, "eval_every": 2}


@pytest.fixture(scope="module")
def drawn():
    """Drawn faces of four emotions, and what they are."""
    generator = np.random.RandomState(0)
    moods = [*EXPRESSIONS] * 4
    return [draw_face(EXPRESSIONS[mood], generator) for mood in moods], moods


@pytest.fixture(scope="module")
def dense(drawn, tmp_path_factory):
    """A DenseNet that was trained on them, and its file."""
    net = FaceCNNClassifier("densenet", max_epochs=1, validation_fraction=None, random_state=0)
    path = tmp_path_factory.mktemp("nets") / "densenet.safetensors"
    net.fit(*drawn).save_weights(path)
    return net, path


def from_file(path, output="probabilities"):
    return FaceEmbedder(path, output=output, frames_per_second=10.0, errors="missing")


@pytest.mark.parametrize("setting", ["direct", "prompt"])
@pytest.mark.parametrize("as_what", ["a path", "transformers"])
def test_the_paper_takes_a_densenet_that_was_trained_here(drawn, dense, setting, as_what):
    net, path = dense
    images, moods = drawn
    given = {"face": path}
    if as_what == "transformers":
        given = {"face": from_file(path, "embedding"), "face_probs": from_file(path)}
    sounds = [np.random.default_rng(i).normal(size=16_000) for i in range(16)]
    X = pd.DataFrame({"text": ["I am here", "so what"] * 8})
    X["audio"], X["face"] = (pd.Series(cells, dtype=object) for cells in (sounds, images))
    X.at[3, "face"] = None
    system = make_memobert2022(
        setting, "paper", audio=LogMelSpectrogram(sampling_rate=16_000), random_state=0, **given
    )
    assert system["classify"].no_face == 2
    pretrainer = {"pretrainer": MEmoBERTPretrainer(**TINY, no_face=2)}
    of_setting = pretrainer if setting == "prompt" else {"tokenizer": None}
    system["classify"].set_params(**{**DIRECT, **SMALL, **of_setting})
    assert system.fit(X, moods).predict_proba(X).shape == (16, 4)
    frames = system[:-1].transform(X)
    embedded = [cell[0] for cell in frames["face__facecnn_frames"].drop(index=3)]
    proba = [cell[0] for cell in frames["face_probs__facecnn_probabilities_frames"].drop(index=3)]
    kept = [image for i, image in enumerate(images) if i != 3]
    np.testing.assert_allclose(embedded, net.transform(kept), atol=1e-5)
    np.testing.assert_allclose(proba, net.predict_proba(kept), atol=1e-5)
    assert np.shape(embedded) == (15, 342)


@pytest.mark.parametrize(
    ("names", "neutral"),
    [
        (["sad", "neutral", "anger"], 1),
        (["Neutral", "Sad", "angry"], 0),
        (["sad", "fear", "anger"], None),
        ([0, 1, 2], None),
    ],
)
def test_someone_neutral_is_looked_up_by_name(drawn, names, neutral, tmp_path):
    path = tmp_path / "a.safetensors"
    labels = [names[i % 3] for i in range(16)]
    settings = {"max_epochs": 1, "validation_fraction": None, "random_state": 0}
    FaceCNNClassifier("cnn4_small", **settings).fit(drawn[0], labels).save_weights(path)
    system = make_memobert2022("prompt", "paper", face=str(path))
    found = system["classify"].no_face, system["classify"].pretrainer.no_face
    assert found == (neutral, neutral)
    assert make_memobert2022(face=path)["classify"].no_face is None


def test_a_file_of_faces_that_is_not_there_is_named():
    with pytest.raises(FileNotFoundError, match=r"'no\.safetensors' is not the path"):
        make_memobert2022(preset="paper", face="no.safetensors")
