from pathlib import Path

import pytest

WORDS = [
    *["the", "a", "my", "we", "was", "is", "very", "not", "and", "so", "day", "story", "happy"],
    *["sad", "calm", "angry", "old", "young", "house", "garden", "war", "child", "mother"],
    *["father", "work", "train", "long", "short", "walk", "bread", "song", "rain", "sun", "home"],
    *["dog", "night", "friend"],
]


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


@pytest.fixture(autouse=True)
def _no_loaded_models():
    """Each test starts with no model loaded and leaves none behind."""
    from emoest.embeddings import unload_models

    unload_models()
    yield
    unload_models()
