"""Media to frames or vectors with frozen pretrained encoders; a class is loaded when first used."""

from emoest.utils.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "CorpusError": "emoest.embeddings._corpus",
        "embed_corpus": "emoest.embeddings._corpus",
        "BERTEmbedder": "emoest.embeddings._bert",
        "FaceEmbedder": "emoest.embeddings._face",
        "SBERTEmbedder": "emoest.embeddings._sbert",
        "SpeakerEmbedder": "emoest.embeddings._speaker",
        "SpeechTranscriber": "emoest.embeddings._transcriber",
        "USEEmbedder": "emoest.embeddings._use",
        "Wav2Vec2Embedder": "emoest.embeddings._wav2vec2",
        "WhisperEmbedder": "emoest.embeddings._whisper",
        "YAMNetEmbedder": "emoest.embeddings._yamnet",
        "relocate_weights": "emoest.embeddings._relocation",
        "unload_models": "emoest.embeddings._model_cache",
    },
)
