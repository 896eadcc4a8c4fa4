"""A tiny BERT on disk, and batches of clips."""

import json

import numpy as np
import torch
from safetensors.torch import save_file

from emoest.nets.cross_modal.pieces import Pieces

TEXTS = [
    "I am so happy today, what a wonderful morning!",
    "I hate this. Leave me alone.",
    "The kids are talking by the door.",
    "He was sad and cried all night",
    "We said it was neutral ground; nobody moved.",
]
LABELS = ("anger", "happy", "neutral", "sad")


def learn_pieces(vocab_size=200):
    return Pieces.learn(TEXTS, LABELS, vocab_size)


def bert_config(**changes):
    return {
        "model_type": "bert",
        "hidden_act": "gelu",
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": 256,
        "type_vocab_size": 2,
        "layer_norm_eps": 1e-12,
        **changes,
    }


def save_bert(folder, pieces=None, *, head=True, prefix="bert.", seed=0, **changes):
    """Save a random BERT as transformers would, with a tokenizer; gives its tensors."""
    pieces = pieces or learn_pieces()
    config = bert_config(vocab_size=pieces.vocab_size, **changes)
    generator = torch.Generator().manual_seed(seed)
    size, inner = config["hidden_size"], config["intermediate_size"]

    def draw(*shape):
        return torch.randn(*shape, generator=generator) * 0.2

    def linear(name, n_out, n_in):
        return {f"{name}.weight": draw(n_out, n_in), f"{name}.bias": draw(n_out)}

    def norm(name):
        return {f"{name}.weight": 1 + draw(size), f"{name}.bias": draw(size)}

    state = {
        "embeddings.word_embeddings.weight": draw(pieces.vocab_size, size),
        "embeddings.position_embeddings.weight": draw(config["max_position_embeddings"], size),
        "embeddings.token_type_embeddings.weight": draw(2, size),
        **norm("embeddings.LayerNorm"),
        **linear("pooler.dense", size, size),
    }
    for i in range(config["num_hidden_layers"]):
        layer = f"encoder.layer.{i}"
        for name in ("query", "key", "value"):
            state |= linear(f"{layer}.attention.self.{name}", size, size)
        state |= linear(f"{layer}.attention.output.dense", size, size)
        state |= norm(f"{layer}.attention.output.LayerNorm")
        state |= linear(f"{layer}.intermediate.dense", inner, size)
        state |= linear(f"{layer}.output.dense", size, inner)
        state |= norm(f"{layer}.output.LayerNorm")
    state = {f"{prefix}{name}": value for name, value in state.items()}
    if head:
        state |= linear("cls.predictions.transform.dense", size, size)
        state |= norm("cls.predictions.transform.LayerNorm")
        state["cls.predictions.bias"] = draw(pieces.vocab_size)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(state, str(folder / "model.safetensors"), {"format": "pt"})
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_text(pieces.tokenizer)
    special = {f"{name}_token": token for name, token in pieces.special.items()}
    about = {"tokenizer_class": "BertTokenizerFast", "unk_token": "[UNK]", "pad_token": "[PAD]"}
    (folder / "tokenizer_config.json").write_text(json.dumps({**about, **special}))
    return state


def make_batch(lengths, vocab_size=50, dims=None, seed=0):
    """Random text, faces and audio of given lengths, padded with what must not matter."""
    dims = {"face": 3, "audio": 5} if dims is None else dims
    generator = np.random.default_rng(seed)
    frames, counts = {}, {}
    for name, own in lengths.items():
        longest = max(own)
        if name == "text":
            values = np.zeros((len(own), longest, 2), dtype="float32")
            for row, n in enumerate(own):
                values[row, :n, 0] = generator.integers(5, vocab_size, n)
                values[row, :n, 1] = [-1, *range(n - 2), -1]
        else:
            values = generator.normal(size=(len(own), longest, dims[name])).astype("float32")
            for row, n in enumerate(own):
                values[row, n:] = 0.0
        frames[name], counts[name] = torch.from_numpy(values), torch.tensor(own)
    return frames, counts
