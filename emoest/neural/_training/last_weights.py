"""What training ends with: averages of the last epochs, fresh statistics of batch normalization."""

from typing import Any

import torch
from skorch.callbacks import Callback
from torch import Tensor

from emoest.nets.batches import BucketedBatches, FrameDataset
from emoest.nets.layers.frame_norm import averaged_statistics
from emoest.neural._training.skorch_net import explained_memory_error, to_device

_SEED = 0x5EED


class AverageLast(Callback):
    """Give the module the average of its weights over the last epochs, when training ends.

    The place of a single epoch that a few held-out rows call the best: the average needs none.
    After a loss that is not finite, or the keyboard, the module keeps what it has.

    Parameters
    ----------
    n_epochs : int
        How many epochs.
    """

    def __init__(self, n_epochs: int):
        self.n_epochs = n_epochs

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Forget an earlier training."""
        self.states_: list[dict[str, Tensor]] = []

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Keep the state of the epoch."""
        state = net.module_.state_dict()
        self.states_.append({name: value.detach().clone() for name, value in state.items()})
        self.states_ = self.states_[-self.n_epochs :]

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Load the average into the module."""
        if self.states_ and net.ended in {"finished", "stopped"}:
            net.module_.load_state_dict(_average(self.states_))
        self.states_ = []


class RefreshStatistics(Callback):
    """Take the statistics of batch normalization anew from the training rows.

    Running averages lag behind weights that still move. Before each validation, and when training
    ends, they are replaced by plain averages over one pass over the training rows, nothing masked
    or dropped.
    """

    def on_epoch_begin(self, net: Any, dataset_train: Any = None, **kwargs: Any) -> None:
        """Remember the training rows."""
        self.rows_: FrameDataset | None = dataset_train
        self.fresh_ = False

    def on_batch_begin(self, net: Any, training: bool = False, **kwargs: Any) -> None:
        """Refresh before the first batch of a validation."""
        if training:
            self.fresh_ = False
        elif not self.fresh_:
            self._refresh(net)

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Refresh once more, as the weights may be those of another epoch, or an average."""
        if getattr(self, "rows_", None) is not None and net.ended != "interrupted":
            self._refresh(net)
        self.rows_ = None

    def _refresh(self, net: Any) -> None:
        refresh_statistics(net.module_, self.rows_, net.batch_size, net.device)
        self.fresh_ = True


def refresh_statistics(module: Any, data: Any, batch_size: int, device: str) -> None:
    """Replace a module's batch statistics by averages over one pass over some rows.

    Parameters
    ----------
    module : torch.nn.Module
        The module, whose mode stays.
    data : FrameDataset
        The training rows.
    batch_size : int
        Rows of a batch.
    device : str
        Where to compute.
    """
    # Batches of random rows: sorted by length, each would have the statistics of its length.
    batches = BucketedBatches(data, batch_size, torch.Generator().manual_seed(_SEED))
    with averaged_statistics(module):
        for rows in batches.rows():
            batch = data.batch(rows)
            with explained_memory_error(batch, device), torch.no_grad():
                module(**to_device(batch[0], device))


def _average(states: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    last = states[-1]
    return {
        name: torch.stack([state[name] for state in states]).mean(dim=0)
        if value.is_floating_point()
        else value
        for name, value in last.items()
    }
