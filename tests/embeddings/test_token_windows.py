import numpy as np
import pytest

from emoest.embeddings._base import pad_rows
from emoest.embeddings._token_windows import (
    CPU_TOKENS,
    cut_windows,
    token_batches,
    token_budget,
)

TEXT = " ".join(["the happy dog was not calm", "my house", "a very long story and so"] * 9)


@pytest.fixture(scope="module")
def tokenizer(tiny_bert):
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(tiny_bert))


@pytest.mark.parametrize("max_length", [4, 5, 6, 7, 16, 33, 64])
@pytest.mark.parametrize("n_words", [1, 4, 20, 60])
def test_each_token_is_owned_once_and_in_order(tokenizer, max_length, n_words):
    text = " ".join(TEXT.split()[:n_words])
    windows = cut_windows(tokenizer, text, max_length, "window")
    owned = np.concatenate([window.ids[window.own] for window in windows])
    assert owned.tolist() == tokenizer(text, add_special_tokens=False)["input_ids"]
    assert max(len(window.ids) for window in windows) <= max_length
    for window in windows:
        assert window.ids[0] == tokenizer.cls_token_id
        assert window.ids[-1] == tokenizer.sep_token_id
        assert not window.own[[0, -1]].any()


def test_windows_overlap_by_a_quarter(tokenizer):
    first, second, *_ = cut_windows(tokenizer, TEXT, 18, "window")
    assert first.own.sum() == 16
    assert (~second.own).sum() == 2 + 4
    assert first.ids[-5:-1].tolist() == second.ids[1:5].tolist()


def test_truncation_keeps_the_start(tokenizer):
    (window,) = cut_windows(tokenizer, TEXT, 18, "truncate")
    assert (
        window.ids[window.own].tolist()
        == (tokenizer(TEXT, add_special_tokens=False)["input_ids"][:16])
    )


def test_a_text_without_tokens_is_said(tokenizer):
    with pytest.raises(ValueError, match="no token that the encoder knows"):
        cut_windows(tokenizer, "\u200b\u0000", 16, "window")


def test_batches_hold_each_window_once_within_the_budget():
    lengths = np.random.RandomState(0).randint(2, 65, size=200).tolist()
    batches = token_batches(lengths, 256)
    assert sorted(i for batch in batches for i in batch) == list(range(200))
    assert all(len(batch) * max(lengths[i] for i in batch) <= 256 for batch in batches)
    assert token_batches([300, 1], 256) == [[1], [0]]
    assert token_batches([], 256) == []


def test_a_cpu_takes_small_batches():
    assert [token_budget(n, "cpu") for n in (64, 4096)] == [64, CPU_TOKENS]
    assert token_budget(4096, "cuda:1") == 4096


def test_padding_is_masked(tokenizer):
    windows = [cut_windows(tokenizer, text, 16, "window")[0] for text in ("dog", "the old house")]
    ids, mask = pad_rows([window.ids for window in windows], tokenizer.pad_token_id)
    assert mask.sum(axis=1).tolist() == [len(window.ids) for window in windows]
    assert (ids[mask == 0] == tokenizer.pad_token_id).all()
