import numpy as np
import pytest
import torch

from emoest.neural import MEmoBERTClassifier, MEmoBERTPretrainer
from tests.nets.cross_modal.helpers import learn_pieces, save_bert
from tests.neural._memobert.helpers_memobert import DIRECT, FIT, PRETRAIN, make_clips, weights_of

pytestmark = pytest.mark.filterwarnings("ignore:setting=.* begins with random weights:UserWarning")


def test_a_pretrainer_inside_keeps_the_label_words_whole():
    X, _ = make_clips(12)
    y = np.array(["frustrating", "happy", "wistful"])[np.arange(12) % 3]
    model = MEmoBERTClassifier(
        pretrainer=MEmoBERTPretrainer(**{**PRETRAIN, "vocab_size": 60}), **FIT
    ).fit(X, y)
    assert model.verbalizer_ == {w: w for w in ("frustrating", "happy", "wistful")}
    assert not hasattr(model.pretrainer, "net_")


def test_predictions_are_label_words_even_where_another_word_is_likelier():
    X, y = make_clips(12)
    model = MEmoBERTClassifier(verbalizer_scope="vocab", **{**DIRECT, "max_steps": 1}).fit(X, y)
    with torch.no_grad():
        model.net_.module_.word_head.bias[10] = 100.0
    assert set(model.predict(X)) <= set(model.classes_)
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1.0, rtol=1e-5)


@pytest.mark.parametrize("scope", ["labels", "vocab"])
@pytest.mark.parametrize("augment", [False, True])
def test_scopes_and_conditions_of_a_prompt_train(scope, augment):
    X, y = make_clips(36)
    options = {"lr": 5e-3, "max_steps": 60, "eval_every": 20}
    model = MEmoBERTClassifier(
        verbalizer_scope=scope, prompt_modality_augment=augment, **{**DIRECT, **options}
    ).fit(X, y)
    assert model.history_[-1]["train_loss"] < model.history_[0]["train_loss"]
    assert (model.predict(X) == y).mean() > 0.55


def test_numbers_and_other_words_can_be_labels():
    X, y = make_clips(12)
    numbers = np.unique(y, return_inverse=True)[1]
    words = {0: "anger", 1: "happy", 2: "sad"}
    model = MEmoBERTClassifier(verbalizer=words, **DIRECT).fit(X, numbers)
    assert model.verbalizer_ == words
    assert set(model.predict(X)) <= {0, 1, 2}
    named = MEmoBERTClassifier(**DIRECT).fit(X, y)
    np.testing.assert_allclose(named.predict_proba(X), model.predict_proba(X), atol=1e-6)


def test_a_label_word_of_several_pieces_is_said():
    X, y = make_clips(12)
    weights = weights_of(X)
    words = {"happy": "happily"}
    with pytest.raises(ValueError, match=r"'happily' is \d pieces.*verbalizer="):
        MEmoBERTClassifier(model=weights, verbalizer=words, **FIT).fit(X, y)


def test_label_words_are_checked_by_the_tokenizer_that_is_known(monkeypatch, tmp_path):
    X, y = make_clips(12)
    save_bert(tmp_path, learn_pieces())
    monkeypatch.setattr(MEmoBERTPretrainer, "fit", None)
    for options in ({"model": tmp_path}, {"tokenizer": tmp_path}):
        model = MEmoBERTClassifier(
            pretrainer=MEmoBERTPretrainer(**options), verbalizer={"happy": "happily"}, **FIT
        )
        with pytest.raises(ValueError, match=r"'happily' is \d pieces.*verbalizer={'happy': "):
            model.fit(X, y)
