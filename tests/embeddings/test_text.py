import warnings

import pandas as pd
import pytest

import emoest.embeddings
from emoest.embeddings import BERTEmbedder, SBERTEmbedder
from emoest.embeddings._text import length_limit
from emoest.tables.cells import object_column


def test_the_room_lists_its_classes():
    assert set(emoest.embeddings.__all__) <= set(dir(emoest.embeddings))
    assert emoest.embeddings.SBERTEmbedder.__name__ == "SBERTEmbedder"
    with pytest.raises(AttributeError, match="no attribute 'BertEmbedder'"):
        _ = emoest.embeddings.BertEmbedder


@pytest.mark.parametrize(
    ("config", "tokenizer", "limit"),
    [
        ({"max_position_embeddings": 512}, {"model_max_length": 1e30}, 512),
        ({"model_type": "xlm-roberta", "max_position_embeddings": 514, "pad_token_id": 1}, {}, 512),
        ({"model_type": "mpnet", "max_position_embeddings": 514, "pad_token_id": 1}, {}, 512),
        ({"max_position_embeddings": 512}, {"model_max_length": 128}, 128),
        ({}, {}, 512),
    ],
)
def test_length_limit(config, tokenizer, limit):
    assert length_limit(config, tokenizer) == limit


PATHS = {
    "audio": ["clips/a.wav", None, "clips/b.WAV#t=1,2"],
    "parts": [["a.flac", "b.flac"], ["c.flac"]],
    "video": ["C:\\data\\my clip.mp4"],
    "images": ["a.jpg", "b.png"],
    "texts in files": ["stories/01.txt"],
}
TEXTS = {
    "sentences": ["I am fine.", "Play the .wav", "no"],
    "one name among texts": ["a.wav", "I like it"],
    "nothing": [None, " "],
}


@pytest.mark.parametrize("embedder", [BERTEmbedder, SBERTEmbedder])
@pytest.mark.parametrize("cells", [*PATHS.values(), *TEXTS.values()], ids=[*PATHS, *TEXTS])
def test_paths_in_the_place_of_texts_are_said(tiny_bert, embedder, cells):
    X = object_column(cells, pd.RangeIndex(len(cells)), "audio").to_frame()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        embedder(tiny_bert).fit(X)
    said = [str(each.message) for each in caught if "paths of files" in str(each.message)]
    assert len(said) == (cells in PATHS.values())
    assert all("SpeechTranscriber" in message for message in said)


@pytest.mark.parametrize("embedder", [BERTEmbedder, SBERTEmbedder])
def test_what_is_no_character_is_said(tiny_bert, embedder):
    texts = ["a dog", "the \ud83d dog"]
    with pytest.raises(ValueError, match=r"row 1: the text holds '\\ud83d' at position 4"):
        embedder(tiny_bert).fit_transform(texts)
    with pytest.warns(UserWarning, match="1 of 2 cells"):
        output = embedder(tiny_bert, errors="missing").fit_transform(texts)
    assert output.isna().all(axis=1).tolist() == [False, True]


@pytest.mark.parametrize("embedder", [BERTEmbedder, SBERTEmbedder])
@pytest.mark.parametrize(
    ("max_length", "message"),
    [(65, "max_length=65 is more than the 64 tokens"), (3, r"int in the range \[4, inf\)")],
)
def test_a_length_that_cannot_be_is_said_in_fit(tiny_bert, embedder, max_length, message):
    with pytest.raises(ValueError, match=message):
        embedder(tiny_bert, max_length=max_length).fit(["a"])
