"""What a type checker and an editor know of a user's script."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import emoest

SCRIPT = """
import pandas as pd
from sklearn.linear_model import LogisticRegression

from emoest.embeddings import YAMNetEmbedder, embed_corpus
from emoest.fusion import EarlyFusionClassifier, LateFusionClassifier
from emoest.neural import (
    FaceCNNClassifier,
    MEmoBERTClassifier,
    SequenceClassifier,
    SequenceRegressor,
    UniMSEClassifier,
)
from emoest.tuning import OptunaSearchCV

table = pd.DataFrame({"audio": ["a.wav"]})
embedder = YAMNetEmbedder(pooling="mean")
reveal_type(embedder.fit(table))
reveal_type(embed_corpus(table, embedder, "out"))
search = OptunaSearchCV(LogisticRegression(), {"C": [1.0]})
reveal_type(search.fit([[0.0]], [1]))
reveal_type(SequenceClassifier("gru").fit(table, [1], X_val=table, y_val=[1]))
reveal_type(SequenceRegressor().partial_fit(table, [1.0]))
reveal_type(FaceCNNClassifier().partial_fit(table, [1], classes=[0, 1]))
reveal_type(SequenceClassifier().set_params(lr=0.1).load_weights("net.safetensors"))
reveal_type(MEmoBERTClassifier().fit(table, [1]))
reveal_type(UniMSEClassifier().fit(table, [1]))
reveal_type(EarlyFusionClassifier(LogisticRegression()).fit(table, [1]))
reveal_type(LateFusionClassifier(LogisticRegression()).fit(table, [1]))
"""
KNOWN = [
    *("YAMNetEmbedder", "DataFrame", "OptunaSearchCV", "SequenceClassifier", "SequenceRegressor"),
    *("FaceCNNClassifier", "SequenceClassifier", "MEmoBERTClassifier", "UniMSEClassifier"),
    *("EarlyFusionClassifier", "LateFusionClassifier"),
]


def test_a_users_script_has_types(tmp_path):
    pytest.importorskip("basedpyright")
    root = str(Path(emoest.__file__).parents[1])
    settings = {"typeCheckingMode": "basic", "extraPaths": [root]}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [sys.executable, "-m", "basedpyright", "--outputjson", "-p", str(tmp_path)]
    done = subprocess.run(
        [*command, "--pythonpath", sys.executable], capture_output=True, text=True, check=False
    )
    found = json.loads(done.stdout)["generalDiagnostics"]
    assert [each["message"] for each in found if each["severity"] == "error"] == []
    revealed = [re.findall(r'is "(\w+)"', each["message"]) for each in found]
    assert revealed == [[name] for name in KNOWN]
