"""A Whisper model of random weights, saved as its users save one."""

import torch

SIZES = {
    "d_model": 16,
    "encoder_layers": 3,
    "decoder_layers": 1,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 24,
    "decoder_ffn_dim": 16,
    "num_mel_bins": 80,
}


def save_whisper(folder, *, kind="WhisperModel", seed=0, **sizes):
    """Save a random Whisper model with its feature extractor; return the folder."""
    import transformers

    # Large enough that attention is not the same everywhere.
    config = transformers.WhisperConfig(**{**SIZES, **sizes}, init_std=0.3)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        getattr(transformers, kind)(config).save_pretrained(folder)
    transformers.WhisperFeatureExtractor(config.num_mel_bins).save_pretrained(folder)
    return folder


def save_ctranslate2(source, folder, quantization=None):
    """Write a saved model as CTranslate2's own converter does; return the folder."""
    from ctranslate2 import specs
    from ctranslate2.converters.transformers import WhisperLoader
    from transformers import WhisperModel

    model = WhisperModel.from_pretrained(source)
    config = model.config
    heads = config.encoder_attention_heads
    spec = specs.WhisperSpec(config.encoder_layers, heads, config.decoder_layers, heads)
    loader = WhisperLoader()
    loader.set_encoder(spec.encoder, model.encoder)
    loader.set_decoder(spec.decoder, model.decoder)
    loader.set_linear(spec.decoder.projection, model.decoder.embed_tokens)
    spec.register_vocabulary([f"<{i}>" for i in range(config.vocab_size)])
    spec.validate()
    spec.optimize(quantization=quantization)
    folder.mkdir(parents=True, exist_ok=True)
    spec.save(str(folder))
    return folder
