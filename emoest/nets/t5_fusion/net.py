"""The net of UniMSE: text, summaries of signals, a fused T5, and the loss of its label strings."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from emoest.nets.layers.pooling import frame_mask
from emoest.nets.losses.contrastive import anchored_contrast
from emoest.nets.t5_fusion import decoding
from emoest.nets.t5_fusion.backbones import freeze, fuse_layers, make_t5, n_layers
from emoest.nets.t5_fusion.units import Signals, SignalSummary

TEXT = "text"
IGNORED = -100
"""What stands behind the end of a label among the tokens of a batch."""

_CONTRAST_UNITS = 30


class UniversalLabelNet(nn.Module):
    """Generate a label string from a text and signals that are fused inside the layers of a T5.

    Parameters
    ----------
    config : dict
        Configuration of the T5.
    signal_dims : dict of str to int
        Width of the frames of each signal; may be empty.
    prefixes, choices, groups : list
        What can be predicted, see `emoest.nets.t5_fusion.decoding.ChoiceTable`.
    n_pmf_layers : int, default=3
        Layers of each stack, the last ones, behind whose feed-forward part the signals are fused.
    use_pmf : bool, default=True
        Whether they are fused at all.
    bottleneck, pmf_init
        See `FusionUnit`.
    fused_stacks : sequence of {"encoder", "decoder"}
        Where they are fused.
    av_hidden, bidirectional, av_dropout
        See `SignalSummary`.
    contrast_weights : dict of str to float, default=None
        Weight of the contrastive term of each signal; None or 0 leaves it out.
    contrast, contrast_temperature
        See `emoest.nets.losses.contrastive.anchored_contrast`.
    contrast_layers : int, default=3
        Layers of the encoder, the last ones, at which it is computed.
    finetune_layers : int or "all", default="all"
        How many layers of each stack are trained, the last ones.
    crop : bool, default=True
        Whether the decoder sees only the tokens of the utterance itself, not those around it.
    max_new_tokens : int, default=20
        Longest label that is generated.

    Examples
    --------
    >>> from emoest.nets.t5_fusion.backbones import tiny_config
    >>> net = UniversalLabelNet(
    ...     tiny_config(20), {"audio": 5}, prefixes=[[4, 3], [5, 3]], choices=[[6, 1], [7, 8, 1]]
    ... ).eval()
    >>> frames = {"text": torch.tensor([[[9.0, 1.0], [1.0, 0.0]]]), "audio": torch.ones(1, 4, 5)}
    >>> lengths = {"text": torch.tensor([2]), "audio": torch.tensor([4])}
    >>> net(frames, lengths, torch.tensor([[4, 3, 6, 1]])).shape
    torch.Size([1])
    >>> net.greedy_scores(frames, lengths).shape
    torch.Size([1, 2])
    """

    def __init__(
        self,
        config: dict[str, Any],
        signal_dims: Mapping[str, int],
        prefixes: Sequence[Sequence[int]],
        choices: Sequence[Sequence[int]],
        groups: Sequence[int] | None = None,
        *,
        n_pmf_layers: int = 3,
        use_pmf: bool = True,
        bottleneck: int = 64,
        pmf_init: str = "paper",
        fused_stacks: Sequence[str] = ("encoder", "decoder"),
        av_hidden: int = 64,
        bidirectional: bool = False,
        av_dropout: float = 0.3,
        contrast_weights: Mapping[str, float] | None = None,
        contrast: str = "cosine",
        contrast_temperature: float = 0.1,
        contrast_layers: int = 3,
        finetune_layers: int | str = "all",
        crop: bool = True,
        max_new_tokens: int = 20,
    ) -> None:
        super().__init__()
        t5: Any = make_t5(config)
        self.t5 = t5
        self._check_layers(n_pmf_layers, contrast_layers)
        self.names = list(signal_dims)
        self.n_units = int(t5.config.d_model)
        self.crop = crop
        self.max_new_tokens = max_new_tokens
        self.contrast, self.temperature = contrast, contrast_temperature
        self.weights = {n: w for n, w in (contrast_weights or {}).items() if w and n in self.names}
        self.contrast_only = False
        self.table = decoding.ChoiceTable(prefixes, choices, groups)
        freeze(self.t5, finetune_layers)
        self.signals = Signals()
        for name in ("encoder", "decoder"):
            fuse_layers(
                getattr(self.t5, name),
                self.signals,
                n_fused=n_pmf_layers if use_pmf and name in fused_stacks else 0,
                n_kept=contrast_layers if name == "encoder" and self.weights else 0,
                n_signal=av_hidden * len(self.names),
                bottleneck=bottleneck,
                init=pmf_init,
            )
        summaries = {
            name: SignalSummary(n, av_hidden, bidirectional=bidirectional, dropout=av_dropout)
            for name, n in signal_dims.items()
        }
        self.summaries = nn.ModuleDict(summaries)
        self.anchors = nn.ModuleList(
            nn.Linear(self.n_units, _CONTRAST_UNITS)
            for _ in range(contrast_layers if self.weights else 0)
        )
        self.others = nn.ModuleDict(
            {name: nn.Linear(summaries[name].n_states, _CONTRAST_UNITS) for name in self.weights}
        )

    def _check_layers(self, n_pmf_layers: int, contrast_layers: int) -> None:
        here = n_layers(self.t5)
        for name, asked in (("n_pmf_layers", n_pmf_layers), ("contrast_layers", contrast_layers)):
            if asked > here:
                raise ValueError(
                    f"{name}={asked} is more than the {here} layers that a stack of the model has."
                )

    def encode(
        self, frames: Mapping[str, Tensor], lengths: Mapping[str, Tensor]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Encode texts with the signals fused in, and leave the summaries for the decoder.

        Parameters
        ----------
        frames : dict of str to Tensor of shape (n_rows, n_frames, n_dims)
            ``"text"`` has two columns: the token, and whether it is of the utterance itself.
        lengths : dict of str to Tensor of int, shape (n_rows,)
            Valid tokens or frames of each row; a signal may have none.

        Returns
        -------
        hidden : Tensor of shape (n_rows, n_tokens, d_model)
        mask : Tensor of bool, shape (n_rows, n_tokens)
            The tokens.
        seen : Tensor of bool, shape (n_rows, n_tokens)
            The tokens that the decoder sees.
        """
        tokens, own = frames[TEXT][..., 0].long(), frames[TEXT][..., 1] > 0
        mask = frame_mask(lengths[TEXT], tokens.shape[1])
        # Padding is zeros among frames, whatever number it has among tokens.
        tokens = tokens.masked_fill(~mask, int(self.t5.config.pad_token_id))
        pairs = {name: self.summaries[name](frames[name], lengths[name]) for name in self.names}
        joined = [summary for summary, _ in pairs.values()]
        self.signals.summaries = torch.cat(joined, dim=1) if joined else None
        self.signals.means = {name: mean for name, (_, mean) in pairs.items()}
        hidden = self.t5.encoder(input_ids=tokens, attention_mask=mask.long()).last_hidden_state
        own = own & mask
        whole = ~own.any(dim=1, keepdim=True)
        return hidden, mask, torch.where(whole, mask, own) if self.crop else mask

    def forward(
        self, frames: Mapping[str, Tensor], lengths: Mapping[str, Tensor], labels: Tensor
    ) -> Tensor:
        """Compute the loss of each row: of its label string, in training also of contrast.

        Parameters
        ----------
        frames, lengths
            See `encode`.
        labels : Tensor of int, shape (n_rows, n_tokens)
            The tokens of each label, `IGNORED` behind the end.

        Returns
        -------
        losses : Tensor of shape (n_rows,)
            Their mean is the mean over all tokens of the batch, plus the contrastive terms.
        """
        contrasted = bool(self.weights) and (self.training or self.contrast_only)
        self.signals.kept = [] if contrasted else None
        hidden, mask, seen = self.encode(frames, lengths)
        kept, self.signals.kept = self.signals.kept, None
        losses = hidden.new_zeros(len(hidden)) if self.contrast_only else None
        if losses is None:
            losses = self._label_losses(hidden, seen, labels)
        if kept:
            losses = losses + self._contrast_losses(kept, mask, lengths)
        return losses

    def _label_losses(self, hidden: Tensor, seen: Tensor, labels: Tensor) -> Tensor:
        valid = labels != IGNORED
        logits = decoding.next_logits(self.t5, hidden, seen, labels.masked_fill(~valid, 0))
        each = functional.cross_entropy(
            logits.float().transpose(1, 2), labels, ignore_index=IGNORED, reduction="none"
        )
        per_row = each.sum(dim=1)
        return per_row * len(labels) / valid.sum()

    def _contrast_losses(
        self, kept: Sequence[Tensor], mask: Tensor, lengths: Mapping[str, Tensor]
    ) -> Tensor:
        means = self.signals.means or {}
        total = torch.zeros(len(mask), device=mask.device)
        for layer, project in zip(kept, self.anchors, strict=True):
            anchors = project(_masked_mean(layer, mask))
            for name, weight in self.weights.items():
                total = total + weight * anchored_contrast(
                    anchors,
                    self.others[name](means[name]),
                    lengths[name] > 0,
                    kind=self.contrast,
                    temperature=self.temperature,
                )
        return total

    def embed(self, frames: Mapping[str, Tensor], lengths: Mapping[str, Tensor]) -> Tensor:
        """Compute the mean of the fused encoder states, shape (n_rows, d_model)."""
        hidden, mask, _ = self.encode(frames, lengths)
        return _masked_mean(hidden, mask)

    def greedy_scores(self, frames: Mapping[str, Tensor], lengths: Mapping[str, Tensor]) -> Tensor:
        """Score every choice behind the most probable prefix of each row.

        Returns
        -------
        scores : Tensor of shape (n_rows, n_choices)
            Logarithms of the probability of prefix and choice together.
        """
        hidden, _, seen = self.encode(frames, lengths)
        return self.table.scores(self, hidden, seen, marginal=False)

    def marginal_scores(
        self, frames: Mapping[str, Tensor], lengths: Mapping[str, Tensor]
    ) -> Tensor:
        """Score every choice, summed over the most probable prefix of each group of prefixes."""
        hidden, _, seen = self.encode(frames, lengths)
        return self.table.scores(self, hidden, seen, marginal=True)

    def generate(self, frames: Mapping[str, Tensor], lengths: Mapping[str, Tensor]) -> Tensor:
        """Generate the label of each row greedily, shape (n_rows, max_new_tokens)."""
        hidden, _, seen = self.encode(frames, lengths)
        return decoding.generate(self.t5, hidden, seen, self.max_new_tokens)


def _masked_mean(states: Tensor, mask: Tensor) -> Tensor:
    weight = mask[..., None].to(states.dtype)
    return (states * weight).sum(dim=1) / weight.sum(dim=1).clamp_min(1.0)
