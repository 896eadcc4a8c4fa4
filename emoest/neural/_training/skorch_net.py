"""The skorch net that deep estimators train: weighted loss, length buckets, mixed precision."""

import functools
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sklearn.metrics import accuracy_score, r2_score
from skorch import NeuralNet
from skorch.callbacks import EarlyStopping
from torch import Tensor

from emoest.nets.batches import Batch, BucketedBatches, FrameDataset
from emoest.nets.losses.criteria import predicting
from emoest.neural._training.compiling import compiled, explained_compiler_errors
from emoest.neural._training.skorch_habits import (
    Readout,
    explained_history_errors,
    joined_outputs,
)
from emoest.utils.messages import listed

OPTIMIZERS = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
}
PRECISIONS = ("auto", "float32", "bfloat16")


class TrainingStop(Exception):  # noqa: N818  # a plan, not an error
    """Training ends here as planned."""


class DivergedError(Exception):
    """The loss is NaN or infinite."""


class FrameNet(NeuralNet):
    """A skorch net on `FrameDataset`: what deep estimators keep as ``net_``.

    Parameters
    ----------
    precision : {"float32", "bfloat16"}, default="float32"
        Of the forward pass in training.
    compiled_by : dict, default=None
        Parameters of `torch.compile` for training; None does not compile.
    seed : int, default=0
        Of the order of rows and of crops.
    readout : Readout, default=None
        How callbacks that score read outputs and targets.

    The others are those of `skorch.NeuralNet`; `criterion` gives one value a sample.
    """

    running: Any = None
    """What calls the compiled module while it is trained."""

    def __init__(
        self,
        *args: Any,
        precision: str = "float32",
        compiled_by: dict[str, Any] | None = None,
        seed: int = 0,
        readout: Readout | None = None,
        **kwargs: Any,
    ):
        # Without the cache a callback would predict anew, and find no target.
        super().__init__(*args, use_caching=True, **kwargs)
        self.precision = precision
        self.compiled_by = compiled_by
        self.seed = seed
        self.readout = readout

    def __getstate__(self) -> dict[str, Any]:
        # A callback may pickle the net while it is trained.
        return {**super().__getstate__(), "running": None}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        if self.readout is not None:
            is_classifier = self.readout.n_classes is not None
            tags.estimator_type = "classifier" if is_classifier else "regressor"
        return tags

    @property
    def classes_(self) -> npt.NDArray[np.intp]:
        """Numbers of the classes, for scorers."""
        if self.readout is None or self.readout.n_classes is None:
            raise AttributeError("the net has no classes")
        return np.arange(self.readout.n_classes)

    def predict_proba(self, X: Any) -> npt.NDArray[Any]:
        """Probabilities of the classes, or plain outputs, of the batches that a callback saw."""
        outputs = joined_outputs(predicting(each) for each in self.forward_iter(X))
        known = self.readout is not None and self.readout.n_classes is not None
        return self.readout.probabilities(outputs) if known else outputs

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Numbers of classes, or values, of the batches that a callback saw."""
        outputs = joined_outputs(predicting(each) for each in self.forward_iter(X))
        return outputs if self.readout is None else self.readout.predict(outputs)

    def score(self, X: Any, y: Any) -> float:
        """Accuracy, or R2: what scikit-learn's estimators score by."""
        known = self.readout is not None and self.readout.n_classes is not None
        return float((accuracy_score if known else r2_score)(y, self.predict(X)))

    def get_iterator(self, dataset: FrameDataset, training: bool = False) -> BucketedBatches:
        """Make batches of like length, in random order for training."""
        generator = torch.Generator().manual_seed(self.seed) if training else None
        return BucketedBatches(dataset, self.batch_size, generator)

    def infer(self, x: Any, **fit_params: Any) -> Any:
        """Run the module, in training with mixed precision if asked for."""
        kind = torch.device(self.device).type
        enabled = self.precision == "bfloat16" and self.module_.training
        with torch.autocast(kind, dtype=torch.bfloat16, enabled=enabled):
            if self.running is None:
                return super().infer(x, **fit_params)
            with explained_compiler_errors(type(self.module_).__name__):
                return self.running(**to_device(x, self.device), **fit_params)

    def get_loss(self, y_pred: Any, y_true: Any, X: Any = None, training: bool = False) -> Tensor:
        """Mean of the criterion, weighted by row.

        Raises
        ------
        DivergedError
            If it is not finite in training.
        """
        target, weight = (part.to(self.device) for part in y_true)
        losses: Tensor = self.criterion_(y_pred, target)
        # A batch in which every sample weighs 0 gives a loss of 0, not NaN.
        loss = (losses * weight).sum() / weight.sum().clamp_min(1e-12)
        if training and not torch.isfinite(loss):
            raise DivergedError
        return loss

    def validation_step(self, batch: Batch, **fit_params: Any) -> dict[str, Any]:
        """Compute a validation loss and keep the outputs for the score of the epoch."""
        with explained_memory_error(batch, self.device):
            step: dict[str, Any] = super().validation_step(batch, **fit_params)
        self.valid_outputs.append((predicting(step["y_pred"]).cpu(), batch[1][0]))
        return step

    def train_step(self, batch: Batch, **fit_params: Any) -> dict[str, Any]:
        """Compute the gradient of a batch and change the weights."""
        with explained_memory_error(batch, self.device):
            step: dict[str, Any] = super().train_step(batch, **fit_params)
        return step

    def fit_loop(self, *args: Any, **kwargs: Any) -> "FrameNet":
        """Train until the last epoch, a stop, a NaN or the keyboard; remember which."""
        self.valid_outputs: list[tuple[Tensor, Tensor]] = []
        self.ended = "finished"
        try:
            with (
                explained_history_errors(self),
                compiled(self.module_, self.compiled_by) as self.running,
            ):
                super().fit_loop(*args, **kwargs)
        except TrainingStop:
            self.ended = "stopped"
        except DivergedError:
            self.ended = "diverged"
        except KeyboardInterrupt:
            # skorch's early stopping ends a training by the same exception as the keyboard.
            self.ended = "stopped" if self._stopped_itself() else "interrupted"
        finally:
            self.running = None
        return self

    def _stopped_itself(self) -> bool:
        """Check whether it was skorch's early stopping that raised, not the keyboard."""
        return any(
            isinstance(callback, EarlyStopping) and callback.misses_ >= callback.patience
            for _, callback in self.callbacks_
        )


