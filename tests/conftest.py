import os
from pathlib import Path

import numpy as np
import pytest

WORDS = [
    *["the", "a", "my", "we", "was", "is", "very", "not", "and", "so", "day", "story", "happy"],
    *["sad", "calm", "angry", "old", "young", "house", "garden", "war", "child", "mother"],
    *["father", "work", "train", "long", "short", "walk", "bread", "song", "rain", "sun", "home"],
    *["dog", "night", "friend"],
]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real corpora and weights; missing data skip a test, and fail it in CI."""
    folder = os.environ.get("EMOEST_TEST_DATA")
    if folder and Path(folder).is_dir():
        return Path(folder)
    reason = (
        f"EMOEST_TEST_DATA={folder!r} is not a folder"
        if folder
        else "EMOEST_TEST_DATA is not set: it names the folder of real corpora and weights"
    )
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(autouse=True)
def _global_generator_untouched():
    """No test, and so no estimator, may move numpy's global generator."""
    before = np.random.get_state()  # noqa: NPY002
    yield
    after = np.random.get_state()  # noqa: NPY002
    assert before[0] == after[0]
    assert before[2] == after[2]
    np.testing.assert_array_equal(before[1], after[1])


def save_bert(folder: Path, *, hidden_size: int, n_layers: int, seed: int = 0) -> Path:
    """Save a randomly initialized BERT with a small WordPiece vocabulary."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder.mkdir(parents=True, exist_ok=True)
    pieces = ["##s", "##ing", *(f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz")]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, ".", ",", "!"]
    vocabulary += [*"bcdefghijklmnopqrstuvwxyz", *pieces]
    file = folder / "vocab.txt"
    file.write_text("\n".join(vocabulary), encoding="utf-8")
    tokenizer = BertTokenizerFast.from_pretrained(str(folder), model_max_length=64)
    tokenizer.save_pretrained(str(folder))
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=hidden_size,
        num_hidden_layers=n_layers,
        num_attention_heads=2,
        intermediate_size=hidden_size * 2,
        max_position_embeddings=64,
        initializer_range=0.5,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        BertModel(config).save_pretrained(str(folder))
    return folder


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory) -> Path:
    """Folder of a BERT of 16 dimensions and 2 layers that sees 64 tokens."""
    folder = tmp_path_factory.mktemp("models") / "tiny-bert"
    return save_bert(folder, hidden_size=16, n_layers=2)


@pytest.fixture(scope="session")
def bert_768(tmp_path_factory) -> Path:
    """Folder of a BERT of 768 dimensions and 1 layer."""
    folder = tmp_path_factory.mktemp("models") / "bert-768"
    return save_bert(folder, hidden_size=768, n_layers=1)


@pytest.fixture
def make_bert():
    """Save a small BERT into a folder: the function `save_bert`."""
    return save_bert
