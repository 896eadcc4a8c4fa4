"""What the estimators around the Memory Fusion Network share: aligned steps, the net, losses."""

from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import softmax
from sklearn.utils.validation import check_is_fitted

from emoest.nets.losses.multiplicative import FORMS, FusionLoss, starts_wrong_way
from emoest.nets.mfn import FUSION_NORMS, FUSIONS, GATE_INPUTS, MFN
from emoest.neural._training.classifier import DeepClassifier
from emoest.tables.cells import Frames, check_frames, present_frames, read_frames
from emoest.tables.frames import FrameTable
from emoest.utils import constraints
from emoest.utils._sklearn import Interval, StrOptions
from emoest.utils.warn import warn_user

_SIZES = ("memory_dim", "attention_size", "update_size", "gate_size", "output_size")
_SETTINGS = ("hidden_size", *_SIZES, "dropout", "gate_input", "memory_feedback", "fusion")

NET: dict = {
    "hidden_size": [constraints.POSITIVE_INT, dict],
    **{size: [constraints.POSITIVE_INT] for size in _SIZES},
    "gate_size": [constraints.POSITIVE_INT, dict],
    "dropout": [Interval(Real, 0, 1, closed="left"), dict],
    "gate_input": [StrOptions(set(GATE_INPUTS))],
    "memory_feedback": ["boolean"],
    "fusion": [StrOptions(set(FUSIONS))],
    "fusion_norm": [StrOptions(set(FUSION_NORMS) - {None}), None],
    "resample": [StrOptions({"linear"}), None],
}


class MemoryFusion:
    """The net, and steps that are time-aligned."""

    _module_class = MFN
    _several = True

    def _describe_module(self, dims: dict[str, int], n_outputs: int) -> dict[str, Any]:
        settings = {name: getattr(self, name) for name in (*_SETTINGS, "fusion_norm")}
        return {"input_dims": dict(dims), "n_outputs": n_outputs, **settings}

    def _prepare_table(self, table: FrameTable) -> None:
        align_steps(table, self.resample)


class FusionClassifier(MemoryFusion, DeepClassifier):
    """Classifiers around the net; with a multiplicative loss each modality has a classifier too."""

    _parameter_constraints: dict = {
        **NET,
        **DeepClassifier._parameter_constraints,
        "loss": [StrOptions({"cross_entropy", *FORMS})],
        "beta": [constraints.NON_NEGATIVE_REAL],
        "detach_weights": ["boolean"],
        "margin": [constraints.NON_NEGATIVE_REAL, None],
        "aux_weight": [constraints.NON_NEGATIVE_REAL],
        "mixtures": ["boolean"],
    }

    def _describe_module(self, dims: dict[str, int], n_outputs: int) -> dict[str, Any]:
        heads = None
        if self.loss != "cross_entropy":
            heads = "mixtures" if self.mixtures else "modalities"
        return {**super()._describe_module(dims, n_outputs), "heads": heads}

    def _learn_frames(self, table: FrameTable, rows: Any, weight: Any) -> None:
        super()._learn_frames(table, rows, weight)
        self._warn_of_unlearning(len(self.modalities_), self._n_outputs)

    def _warn_of_unlearning(self, n_modalities: int, n_classes: int) -> None:
        if self.detach_weights or self.loss != "m3er":
            return
        n_heads = 2**n_modalities - 1 if self.mixtures else n_modalities
        if starts_wrong_way(n_heads, n_classes, self.beta):
            bound = (n_heads - 1) / np.log(n_classes)
            warn_user(
                f"detach_weights=False and beta={self.beta}: with {n_classes} classes and "
                f"{n_heads} predictions the loss begins by making the true class less probable. "
                f"Take detach_weights=True, or a beta below {bound:.2f}."
            )

    def _criterion(self) -> torch.nn.Module:
        if self.loss == "cross_entropy":
            return super()._criterion()
        return FusionLoss(
            self.loss,
            self.beta,
            detach_weights=self.detach_weights,
            margin=self.margin,
            aux_weight=self.aux_weight,
        )

    def predict_proba_unimodal(self, X: Any) -> dict[str, npt.NDArray[np.float32]]:
        """Predict the probability of each class from each modality alone.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            The columns of ``fit``.

        Returns
        -------
        proba : dict of str to ndarray of shape (n_samples, n_classes)
            By modality; NaN in a sample that misses it.

        Raises
        ------
        AttributeError
            If the loss trains no classifier of single modalities.
        """
        check_is_fitted(self)
        if self.module_params_["heads"] is None:
            raise AttributeError(
                "predict_proba_unimodal needs a classifier of each modality, and "
                "loss='cross_entropy' trains none. Fit with loss='m3er' or loss='liu'."
            )
        outputs, known = self._outputs(X, "forward")
        shape = (len(known), len(self.modalities_), len(self.classes_))
        proba = np.full(shape, np.nan, dtype=np.float32)
        if known.any():
            proba[known] = softmax(outputs[1][:, : shape[1]], axis=2)
        return {name: proba[:, i] for i, name in enumerate(self.modalities_)}


def align_steps(table: FrameTable, resample: str | None) -> None:
    """Bring the modalities of each sample to one number of steps, or raise.

    Parameters
    ----------
    table : FrameTable
        The table, changed in place.
    resample : {"linear", None}
        How shorter modalities are interpolated to the longest.

    Raises
    ------
    ValueError
        If `resample` is None and a row has modalities of different lengths, or a file of frames
        holds single NaN; the message names the row, and the lengths or the modality.

    Examples
    --------
    >>> import pandas as pd
    >>> from emoest.tables.frames import read_frames_table
    >>> from sklearn.base import BaseEstimator
    >>> X = pd.DataFrame({"a": [np.ones((2, 1))], "b": [np.ones((3, 1))]})
    >>> table = read_frames_table(BaseEstimator(), X, reset=True)
    >>> align_steps(table, "linear")
    >>> table.cells["a"][0].shape, table.lengths.tolist()
    ((3, 1), [[3, 3]])
    """
    if resample is None:
        table.steps("Fusion step by step", instead=", or stretch them with resample='linear'")
        return
    longest = table.lengths.max(axis=1, initial=0)
    for j, (name, cells) in enumerate(table.cells.items()):
        lengths = table.lengths[:, j]
        for row in np.flatnonzero((lengths > 0) & (lengths < longest)):
            where = f"row {table.rows[row]!r}, modality {name!r}"
            frames = read_frames(cells[row], name=where)
            assert frames is not None, "a sample without frames is not interpolated"
            check_frames(frames, table.widths[name], where)
            frames = present_frames(frames)
            cells[row] = interpolate_steps(frames, int(longest[row])) if len(frames) else None
            lengths[row] = longest[row] if len(frames) else 0


def interpolate_steps(frames: Frames, n_steps: int) -> Frames:
    """Interpolate frames linearly to another number of steps; first and last stay.

    Parameters
    ----------
    frames : ndarray of shape (n_frames, n_dims)
        The frames.
    n_steps : int
        How many steps come out.

    Returns
    -------
    frames : ndarray of shape (n_steps, n_dims), dtype float32

    Examples
    --------
    >>> interpolate_steps(np.array([[0.0], [2.0]], "float32"), 3).ravel().tolist()
    [0.0, 1.0, 2.0]
    """
    place = np.linspace(0, len(frames) - 1, n_steps)
    before = np.minimum(place.astype(int), len(frames) - 1)
    after = np.minimum(before + 1, len(frames) - 1)
    share = (place - before)[:, None]
    return (frames[before] * (1 - share) + frames[after] * share).astype(np.float32)