def optimizer_settings(optimizer: Any, weight_decay: float) -> dict[str, Any]:
    """Convert a name or a class of torch, and the weight decay, to arguments of `FrameNet`.

    Parameters
    ----------
    optimizer : {"adam", "adamw", "sgd"}, class or functools.partial of one
        The optimizer; a partial gives it further parameters.
    weight_decay : float
        Given to the optimizer if it takes any.

    Returns
    -------
    settings : dict of str to object

    Raises
    ------
    ValueError
        If the class is no optimizer, or takes no weight decay and `weight_decay` is not 0; or if a
        partial sets the learning rate or, both, the weight decay.

    Examples
    --------
    >>> optimizer_settings(torch.optim.Rprop, 0.0)
    {'optimizer': <class 'torch.optim.rprop.Rprop'>}
    """
    settings: dict[str, Any] = {}
    if isinstance(optimizer, str):
        settings["optimizer__fused"] = True
        if optimizer == "sgd":
            settings |= {"optimizer__momentum": 0.9, "optimizer__nesterov": True}
        optimizer = OPTIMIZERS[optimizer]
    own: dict[str, Any] = {}
    if isinstance(optimizer, functools.partial):
        own, optimizer = _own_settings(optimizer, weight_decay), optimizer.func
    if not (isinstance(optimizer, type) and issubclass(optimizer, torch.optim.Optimizer)):
        raise ValueError(
            f"optimizer={getattr(optimizer, '__name__', optimizer)} is no optimizer of torch. Take "
            f"{listed(OPTIMIZERS, quoted=True)}, or a class such as torch.optim.NAdam."
        )
    if "weight_decay" in inspect.signature(optimizer).parameters:
        settings["optimizer__weight_decay"] = weight_decay
    elif weight_decay:
        raise ValueError(f"{optimizer.__name__} takes no weight decay; set weight_decay=0.")
    return {"optimizer": optimizer, **settings, **own}


