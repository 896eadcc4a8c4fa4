"""What happens between epochs: scores, the best weights, early stopping, the progress bar."""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from skorch.callbacks import Callback, GradientNormClipping
from torch import Tensor

from emoest.neural._training.skorch_habits import Readout, adapted
from emoest.neural._training.skorch_net import DivergedError, TrainingStop
from emoest.utils.progress import progress

Monitor = Callable[[Tensor, Tensor], dict[str, float]]


class ScoreEpoch(Callback):
    """Score the validation rows after each epoch and write the scores into the history.

    Parameters
    ----------
    monitor : callable
        Gives the scores of outputs and targets by name.
    """

    def __init__(self, monitor: Monitor):
        self.monitor = monitor

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Forget an earlier training."""
        self.best_: dict[str, float] = {}

    def on_epoch_end(self, net: Any, dataset_valid: Any = None, **kwargs: Any) -> None:
        """Score what the net kept of the validation batches."""
        if dataset_valid is None:
            return
        outputs, target = (torch.cat(parts) for parts in zip(*net.valid_outputs, strict=True))
        net.valid_outputs.clear()
        for name, value in self.monitor(outputs, target).items():
            net.history.record(f"valid_{name}", value)
            is_best = value > self.best_.get(name, -np.inf)
            # As skorch does for its own scores, for Checkpoint and the like.
            net.history.record(f"valid_{name}_best", bool(is_best))
            if is_best:
                self.best_[name] = value


class KeepBest(Callback):
    """Keep the best state, and give it to the module when training ends.

    The best epoch is that of the highest score, among equals that of the lowest validation loss.
    Without validation rows the last finished epoch is kept, so that a NaN or the keyboard leaves
    sound weights. An epoch that leaves weights of NaN or infinity ends the training.

    Parameters
    ----------
    score : str or None
        Entry of the history that decides, higher is better; None leaves it to the loss.
    """

    def __init__(self, score: str | None):
        self.score = score

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Forget an earlier training."""
        self.best_: tuple[float, ...] = ()
        self.best_epoch_ = 0
        self.state_: dict[str, Tensor] | None = None

    def on_epoch_end(self, net: Any, dataset_valid: Any = None, **kwargs: Any) -> None:
        """Keep the state of the epoch if it is the best.

        Raises
        ------
        DivergedError
            If a weight, or a statistic of batch normalization, is not finite.
        """
        # Statistics of batch normalization too: a net that holds NaN is refused by what loads it.
        if not all(bool(torch.isfinite(each).all()) for each in net.module_.state_dict().values()):
            raise DivergedError
        epoch = len(net.history)
        if dataset_valid is None:
            self._keep(net, epoch)
            return
        last = net.history[-1]
        decisive = [-last["valid_loss"]]
        if self.score is not None:
            decisive.insert(0, last[self.score])
        reached = tuple(-np.inf if np.isnan(value) else float(value) for value in decisive)
        if not self.best_ or reached > self.best_:
            self.best_ = reached
            self._keep(net, epoch)

    def _keep(self, net: Any, epoch: int) -> None:
        # A state_dict holds the parameters themselves, which the next step changes.
        state = net.module_.state_dict()
        self.state_ = {name: value.detach().clone() for name, value in state.items()}
        self.best_epoch_ = epoch

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Load the best state into the module."""
        if self.state_ is not None:
            net.module_.load_state_dict(self.state_)
            self.state_ = None


class Patience(Callback):
    """Stop when the best epoch is long ago.

    Parameters
    ----------
    keeper : KeepBest
        Knows which epoch was the best.
    n_epochs : int or None
        Epochs without a gain before training stops; None never stops.
    """

    def __init__(self, keeper: KeepBest, n_epochs: int | None):
        self.keeper = keeper
        self.n_epochs = n_epochs

    def on_epoch_end(self, net: Any, dataset_valid: Any = None, **kwargs: Any) -> None:
        """Stop if nothing was gained for long.

        Raises
        ------
        TrainingStop
            If so.
        """
        if dataset_valid is None or self.n_epochs is None:
            return
        if len(net.history) - self.keeper.best_epoch_ >= self.n_epochs:
            raise TrainingStop


class EpochBar(Callback):
    """A progress bar over epochs, with the last loss and score beside it.

    Parameters
    ----------
    name : str
        What is being trained.
    """

    def __init__(self, name: str):
        self.name = name

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Show the bar."""
        self.bar_ = progress(net.max_epochs, self.name, 1, leave=True, unit="epoch")

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Move the bar."""
        last = net.history[-1]
        shown = {
            name: f"{value:.3f}"
            for name, value in last.items()
            if name.startswith(("train_", "valid_")) and isinstance(value, float)
        }
        self.bar_.set_postfix(shown)
        self.bar_.update()

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Close the bar where it stands."""
        self.bar_.close()


def make_callbacks(
    monitor: Monitor,
    score: str | None,
    *,
    gradient_clip: float | None,
    bar: str | None,
    own: list[Any] | None,
    readout: Readout | None = None,
    patience: int | None,
    last_weights: Sequence[tuple[str, Callback]] = (),
) -> list[Any]:
    """Make the callbacks of a training, in their order.

    Parameters
    ----------
    monitor : callable
        Of `ScoreEpoch`.
    score : str or None
        Of `KeepBest`.
    gradient_clip : float or None
        Largest norm of the gradient.
    bar : str or None
        Of `EpochBar`; None shows none.
    own : list or None
        The user's, see `own_callbacks`.
    readout : Readout or None, default=None
        How those that score read outputs and targets.
    patience : int or None
        Of `Patience`.
    last_weights : sequence of pairs of a name and a callback, default=()
        What changes the weights after `KeepBest`, see `last_weights`.

    Returns
    -------
    callbacks : list
    """
    keep_best = KeepBest(score)
    callbacks: list[Any] = [("score", ScoreEpoch(monitor)), ("keep_best", keep_best)]
    callbacks.extend(last_weights)
    if gradient_clip is not None:
        callbacks.append(("clip", GradientNormClipping(gradient_clip)))
    if bar is not None:
        callbacks.append(("bar", EpochBar(bar)))
    # Patience raises to end the training, so every other callback sees the last epoch before it.
    return [*callbacks, *own_callbacks(own, readout), ("patience", Patience(keep_best, patience))]


def own_callbacks(callbacks: list[Any] | None, readout: Readout | None = None) -> list[Any]:
    """Copy the user's callbacks, so that training does not change parameters of the estimator.

    Parameters
    ----------
    callbacks : list or None
        skorch callbacks, their classes, or pairs of a name and one of these.
    readout : Readout or None, default=None
        See `make_callbacks`.

    Returns
    -------
    callbacks : list
        Shallow copies: a list that a callback fills is still the user's.

    Raises
    ------
    ValueError
        If something else is among them.

    Examples
    --------
    >>> own_callbacks([EpochBar, "bar"])
    Traceback (most recent call last):
    ...
    ValueError: callbacks holds 'bar', which is no skorch callback. ...
    """
    return [_own_callback(given, readout) for given in callbacks or []]


def _own_callback(given: Any, readout: Readout | None) -> Any:
    named = isinstance(given, tuple) and len(given) == 2
    callback = given[1] if named else given
    if isinstance(callback, Callback):
        callback = adapted(copy.copy(callback), readout)
    elif not (isinstance(callback, type) and issubclass(callback, Callback)):
        raise ValueError(
            f"callbacks holds {callback!r}, which is no skorch callback. Take objects such as "
            "skorch.callbacks.LRScheduler(), or pairs of a name and one."
        )
    return (given[0], callback) if named else callback
