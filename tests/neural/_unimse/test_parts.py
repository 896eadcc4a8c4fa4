"""Dialogues, label strings, tokenizers and batches of UniMSE, each for itself."""

import numpy as np
import pytest

from emoest.nets.t5_fusion.batches import LabeledSignals, spread_places
from emoest.neural._unimse.dialogues import context_windows, window_tokens
from emoest.neural._unimse.strings import read_label, write_score
from emoest.neural._unimse.tokens import encode, encode_transcript, read_tokenizer, word_tokenizer


def test_windows_of_mixed_dialogues_and_rows_without_one():
    windows = context_windows(["a", "b", "a", None, "a", "b", "a"], 7, 2, 1)
    assert windows == [
        ([], [2]),
        ([], [5]),
        ([0], [4]),
        ([], []),
        ([2, 0], [6]),
        ([1], []),
        ([4, 2], []),
    ]


@pytest.mark.parametrize(
    ("max_length", "tokens", "own"),
    [
        (20, [1, 2, 10, 11, 20, 30, 31, 40, 41, 9], [4]),
        (9, [1, 2, 10, 11, 20, 30, 31, 40, 9], [4]),
        (7, [1, 2, 10, 11, 20, 30, 9], [4]),
        (5, [1, 2, 11, 20, 9], [3]),
        (4, [1, 2, 20, 9], [2]),
    ],
)
def test_what_is_farthest_is_left_out_first(max_length, tokens, own):
    texts = [[10, 11], [20], [30, 31], [40, 41]]
    marked = window_tokens(texts, 1, ([0], [2, 3]), prefix=[1, 2], end=9, max_length=max_length)
    assert marked[:, 0].tolist() == tokens
    assert np.flatnonzero(marked[:, 1]).tolist() == own


@pytest.mark.parametrize(
    ("score", "text"),
    [(0, "0.0"), (-0.04, "0.0"), (2.96, "3.0"), (-3, "-3.0"), (1.25, "1.2"), (0.35, "0.3")],
)
def test_scores_have_one_decimal(score, text):
    assert write_score(score) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("positive,1.2,joy", ("positive", 1.2, "joy")),
        (" Positive , - 1 . 2 , JOY ", ("positive", -1.2, "joy")),
        ("positive,1.2,sad", ("positive", 1.2, "sadness")),
        ("positive,1.2,s", ("positive", 1.2, None)),
        ("good,1.2,joy", (None, 1.2, "joy")),
        ("negative,9.0,joy", ("negative", None, "joy")),
        ("negative,1.2.3,fury", ("negative", None, None)),
        ("negative", ("negative", None, None)),
        ("", (None, None, None)),
        ("positive,1.2,joy,anger", ("positive", 1.2, "joy")),
    ],
)
def test_generated_strings_are_read_as_far_as_they_go(text, expected):
    polarity, score, emotion = read_label(text, 3, ["joy", "sadness"], 2)
    assert (polarity, None if np.isnan(score) else score, emotion) == expected


def test_two_emotions_that_begin_alike_are_not_guessed():
    assert read_label("positive,0.0,sa", 3, ["sadness", "sarcasm"], 2)[2] is None


def test_rare_words_of_large_corpora_are_unknown():
    texts = [
        f"word{chr(97 + i // 676)}{chr(97 + i // 26 % 26)}{chr(97 + i % 26)}" for i in range(5200)
    ]
    tokenizer = read_tokenizer(word_tokenizer([*texts, *texts[:10]], ["joy"]))
    assert tokenizer.get_vocab_size() == 3 + 1 + 10
    assert encode(tokenizer, texts[20]) == [2] and encode(tokenizer, texts[5]) != [2]


@pytest.mark.parametrize("text", ["</s>", "<pad>", "fine </s> fine"])
def test_a_transcript_cannot_say_special_tokens(text):
    tokenizer = read_tokenizer(word_tokenizer(["fine"], []))
    assert not {0, 1} & set(encode_transcript(tokenizer, text, [0, 1]))


def test_batches_hold_labels_in_training_and_none_in_prediction():
    cells = {"audio": [np.ones((9, 2), "float32"), None]}
    lengths = {"audio": np.array([4, 0])}
    data = LabeledSignals(
        cells, lengths, {"audio": 2}, np.array([1, 0]), labels=[[5], [6, 7]], first={"audio": 4}
    )
    X, _ = data.batch([0, 1])
    assert X["labels"].tolist() == [[6, 7], [5, -100]]
    assert X["frames"]["audio"].shape == (2, 4, 2) and X["lengths"]["audio"].tolist() == [4, 0]
    data.labels = None
    assert "labels" not in data.take(np.array([0])).batch([0])[0]


@pytest.mark.parametrize(("n_frames", "most"), [(1, 16), (16, 16), (17, 16), (100, 3), (5, 1)])
def test_places_at_equal_steps(n_frames, most):
    places = spread_places(n_frames, most)
    assert len(places) == min(most, n_frames) and places[0] == 0
    assert (np.diff(places) > 0).all() and places[-1] <= n_frames - 1
