"""What the pre-training and the classifier share: reading clips, sizes, weights to begin with."""

from functools import lru_cache
from numbers import Real
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from emoest.nets.cross_modal.clips import PROBS, ClipDataset
from emoest.nets.cross_modal.pieces import Pieces, Template
from emoest.nets.cross_modal.transformer import FRAMES
from emoest.nets.cross_modal.weights import SIZES, MEmoBERTWeights
from emoest.neural._memobert.reading import (
    fill_faces,
    find_roles,
    open_table,
    read_clips,
    read_texts,
)
from emoest.neural._memobert.sources import find_tokenizer, speakers_of_model
from emoest.neural._training.base import DeepEstimator
from emoest.tables.frames import FrameTable
from emoest.utils import constraints
from emoest.utils._sklearn import HasMethods, Interval
from emoest.utils.messages import listed
from emoest.utils.warn import warn_user

_LEFT_OUT = ("impute", "max_epochs", "optimizer", "patience", "validation_fraction", "warm_start")
_NET = ("hidden_size", "n_layers", "n_heads", "intermediate_size")


@lru_cache(maxsize=8)
def _pieces_of(text: str) -> Pieces:
    return Pieces.from_json(text)


class CrossModal(DeepEstimator):
    """Base of `MEmoBERTPretrainer` and `MEmoBERTClassifier`."""

    _several = True
    _own_values: ClassVar[tuple[str, ...]] = ("_text", "_limits", "_inherited")
    # Frames have no missing values to fill, and budgets are in steps.
    impute: ClassVar[str] = "mean"
    warm_start: ClassVar[bool] = False

    _parameter_constraints: dict = {
        "model": [str, HasMethods("__fspath__"), MEmoBERTWeights, None],
        "tokenizer": [str, HasMethods("__fspath__"), None],
        "vocab_size": [constraints.POSITIVE_INT],
        **{name: [constraints.POSITIVE_INT] for name in _NET},
        "dropout": [Interval(Real, 0, 1, closed="left")],
        **{name: [constraints.POSITIVE_INT] for name in ("max_text", "max_face", "max_audio")},
        "no_face": [constraints.NON_NEGATIVE_INT, None],
        "max_steps": [constraints.POSITIVE_INT],
        "warmup_steps": [constraints.NON_NEGATIVE_REAL],
        **{
            name: rule
            for name, rule in DeepEstimator._parameter_constraints.items()
            if name not in _LEFT_OUT
        },
    }

    _source: MEmoBERTWeights | None = None

    def _no_passes(self) -> str | None:
        return "its learning rate is planned over all steps (max_steps, warmup_steps)"

    _inherited: tuple[Any, ...] = ()
    _text: dict[str, Any]
    _limits: dict[str, int]
    _long: npt.NDArray[np.intp]

    @property
    def seen_groups_(self) -> list[Any]:
        """Groups seen in `fit`, and those of weights from a file; `evaluate` asks for them."""
        before = [*self._inherited, *speakers_of_model(self.model)]
        return list(dict.fromkeys([*getattr(self, "_seen_groups", []), *before]))

    def _words_kept(self) -> list[str]:
        """Words that a learned tokenizer has as one piece."""
        raise NotImplementedError

    def _template(self) -> str:
        """How a text is read."""
        return "{text}"

    def _roles(self, X: Any) -> dict[str, Any]:
        """Find the columns of each modality."""
        return find_roles(X, self.modalities)

    def _read(self, X: Any, *, reset: bool) -> FrameTable:
        """Read clips; in ``fit`` decide about the tokenizer first."""
        X = open_table(self, X, reset=reset)
        roles = self._roles(X)
        texts = read_texts(X, roles)
        if reset:
            self._inherited = () if self._source is None else self._source.speakers
            self._begin_text(texts)
            self._limits = {"face": self.max_face, "audio": self.max_audio, PROBS: self.max_face}
        limit = None if reset else self._text["limit"]
        table = read_clips(
            self,
            X,
            roles=roles,
            texts=texts,
            pieces=self._pieces,
            template=self._prompt,
            reset=reset,
            widths=None if reset else self.n_dims_,
            limit=limit,
        )
        if self.no_face is not None:
            fill_faces(table, self.no_face)
        cut = self._cut_texts(table, texts)
        if reset:
            self._long = cut
        elif len(cut):
            warn_user(
                f"{len(cut)} text(s) have more than max_text={limit} pieces, such as row "
                f"{listed([table.rows[i] for i in cut], most=1, quoted=True)}: what is beyond is "
                "not read."
            )
        return table

    def _begin_text(self, texts: list[str | None]) -> None:
        template = self._template()
        Template(template, prompt=template != "{text}")
        if self._source is not None:
            pieces = self._source.pieces
        elif self.tokenizer is not None:
            pieces = Pieces.read(find_tokenizer(self.tokenizer))
        else:
            said = [text for text in texts if text is not None]
            pieces = Pieces.learn(said, self._words_kept(), self.vocab_size)
        self._text = {"pieces": pieces.to_json(), "template": template, "limit": self.max_text}

    @property
    def _pieces(self) -> Pieces:
        return _pieces_of(self._text["pieces"])

    @property
    def _prompt(self) -> Template:
        return Template(self._text["template"])

    @property
    def _blank(self) -> npt.NDArray[np.float32]:
        return self._prompt.fill(None, self._pieces)

    def _text_lengths(self, table: FrameTable) -> npt.NDArray[np.intp]:
        """Pieces of each transcript; 0 where there is none."""
        if "text" not in table.names:
            return np.zeros(len(table.rows), dtype=np.intp)
        lengths = table.lengths[:, table.names.index("text")]
        return np.maximum(lengths - len(self._blank), 0)

    def _cut_texts(self, table: FrameTable, texts: list[str | None]) -> npt.NDArray[np.intp]:
        """Rows whose transcript has more pieces than are read."""
        limit = self._text["limit"]
        # A prompt adds a full stop, which does not count, to some of them.
        near = np.flatnonzero(self._text_lengths(table) >= limit)
        counts = [len(self._pieces.encode(texts[i] or "")[0]) for i in near]
        return near[np.array(counts, dtype=np.intp) > limit]

    def _rows_to_fit(self, table: FrameTable) -> npt.NDArray[np.intp]:
        kept = super()._rows_to_fit(table)
        limit = self._text["limit"]
        long = np.isin(kept, vars(self).pop("_long"))
        if long.all():
            raise ValueError(
                f"Every text has more than max_text={limit} pieces, so that nothing is left to "
                "learn from. Raise max_text, or cut the texts into utterances."
            )
        if long.any():
            rows = listed((table.rows[i] for i in kept[long]), quoted=True)
            warn_user(
                f"{int(long.sum())} training row(s) have a text of more than max_text={limit} "
                f"pieces and are left out: {rows}."
            )
        return kept[~long]

    def _learn_frames(self, table: FrameTable, rows: Any, weight: Any) -> None:
        super()._learn_frames(table, rows, weight)
        self.scales_ = {name: scale for name, scale in self.scales_.items() if name in FRAMES}
        if self._source is not None and self._source.dims:
            self._source.check_dims(self._frame_dims(self.n_dims_))
            fresh = {n: s for n, s in self.scales_.items() if n not in self._source.dims}
            self.scales_ = {**fresh, **self._source.scales}

    @staticmethod
    def _frame_dims(dims: dict[str, int]) -> dict[str, int]:
        return {name: dims[name] for name in FRAMES if name in dims}

    def _sizes(self, dims: dict[str, int]) -> dict[str, Any]:
        """Parameters of the Transformer: those of the weights it begins with, or one's own."""
        own = self._frame_dims(dims)
        needed = max(self.max_text + len(self._blank) + 1, self.max_face, self.max_audio)
        if self._source is None:
            sizes = {name: getattr(self, name) for name in _NET}
            sizes["n_positions"] = max(512, needed)
            vocab_size = self._pieces.vocab_size
        else:
            own, sizes = self._source.check_dims(own), dict(self._source.sizes)
            vocab_size = self._source.vocab_size
        if needed > sizes["n_positions"]:
            raise ValueError(
                f"A sequence may have {needed} steps (max_text={self.max_text}, "
                f"max_face={self.max_face}, max_audio={self.max_audio}), and the weights know "
                f"{sizes['n_positions']} positions. Lower the largest of them."
            )
        return {"vocab_size": vocab_size, "dims": own, "dropout": self.dropout, **sizes}

    def _prepare_module(self, module: Any, data: Any, groups: Any) -> None:
        if self._source is not None:
            self._source.load_into(module)

    def _dataset(self, table: FrameTable, scales: dict[str, Any]) -> ClipDataset:
        lengths = dict(zip(table.names, table.lengths.T, strict=True))
        cells, widths = dict(table.cells), dict(table.widths)
        if "text" not in widths:
            cells["text"], widths["text"] = [None] * len(table.rows), 2
            lengths["text"] = np.zeros(len(table.rows), dtype=np.intp)
        return ClipDataset(
            cells,
            lengths,
            widths,
            scales={name: scale for name, scale in scales.items() if name in widths},
            rows=table.rows,
            blank=self._blank,
            limits=self._limits,
        )

    def _weights_object(self, source: str) -> MEmoBERTWeights:
        """The trained net as a plain object."""
        state = {
            name: value.detach().cpu().clone()
            for name, value in self.net_.module_.state_dict().items()
        }
        params = self.module_params_
        names = [*self._seen_groups, *self._inherited]
        return MEmoBERTWeights(
            state=state,
            sizes={name: params[name] for name in SIZES},
            pieces=self._pieces,
            dims=params["dims"],
            scales=dict(self.scales_),
            speakers=tuple(getattr(n, "item", lambda n=n: n)() for n in dict.fromkeys(names)),
            source=source,
        )
