"""What users of skorch are used to: callbacks that score, names with two underscores."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy.special import softmax
from skorch.callbacks import BatchScoring, EpochScoring
from skorch.exceptions import SkorchException
from skorch.utils import to_numpy

from emoest.utils.messages import listed
from emoest.utils.typing import Array


@dataclass(frozen=True)
class Readout:
    """How the outputs and targets of a net are read where a callback scores them.

    Classes are their numbers in ``classes_``, values are those of `y`.

    Parameters
    ----------
    n_classes : int or None, default=None
        Number of classes; None for values.
    mean, std : float, default=0.0 and 1.0
        What the values were scaled by.

    Examples
    --------
    >>> Readout(2).predict(np.array([[0.1, 0.9], [0.5, 0.2]])).tolist()
    [1, 0]
    >>> Readout(mean=3.0, std=2.0).predict(np.array([[0.5]])).tolist()
    [4.0]
    """

    n_classes: int | None = None
    mean: float = 0.0
    std: float = 1.0

    def probabilities(self, outputs: Array) -> Array:
        """Convert outputs of shape (n_samples, n_classes) to probabilities."""
        proba: Array = softmax(outputs.astype(np.float64), axis=1)
        return proba

    def predict(self, outputs: Array) -> Array:
        """Convert outputs to numbers of classes, or to values."""
        if self.n_classes is not None:
            return outputs.argmax(axis=1)
        return self.target(outputs[:, 0])

    def target(self, target: Array) -> Array:
        """Convert the target of a batch in the same way."""
        if self.n_classes is None:
            return target * self.std + self.mean
        return target.argmax(axis=1) if target.ndim == 2 else target


def adapted(callback: Any, readout: Readout | None) -> Any:
    """Let a copy of a scoring callback read what batches hold: a target and a weight.

    Parameters
    ----------
    callback : skorch.callbacks.Callback
        A copy, which is changed.
    readout : Readout or None
        How targets are read.

    Returns
    -------
    callback : skorch.callbacks.Callback

    Raises
    ------
    ValueError
        If it scores by a name that scikit-learn does not know and every history has.
    """
    if not isinstance(callback, BatchScoring | EpochScoring) or readout is None:
        return callback
    if callback.scoring == "uar":
        raise ValueError(
            "callbacks need not score UAR: history_ has it as 'valid_uar', to be watched with "
            "monitor='valid_uar'. scikit-learn calls it 'balanced_accuracy'."
        )
    callback.target_extractor = functools.partial(
        _extract_target, extract=callback.target_extractor, readout=readout
    )
    return callback


def _extract_target(y: Any, *, extract: Callable[[Any], Any], readout: Readout) -> Any:
    """Take the target of a batch, without the weights of its rows."""
    return readout.target(extract(y[0]))


def joined_outputs(parts: Any) -> Array:
    """Join the outputs of batches.

    Examples
    --------
    >>> import torch
    >>> joined_outputs([torch.zeros(2, 3), torch.ones(1, 3)]).shape
    (3, 3)
    """
    return np.concatenate([to_numpy(part.detach().float()) for part in parts])


@contextmanager
def explained_history_errors(net: Any) -> Iterator[None]:
    """Explain errors of callbacks that watch a score which the history does not have.

    Raises
    ------
    ValueError
        In place of skorch's errors; it says what the history has.
    """
    try:
        yield
    except (KeyError, SkorchException) as error:
        if "not found in history" not in str(error):
            raise
        known = sorted(name for name in net.history[-1] if name not in {"batches", "epoch"})
        said = str(error).strip("\"'").partition(" was not found")[0]
        raise ValueError(
            f"A callback watches {said[:1].lower()}{said[1:]}, which the history does not have. It "
            f"has {listed(known, most=12, quoted=True)}.{_no_validation(net)}"
        ) from error


def _no_validation(net: Any) -> str:
    if net.train_split is not None:
        return ""
    return (
        " Scores that begin with valid_ need rows that are held out (validation_fraction, and "
        "enough rows of each class)."
    )


_HINTS: dict[str, str] = {
    "optimizer": "Set an optimizer with its own parameters: "
    "optimizer=functools.partial(torch.optim.SGD, {rest}=...)",
    "callbacks": "Set callbacks as a whole: callbacks=[('stop', EarlyStopping(patience=3))]",
    "iterator_train": "Batches are made by length; set batch_size",
    "iterator_valid": "Batches are made by length; set batch_size",
    "criterion": "The loss follows from the estimator; set its loss or label_smoothing",
    "train_split": "Set validation_fraction",
    "module": "The net is made by the estimator, whose parameters are those of the net",
}
"""What stands for skorch's names here."""


def explain_name(name: str, known: dict[str, Any]) -> str | None:
    """Explain a name of skorch that an estimator does not have; None where it has it.

    Parameters
    ----------
    name : str
        The name, such as ``"optimizer__momentum"``.
    known : dict
        Parameters of the estimator.

    Returns
    -------
    explanation : str or None

    Examples
    --------
    >>> explain_name("module__hidden_size", {"hidden_size": 64})
    'There is no module__hidden_size: the name is hidden_size.'
    >>> explain_name("hidden_size", {"hidden_size": 64}) is None
    True
    """
    prefix, _, rest = name.partition("__")
    if name in known or hasattr(known.get(prefix), "set_params"):
        return None
    if (rest in known and prefix not in known) or rest in {"lr", "weight_decay"} & known.keys():
        return f"There is no {name}: the name is {rest}."
    hint = _HINTS.get(prefix)
    if hint is None and rest and prefix in known:
        return f"There is no {name}: {prefix}={known[prefix]!r} has no parameters of its own."
    return None if hint is None else f"There is no {name}. {hint.format(rest=rest)}."


class SkorchNames:
    """What makes an estimator explain parameters that skorch has and it has not."""

    def set_params(self, **params: Any) -> Self:
        """Set parameters of the estimator.

        Parameters
        ----------
        **params : dict
            Parameters by name.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError
            If there is no such parameter; for names of skorch (``optimizer__momentum``) the message
            says what stands for them here.
        """
        known = self.get_params(deep=False)  # type: ignore[attr-defined]
        for name in params:
            told = explain_name(name, known)
            if told is not None:
                raise ValueError(told)
        return super().set_params(**params)  # type: ignore[misc]
