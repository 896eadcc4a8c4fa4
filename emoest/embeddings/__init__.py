"""Media to frames or vectors with frozen pretrained encoders; a class is loaded when first used."""

from typing import TYPE_CHECKING

from emoest.utils.lazy import lazy_names

if TYPE_CHECKING:
    # For type checkers and editors, which cannot follow names that are loaded lazily.
    from emoest.embeddings._bert import BERTEmbedder as BERTEmbedder
    from emoest.embeddings._corpus import CorpusError as CorpusError
    from emoest.embeddings._corpus import embed_corpus as embed_corpus
    from emoest.embeddings._face import FaceEmbedder as FaceEmbedder
    from emoest.embeddings._model_cache import unload_models as unload_models
    from emoest.embeddings._relocation import relocate_weights as relocate_weights
    from emoest.embeddings._sbert import SBERTEmbedder as SBERTEmbedder
    from emoest.embeddings._speaker import SpeakerEmbedder as SpeakerEmbedder
    from emoest.embeddings._transcriber import SpeechTranscriber as SpeechTranscriber
    from emoest.embeddings._use import USEEmbedder as USEEmbedder
    from emoest.embeddings._wav2vec2 import Wav2Vec2Embedder as Wav2Vec2Embedder
    from emoest.embeddings._whisper import WhisperEmbedder as WhisperEmbedder
    from emoest.embeddings._yamnet import YAMNetEmbedder as YAMNetEmbedder

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