def _own_settings(optimizer: "functools.partial[Any]", weight_decay: float) -> dict[str, Any]:
    """Parameters of a partial optimizer, under skorch's names."""
    twice = [name for name in ("lr", "params", "param_groups") if name in optimizer.keywords]
    if weight_decay and "weight_decay" in optimizer.keywords:
        twice.append("weight_decay")
    if twice or optimizer.args:
        what = f"{twice[0]}, which the estimator sets" if twice else "parameters without a name"
        raise ValueError(
            f"optimizer is a functools.partial with {what}. Set lr= and weight_decay= of the "
            "estimator, and others by name."
        )
    return {f"optimizer__{name}": value for name, value in optimizer.keywords.items()}


def explain_end(net: FrameNet, name: str, kept: int) -> str | None:
    """Explain why training ended if that was not planned, and what it leaves.

    Parameters
    ----------
    net : FrameNet
        The net after ``fit``.
    name : str
        Name of the estimator.
    kept : int
        Epoch whose weights the module has, 0 if none was finished.

    Returns
    -------
    notice : str or None
        None if training ended as planned.

    Raises
    ------
    ValueError
        If there are no sound weights.
    """
    if net.ended in {"finished", "stopped"}:
        return None
    if net.ended == "interrupted":
        weights = f"the weights of epoch {kept}" if kept else "the weights of that moment"
        return (
            f"Training was interrupted in epoch {len(net.history)}; {name} keeps {weights}. fit "
            "with warm_start=True goes on from there."
        )
    if not kept:
        raise ValueError(
            f"The loss or the weights of {name} became NaN or infinite in the first epoch. Lower "
            f"lr (now {net.lr}), set gradient_clip, or look for extreme values in X; "
            "normalize='zscore' scales them."
        )
    return (
        f"The loss or the weights became NaN or infinite in epoch {len(net.history)}; {name} keeps "
        f"the weights of epoch {kept}. Lower lr (now {net.lr})."
    )


def epochs_of(net: FrameNet) -> list[dict[str, float]]:
    """List number, seconds and all scores of each finished epoch, those of callbacks too."""
    return [
        {"epoch": row["epoch"], "seconds": row["dur"], **_scores(row)}
        for row in net.history
        if "dur" in row
    ]


def _scores(row: dict[str, Any]) -> dict[str, float]:
    return {
        name: float(value)
        for name, value in row.items()
        if isinstance(value, float | np.floating) and name != "dur"
    }


@contextmanager
def explained_memory_error(batch: Batch, device: str) -> Iterator[None]:
    """Convert torch's out-of-memory errors to one that names the batch and what to lower.

    Raises
    ------
    MemoryError
        If memory ran out.
    """
    try:
        yield
    except RuntimeError as error:
        short = isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)
        if not short:
            raise
        lengths = batch[0]["lengths"]
        lengths = list(lengths.values()) if isinstance(lengths, dict) else [lengths]
        longest = max(int(each.max()) for each in lengths)
        raise MemoryError(
            f"Out of memory on {device} at a batch of {len(lengths[0])} row(s), the longest of "
            f"{longest} frames. Lower batch_size, or cut long rows into parts."
        ) from error


def predict_rows(module: Any, data: FrameDataset, batch_size: int, device: str, method: str) -> Any:
    """Run a method of a module on every row, in batches of like length, in the order of the rows.

    Parameters
    ----------
    module : torch.nn.Module
        The module.
    data : FrameDataset
        The rows.
    batch_size : int
        Rows of a batch.
    device : str
        Where to compute.
    method : str
        ``"forward"`` or ``"embed"``, or another that takes frames and lengths.

    Returns
    -------
    outputs : ndarray of shape (n_samples, ...), or a tuple of them
        float32.
    """
    module.eval()
    batches = BucketedBatches(data, batch_size)
    order, parts = [], []
    for rows in batches.rows():
        batch = data.batch(rows)
        with explained_memory_error(batch, device), torch.inference_mode():
            output = getattr(module, method)(**to_device(batch[0], device))
        parts.append(output if isinstance(output, tuple) else (output,))
        order.extend(rows)
    back = torch.argsort(torch.tensor(order))
    joined = [
        torch.cat([part[i].float().cpu() for part in parts])[back].numpy()
        for i in range(len(parts[0]))
    ]
    return tuple(joined) if isinstance(output, tuple) else joined[0]


def to_device(value: Any, device: str) -> Any:
    """Move a tensor, or a dict of them, to a device."""
    if isinstance(value, dict):
        return {name: to_device(part, device) for name, part in value.items()}
    return value.to(device)
