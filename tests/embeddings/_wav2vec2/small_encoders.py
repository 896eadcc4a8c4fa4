"""Small encoders of raw audio on disk, and clips for them."""

import numpy as np
import pandas as pd
import torch

RATE = 16_000

FAMILIES = {
    "wav2vec2": {"feat_extract_norm": "group"},
    "wav2vec2-large": {"feat_extract_norm": "layer", "do_stable_layer_norm": True},
    "hubert": {"feat_extract_norm": "group"},
    "hubert-batch-norm": {"feat_extract_norm": "group", "conv_pos_batch_norm": True},
    "wavlm": {"feat_extract_norm": "group", "num_buckets": 20, "max_bucket_distance": 40},
    "wavlm-large": {"feat_extract_norm": "layer", "do_stable_layer_norm": True},
    "unispeech-sat": {"feat_extract_norm": "layer"},
    "data2vec-audio": {},
}


def save_encoder(folder, family="wav2vec2", *, do_normalize=True, seed=0):
    """Save a randomly initialized encoder of 16 dimensions and 3 layers, as its users do."""
    from transformers import AutoConfig, AutoModel, Wav2Vec2FeatureExtractor

    kind = family.removesuffix("-large").removesuffix("-batch-norm")
    config = AutoConfig.for_model(
        kind,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=3,
        num_attention_heads=2,
        num_conv_pos_embedding_groups=2,
        num_conv_pos_embeddings=16,
        conv_dim=[8] * 7,
        conv_kernel=(10, 3, 3, 3, 3, 2, 2),
        conv_stride=(5, 2, 2, 2, 2, 2, 2),
        initializer_range=0.1,
        **FAMILIES[family],
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        AutoModel.from_config(config).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(do_normalize=do_normalize).save_pretrained(folder)
    return folder


def sound(seconds, seed=0, rate=RATE):
    """Noise under a tremolo, with an offset, so that scaling and context matter."""
    rng = np.random.default_rng(seed)
    n = round(seconds * rate)
    time = np.arange(n) / rate
    signal = 0.1 * rng.normal(size=n) * (1 + np.sin(2 * np.pi * 3 * time)) + 0.02
    return (signal + 0.2 * np.sin(2 * np.pi * (150 + 40 * seed) * time)).astype(np.float32)


LENGTHS = [0.31, 0.025, 0.62, 0.31, 0.08, 0.45, 0.62, 0.2]


def table(lengths=LENGTHS):
    cells = pd.Series([(sound(s, i), RATE) for i, s in enumerate(lengths)], dtype=object)
    cells.index = [f"clip_{i}" for i in range(len(lengths))]
    return cells.to_frame("audio")
