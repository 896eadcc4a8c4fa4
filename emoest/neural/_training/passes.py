"""Training pass by pass: ``partial_fit`` goes on with the net and the optimizer that are there."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar, cast

import numpy as np
import numpy.typing as npt
from sklearn import config_context
from sklearn.utils.metaestimators import available_if

from emoest.neural._training.compiling import compiler_settings
from emoest.neural._training.saving import seeded_torch
from emoest.neural._training.skorch_net import FrameNet, epochs_of
from emoest.utils.state import restored_on_failure

Method = TypeVar("Method", bound=Callable[..., Any])

_MAX_SEED = 2**31


def takes_passes(estimator: Any) -> bool:
    """Check whether an estimator has ``partial_fit``.

    Raises
    ------
    AttributeError
        If it has not; the message says why.
    """
    reason = estimator._no_passes()
    if reason is not None:
        raise AttributeError(f"{type(estimator).__name__} has no partial_fit here: {reason}.")
    return True


def where_passes(method: Method) -> Method:
    """Keep a method from estimators that cannot be trained pass by pass; its type stays."""
    return cast(Method, available_if(takes_passes)(method))


class Passes:
    """What trains a deep estimator by one pass over the rows that it is given."""

    __metadata_request__partial_fit: ClassVar[dict[str, bool]] = {"groups": True}

    net_: Any
    history_: list[dict[str, float]]
    n_iter_: int

    # Set while a pass is trained.
    _passing = False

    def _no_passes(self) -> str | None:
        """Say why this estimator cannot be trained pass by pass; None where it can."""
        return None

    @property
    def _how(self) -> str:
        """What goes on with the net, for errors."""
        return "partial_fit" if self._passing else "warm_start=True"

    def _with_seen(self, target: Any, weight: Any) -> tuple[Any, Any]:
        """Add what stands for the rows of earlier passes, where averages are over all rows."""
        return target, weight

    @contextmanager
    def _pass(self) -> Iterator[None]:
        """Train a pass inside; one that fails leaves the estimator, and its net, as they were."""
        with restored_on_failure(self, when=True), undone_on_failure(getattr(self, "net_", None)):
            self._passing = True
            try:
                yield
            finally:
                del self._passing

    def _train_further(self, train: Any, seed: int) -> None:
        """Train the net that is there for one epoch."""
        net = self.net_
        number = len(getattr(self, "history_", [])) + 1
        # Each pass has an order of its own.
        net.seed = (seed + number) % _MAX_SEED
        _take_settings(net, self)
        with seeded_torch(net.seed), config_context(enable_metadata_routing=False):
            net.partial_fit(train, epochs=1)
        if net.ended == "interrupted":
            raise KeyboardInterrupt
        if net.ended == "diverged":
            raise ValueError(
                f"The loss or the weights of {type(self).__name__} became NaN or infinite in this "
                f"pass; the net is what it was before. Lower lr (now {net.lr}), set gradient_clip, "
                "or look for extreme values in X."
            )
        last = {**epochs_of(net)[-1], "epoch": number}
        self.history_ = [*getattr(self, "history_", []), last]
        self.n_iter_ = number


def _take_settings(net: FrameNet, estimator: Any) -> None:
    """Take what may change between passes: batches, the compiler, and the learning rate."""
    net.batch_size = estimator.batch_size
    net.compiled_by = compiler_settings(estimator.compile)
    if net.lr != estimator._rate:
        for group in net.optimizer_.param_groups:
            group["lr"] *= estimator._rate / net.lr
        net.lr = estimator._rate


@contextmanager
def undone_on_failure(net: FrameNet | None) -> Iterator[None]:
    """Give a net back the weights, the optimizer and the history that it had, if a pass fails."""
    if net is None:
        yield
        return
    module = copy.deepcopy(net.module_.state_dict())
    optimizer = copy.deepcopy(net.optimizer_.state_dict())
    n_epochs, lr = len(net.history), net.lr
    try:
        yield
    except BaseException:
        net.module_.load_state_dict(module)
        net.optimizer_.load_state_dict(optimizer)
        del net.history[n_epochs:]
        net.lr = lr
        raise


def rows_of_prior(
    prior: npt.NDArray[Any], n_seen: float, target: npt.NDArray[Any], weight: npt.NDArray[Any]
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Add one row a class that stands for all rows seen before.

    Parameters
    ----------
    prior : ndarray of shape (n_classes,)
        Share of each class so far.
    n_seen : float
        Weight of all rows seen before.
    target : ndarray of int, shape (n_samples,), or of float, shape (n_samples, n_classes)
        Classes, or proportions of classes, of the new rows.
    weight : ndarray of shape (n_samples,)
        Their weights.

    Returns
    -------
    target, weight : ndarray
        Of n_classes more rows.

    Examples
    --------
    >>> target, weight = rows_of_prior(
    ...     np.array([0.25, 0.75]), 4.0, np.array([0, 0]), np.ones(2)
    ... )
    >>> target.tolist(), weight.tolist()
    ([0, 1, 0, 0], [1.0, 3.0, 1.0, 1.0])
    """
    rows = np.eye(len(prior)) if target.ndim == 2 else np.arange(len(prior))
    return np.concatenate([rows, target]), np.concatenate([prior * n_seen, weight])
