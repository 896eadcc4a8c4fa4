"""The nets around the cross-modal Transformer: four pre-training tasks, a class head, a prompt."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from emoest.nets.cross_modal.heads import OutputHead, RegressionHead, WordHead
from emoest.nets.cross_modal.transformer import CrossModalTransformer, states_at

TASKS = {"wwmlm": "text", "mvfr": "face", "mvfc_kl": "face", "mafr": "audio"}
"""Tasks of pre-training, and the modality that each masks."""

SCOPES = ("labels", "vocab")

Tensors = Mapping[str, Tensor]


class PretrainingNet(nn.Module):
    """The Transformer with the heads of pre-training.

    Parameters
    ----------
    vocab_size, dims
        Of `CrossModalTransformer`.
    n_emotions : int or None, default=None
        Classes of the emotion distributions of faces; None has no head for them.
    **sizes
        Other parameters of `CrossModalTransformer`.

    Examples
    --------
    >>> net = PretrainingNet(10, {"audio": 3}, hidden_size=8, n_heads=2)
    >>> frames = {"text": torch.zeros(2, 4, 1), "audio": torch.zeros(2, 5, 3)}
    >>> lengths = {"text": torch.tensor([4, 3]), "audio": torch.tensor([5, 2])}
    >>> net.embed(frames, lengths).shape
    torch.Size([2, 8])
    """

    def __init__(
        self, vocab_size: int, dims: Mapping[str, int], n_emotions: int | None = None, **sizes: Any
    ) -> None:
        super().__init__()
        self.trunk = CrossModalTransformer(vocab_size, dims, **sizes)
        self.n_units = self.trunk.pooler.out_features
        self.word_head = WordHead(self.n_units, vocab_size)
        self.regression = nn.ModuleDict(
            {name: RegressionHead(self.n_units, dims[name]) for name in self.trunk.frames}
        )
        self.emotion_head = None if n_emotions is None else OutputHead(self.n_units, n_emotions)

    def embed(self, frames: Tensors, lengths: Tensors) -> Tensor:
        """Pooled state of [CLS], shape (n_rows, hidden_size); for arguments see the Transformer."""
        states, _ = self.trunk(frames, lengths)
        return self.trunk.pool(states)

    def forward(
        self,
        task: str,
        frames: Tensors,
        lengths: Tensors,
        *,
        selected: Tensor,
        target: Tensor,
        hidden: Tensor | None = None,
    ) -> Tensor:
        """Loss of one task on one batch.

        Parameters
        ----------
        task : {"wwmlm", "mafr", "mvfr", "mvfc_kl"}
            Whole words, audio frames, face frames, or emotion distributions of faces.
        frames, lengths : mapping of str to Tensor
            See `CrossModalTransformer.forward`; the modality of the task is masked already.
        selected : Tensor of bool, shape (n_rows, n_steps)
            Steps of the modality that are predicted; at least one.
        target : Tensor of shape (n_selected,) or (n_selected, n_dims)
            Pieces, frames or distributions of these steps.
        hidden : Tensor of bool, shape (n_rows, n_steps), default=None
            Frames that are zeros, and get the mask vector.

        Returns
        -------
        loss : Tensor
            Mean over steps; over dimensions and classes too, as in the authors' code.
        """
        modality = TASKS[task]
        given = {} if hidden is None else {modality: hidden}
        states, starts = self.trunk(frames, lengths, given)
        chosen = states_at(states, starts[modality], selected)
        if task == "wwmlm":
            logits = self.word_head(chosen, self.trunk.text.words.weight)
            return functional.cross_entropy(logits.float(), target)
        if task == "mvfc_kl":
            assert self.emotion_head is not None, "there are no distributions to learn"
            log_p = self.emotion_head(chosen).float().log_softmax(dim=1)
            return functional.kl_div(log_p, target, reduction="none").mean()
        projection = self.trunk.projection(modality)
        predicted = self.regression[modality](chosen, projection)
        return functional.mse_loss(predicted.float(), target)


class ClassificationNet(nn.Module):
    """The Transformer with a head of classes on the pooled state.

    Parameters
    ----------
    vocab_size, dims
        Of `CrossModalTransformer`.
    n_outputs : int
        Number of classes.
    **sizes
        Other parameters of `CrossModalTransformer`.

    Examples
    --------
    >>> net = ClassificationNet(10, {}, 3, hidden_size=8, n_heads=2)
    >>> net({"text": torch.zeros(2, 4, 1)}, {"text": torch.tensor([4, 3])}).shape
    torch.Size([2, 3])
    """

    def __init__(
        self, vocab_size: int, dims: Mapping[str, int], n_outputs: int, **sizes: Any
    ) -> None:
        super().__init__()
        self.trunk = CrossModalTransformer(vocab_size, dims, **sizes)
        self.n_units = self.trunk.pooler.out_features
        self.head = OutputHead(self.n_units, n_outputs, 2 * self.n_units)

    def embed(self, frames: Tensors, lengths: Tensors) -> Tensor:
        """Pooled state of [CLS], shape (n_rows, hidden_size)."""
        states, _ = self.trunk(frames, lengths)
        return self.trunk.pool(states)

    def forward(self, frames: Tensors, lengths: Tensors) -> Tensor:
        """Logits of shape (n_rows, n_outputs)."""
        logits: Tensor = self.head(self.embed(frames, lengths))
        return logits


class PromptNet(nn.Module):
    """The Transformer with the word head of pre-training, asked for the word at the mask.

    Parameters
    ----------
    vocab_size, dims
        Of `CrossModalTransformer`.
    label_ids : sequence of int
        Piece of the word of each class.
    mask_id : int
        Piece of the mask, one in each text.
    scope : {"labels", "vocab"}, default="labels"
        Whether the outputs are logits among the label words, or their log-probabilities among all
        pieces.
    **sizes
        Other parameters of `CrossModalTransformer`.

    Examples
    --------
    >>> net = PromptNet(10, {}, [6, 7, 8], 4, hidden_size=8, n_heads=2)
    >>> ids = torch.tensor([[2.0, 9.0, 4.0, 3.0]])
    >>> net({"text": ids[..., None]}, {"text": torch.tensor([4])}).shape
    torch.Size([1, 3])
    """

    def __init__(
        self,
        vocab_size: int,
        dims: Mapping[str, int],
        label_ids: Sequence[int],
        mask_id: int,
        scope: str = "labels",
        **sizes: Any,
    ) -> None:
        super().__init__()
        self.trunk = CrossModalTransformer(vocab_size, dims, **sizes)
        self.n_units = self.trunk.pooler.out_features
        self.word_head = WordHead(self.n_units, vocab_size)
        self.scope = scope
        self.mask_id = mask_id
        self.label_ids: Tensor
        self.register_buffer("label_ids", torch.tensor(label_ids), persistent=False)

    def _at_mask(self, frames: Tensors, lengths: Tensors) -> Tensor:
        states, starts = self.trunk(frames, lengths)
        return states_at(states, starts["text"], frames["text"][..., 0] == self.mask_id)

    def embed(self, frames: Tensors, lengths: Tensors) -> Tensor:
        """State of the mask, shape (n_rows, hidden_size)."""
        return self._at_mask(frames, lengths)

    def forward(self, frames: Tensors, lengths: Tensors) -> Tensor:
        """Logits or log-probabilities of the label words, shape (n_rows, n_classes)."""
        states, table = self._at_mask(frames, lengths), self.trunk.text.words.weight
        if self.scope == "labels":
            logits: Tensor = self.word_head(states, table, self.label_ids)
            return logits
        everything = self.word_head(states, table).float().log_softmax(dim=1)
        return everything[:, self.label_ids]


class WordLoss(nn.Module):
    """Negative log-probability of the true label word among all pieces; for ``scope="vocab"``.

    Examples
    --------
    >>> WordLoss()(torch.tensor([[-2.0, -3.0]]), torch.tensor([1]))
    tensor([3.])
    """

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Compare log-probabilities of shape (n_samples, n_classes) with class numbers."""
        return -output.float().gather(1, target[:, None])[:, 0]
