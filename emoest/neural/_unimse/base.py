"""What the classifier and the regressor of UniMSE share: corpora in, label strings out."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
import torch
from sklearn.utils.validation import validate_data

from emoest.files.hub import read_json
from emoest.files.weights import find_weights
from emoest.media.items import as_table
from emoest.nets.losses.criteria import OwnLoss
from emoest.nets.t5_fusion.backbones import check_config, load_t5, tiny_config
from emoest.nets.t5_fusion.batches import LabeledSignals
from emoest.nets.t5_fusion.net import TEXT, UniversalLabelNet
from emoest.nets.weight_files.transformers_folder import load_encoder, loading
from emoest.neural._training.base import DeepEstimator
from emoest.neural._unimse.corpora import (
    aux_pairs,
    check_polarity_column,
    hold_out_each,
    joined_groups,
    make_corpus,
    row_names,
)
from emoest.neural._unimse.dialogues import context_windows, window_tokens
from emoest.neural._unimse.outputs import GeneratedLabels
from emoest.neural._unimse.parameters import PAPER_RATES, PARAMETERS, STACKS, TINY, TINY_RATES
from emoest.neural._unimse.plan import (
    complete_labels,
    default_labeler,
    make_plan,
    own_labels,
    refuse_other_choices,
)
from emoest.neural._unimse.polarity import POLARITIES
from emoest.neural._unimse.reading import (
    Part,
    join_parts,
    read_part,
    warn_of_unread,
    without_column,
)
from emoest.neural._unimse.tokens import (
    LabelWriter,
    encode,
    encode_transcript,
    folder_tokenizer,
    read_tokenizer,
    word_tokenizer,
)
from emoest.tables.frames import FrameTable, settle_modalities
from emoest.tables.inputs import as_fitted, as_pandas
from emoest.utils._sklearn import fit_context
from emoest.utils.optional import import_optional
from emoest.utils.typing import Floats32
from emoest.utils.warn import warn_user


class UniversalEstimator(GeneratedLabels, DeepEstimator):
    """Base of `UniMSEClassifier` and `UniMSERegressor`."""

    _module_class = UniversalLabelNet
    _outputs_prefix: ClassVar[str] = "unimse"
    _several: ClassVar[bool] = True
    _emotional: ClassVar[bool]
    _own_arrays: ClassVar[tuple[str, ...]] = (
        "_tokenizer_json",
        "_special",
        "_layout",
        "_emotions",
        "_choice_scores",
        "_choice_prior",
    )

    # The modalities are named by their parts, and numbers are not filled.
    modalities: ClassVar[str] = "auto"
    impute: ClassVar[str] = "mean"

    _parameter_constraints: dict = PARAMETERS

    def _criterion(self) -> torch.nn.Module:
        return OwnLoss()

    @property
    def _n_outputs(self) -> int:
        return len(self._plan.choices)

    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None, aux: Any = None
    ) -> Self:
        """Train the net, on one corpus or on several together.

        Parameters
        ----------
        X : DataFrame, Series or list of shape (n_samples,)
            Texts, one column; beside them, as far as there are any, one column of frames for audio
            and one for video (or numbers, each row one frame). The rows of a dialogue stand in its
            order. Other columns are not used.
        y : array-like of shape (n_samples,)
            The labels of X.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sample of X in the loss; those of `aux` weigh 1.
        groups : array-like of shape (n_samples,), default=None
            Group of each sample of X, kept together when samples are held out for early stopping.
            None looks for `group_column`, for the index level ``group``, then for dialogues.
        aux : tuple (X, y) or list of such tuples, default=None
            Further corpora, of the same or the other kind of label: numbers are scores between -3
            and 3, all else are emotions. They need not have all modalities.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError
            If a score is outside of -3 to 3, a polarity is an unknown word, a label word is unknown
            to the tokenizer, X has no column of texts, the model is no T5, a named column is not
            there, or for the reasons of `SequenceClassifier`.
        ImportError
            If transformers is missing.

        Warns
        -----
        UserWarning
            If the polarity of an emotion is not known, texts are cut, and as in
            `SequenceClassifier`.
        NotSpeakerIndependentWarning
            If samples are held out and there are neither groups nor dialogues.
        """
        corpora = [make_corpus(self, X, y, emotional=self._emotional, groups=groups)]
        for other_X, other_y in aux_pairs(aux):
            corpora.append(make_corpus(self, other_X, other_y, emotional=None, main=False))
        check_polarity_column(self.polarity_column, corpora)
        weight = sample_weight
        if sample_weight is not None:
            ones = np.ones(sum(map(len, corpora[1:])))
            weight = np.concatenate([self._weights_of_rows(corpora[0].X, sample_weight), ones])
        self._corpora = corpora
        try:
            rows = pd.DataFrame(index=row_names(corpora))
            return super().fit(rows, corpora[0].y, weight, joined_groups(corpora))
        finally:
            vars(self).pop("_corpora", None)
            vars(self).pop("_plan", None)

    # Reading.

    def _read(self, X: Any, *, reset: bool) -> FrameTable:
        if not reset:
            part = self._read_part(X, reset=False, must=True)
            signals = [name for name in self.modalities_ if name != TEXT]
            table = join_parts([part], self._tokens_of([part]), signals, part.X.index)
            # A signal that no row has shows no width.
            table.widths = {name: n or self.n_dims_[name] for name, n in table.widths.items()}
            return settle_modalities(self, table, reset=False, widths=self.n_dims_)
        for number, corpus in enumerate(self._corpora):
            corpus.part = self._read_part(
                corpus.X, reset=number == 0, main=number == 0, must=number == 0
            )
        parts = [corpus.part for corpus in self._corpora if corpus.part is not None]
        warn_of_unread(parts, self._signals, [self.text, self.audio, self.video])
        if not self._goes_on:
            self._learn_tokenizer(parts)
        known = self.n_dims_ if self._goes_on else None
        wanted = [name for name in self._signals if any(name in part.cells for part in parts)]
        if known is not None:
            wanted = [name for name in known if name != TEXT]
        table = join_parts(parts, self._tokens_of(parts), wanted, row_names(self._corpora))
        return settle_modalities(self, table, reset=True, widths=known)

    @property
    def _signals(self) -> list[str]:
        """The modalities beside the text that are to be read."""
        chosen = {self.audio: self.use_audio, self.video: self.use_video}
        return [name for name, use in chosen.items() if use]

    def _read_part(self, X: Any, *, reset: bool, must: bool, main: bool = True) -> Part:
        # Labels are there in training only, so that they are no column of the samples.
        X = without_column(as_pandas(X), self.polarity_column)
        if main:
            X = as_table(as_fitted(self, X, reset=reset))
            validate_data(self, X, skip_check_array=True, reset=reset)
        if len(X) == 0:
            raise ValueError(
                f"Found array with 0 sample(s) (shape={X.shape}) while a minimum of 1 is required "
                f"by {type(self).__name__}."
            )
        known = self.n_dims_ if hasattr(self, "n_dims_") and (not reset or self._goes_on) else {}
        return read_part(
            X,
            text=self.text,
            signals=self._signals,
            dialogue_column=self.dialogue_column,
            must=must,
            widths=known,
        )

    def _tokens_of(self, parts: Sequence[Part]) -> list[Floats32]:
        tokenizer = read_tokenizer(str(self._tokenizer_json[0]))
        special = [int(each) for each in self._special]
        end = special[1]
        prefix = encode(tokenizer, self.prefix) if self.prefix else []
        room = self.max_length - len(prefix) - 1
        found: list[Floats32] = []
        cut = 0
        for part in parts:
            texts = [encode_transcript(tokenizer, text or "", special) for text in part.texts]
            cut += sum(len(tokens) > room for tokens in texts)
            windows = context_windows(
                part.dialogues, len(part), self.context_before, self.context_after
            )
            found += [
                window_tokens(
                    texts, row, window, prefix=prefix, end=end, max_length=self.max_length
                )
                for row, window in enumerate(windows)
            ]
        if cut:
            warn_user(
                f"{cut} text(s) have more than {room} tokens, of which the first {room} are read. "
                "Raise max_length to read all."
            )
        return found

    def _dataset(self, table: FrameTable, scales: dict[str, Any]) -> LabeledSignals:
        first, spread = {self.audio: self.max_audio}, {self.video: self.max_video}
        limits = {**first, **spread}
        lengths = {
            name: np.minimum(length, limits.get(name, length))
            for name, length in zip(table.names, table.lengths.T, strict=True)
        }
        plan = getattr(self, "_plan", None)
        return LabeledSignals(
            table.cells,
            lengths,
            table.widths,
            scales={name: scale for name, scale in scales.items() if name != TEXT},
            rows=table.rows,
            labels=None if plan is None else plan.labels,
            first=first,
            spread=spread,
        )

    def _learn_frames(self, table: FrameTable, rows: Any, weight: Any) -> None:
        super()._learn_frames(table, rows, weight)
        # Numbers of tokens have no scale.
        self.scales_.pop(TEXT, None)

    # Labels.

    def _hold_out(self, kept: Any, target: Any, groups: Any, seed: int) -> tuple[Any, Any]:
        usable = np.zeros(len(target), dtype=bool)
        usable[kept] = True
        train, valid, self.grouped_ = hold_out_each(
            self._corpora, usable, self.validation_fraction, seed
        )
        self._write_labels(train, kept)
        target[:] = self._plan.numbers
        self._main_rows = kept[kept < len(self._corpora[0])]
        return train, valid

    def _learn_prior(self, target: Any, weight: Any) -> None:
        main = vars(self).pop("_main_rows")
        self._choice_prior = self._plan.prior(main, weight[: len(main)])

    def _write_labels(self, train: Any, kept: Any) -> None:
        """Complete the labels by those of the training rows alone, and write them as tokens."""
        if self.use_universal_labels:
            labeler = default_labeler(self.labeler, self.polarity_map)
            fields, own = complete_labels(self._corpora, train, kept, labeler, self.label_fields)
        else:
            fields, own = own_labels(self._corpora, kept)
        tokenizer = read_tokenizer(str(self._tokenizer_json[0]))
        writer = LabelWriter(tokenizer, int(self._special[1]), os.fspath(self.model))
        classes = [str(each) for each in self.classes_] if self._emotional else []
        self._plan = make_plan(
            self._corpora, fields, own, writer=writer, train=train, classes=classes
        )
        if self._goes_on:
            refuse_other_choices(self.module_params_["choices"], self._plan)
        self._layout = np.array([self._plan.n_fields, self._plan.own_field])
        scores = self._plan.scores
        self._choice_scores = np.zeros(0) if scores is None else scores
        self._emotions = np.array(self._emotion_names(), dtype=object)

    def _emotion_names(self) -> list[str]:
        names = {str(each) for corpus in self._corpora if corpus.emotional for each in corpus.y}
        # Sorted, since the order of a set differs between processes.
        return sorted(names | ({"neutral"} if self.use_universal_labels else set()))

    def _learn_tokenizer(self, parts: Sequence[Part]) -> None:
        if os.fspath(self.model) == TINY:
            texts = [text for part in parts for text in part.texts if text]
            words = [",", ".", "-", *map(str, range(10)), *POLARITIES, *self._emotion_names()]
            made = word_tokenizer([self.prefix, *texts], [*words, "neutral"])
            self._tokenizer_json = np.array([made], dtype=object)
            self._special = np.array([0, 1])
            return
        config = self._config()
        self._tokenizer_json = np.array([folder_tokenizer(self._folder())], dtype=object)
        self._special = np.array([config.get("pad_token_id", 0), config.get("eos_token_id", 1)])

    # The net.

    def _folder(self) -> Path:
        return find_weights(
            self.model, is_folder=True, revision=self.revision, purpose=type(self).__name__
        )

    def _config(self) -> dict[str, Any]:
        if os.fspath(self.model) == TINY:
            size = read_tokenizer(str(self._tokenizer_json[0])).get_vocab_size()
            return tiny_config(size)
        config: dict[str, Any] = read_json(self._folder(), "config.json")
        check_config(config, type(self).__name__, repr(os.fspath(self.model)))
        return config

    def _describe_module(self, dims: dict[str, int], n_outputs: int) -> dict[str, Any]:
        plan = self._plan
        tiny = os.fspath(self.model) == TINY
        if self._goes_on:
            # What can be predicted stays that of the first fit.
            known = self.module_params_
            table = {name: known[name] for name in ("config", "prefixes", "choices", "groups")}
        else:
            table = {
                "config": self._config(),
                "prefixes": plan.prefixes,
                "choices": plan.choices,
                "groups": plan.groups,
            }
        return {
            **table,
            "signal_dims": {name: width for name, width in dims.items() if name != TEXT},
            "n_pmf_layers": self.n_pmf_layers,
            "use_pmf": self.use_pmf,
            "bottleneck": self.bottleneck,
            "pmf_init": self.pmf_init,
            "fused_stacks": list(STACKS[self.pmf_stacks]),
            "av_hidden": self.av_hidden,
            "bidirectional": self.bidirectional,
            "av_dropout": self.av_dropout,
            "contrast_weights": {self.audio: self.alpha, self.video: self.beta},
            "contrast": self.contrast,
            "contrast_temperature": self.contrast_temperature,
            "contrast_layers": self.contrast_layers,
            "finetune_layers": "all" if tiny else self.finetune_layers,
            "crop": self.context_mode == "crop",
            "max_new_tokens": self.max_new_tokens,
        }

    def _prepare_module(self, module: Any, data: Any, groups: Any) -> None:
        if os.fspath(self.model) != TINY:
            folder = self._folder()
            transformers = import_optional(
                "transformers", extra="text", purpose=type(self).__name__
            )
            with loading(folder):
                loaded = load_encoder(
                    folder, transformers.AutoModelForSeq2SeqLM, "cpu", optional=()
                )
            load_t5(module.t5, loaded.state_dict())
        if self.pretrain and module.weights:
            module.contrast_only = True
            net = self._make_net(module, None, 0).set_params(max_epochs=self.pretrain)
            net.partial_fit(data)
            module.contrast_only = False

    @property
    def _rate(self) -> float:
        return self._rates["lr"]

    @property
    def _rates(self) -> dict[str, float]:
        known = TINY_RATES if os.fspath(self.model) == TINY else PAPER_RATES
        return {
            name: float(value if getattr(self, name) is None else getattr(self, name))
            for name, value in known.items()
        }

    def _parameter_groups(self) -> list[tuple[str, dict[str, Any]]]:
        rates = self._rates
        return [
            ("t5.*.unit.*", {"lr": rates["lr_pmf"]}),
            ("t5.*", {"lr": rates["lr_t5"]}),
        ]
