"""Nets as ONNX: graphs that other programs run, without Python and torch."""

import copy
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from emoest.nets.layers.whole_rows import whole_rows
from emoest.utils.messages import printable
from emoest.utils.optional import import_optional

TOLERANCE = 1e-4
"""Largest difference, relative to the largest output, at which two graphs are one net."""


@dataclass(frozen=True)
class ExportableNet:
    """A net with all that its export needs.

    Parameters
    ----------
    module : Module
        Takes the inputs in their order, and gives one tensor.
    inputs : dict of str to Tensor
        An example of each input.
    axes : dict of str to dict of int to str
        The axes of each input whose length varies, by name; an axis of one name has one length.
    output : str
        Name of the output.
    """

    module: nn.Module
    inputs: Mapping[str, Tensor]
    axes: Mapping[str, Mapping[int, str]]
    output: str

    def export(self, path: Path) -> None:
        """Write the net to `path`, and compare it there with the one in memory.

        Parameters
        ----------
        path : Path
            The file.

        Raises
        ------
        ValueError
            If the operators of ONNX do not allow it, or the file gives other outputs.
        ImportError
            If onnx, onnxscript or onnxruntime is not installed.
        """
        for package in ("onnx", "onnxscript", "onnxruntime"):
            import_optional(package, extra="onnx", purpose="to_onnx")
        labels = {label for axes in self.axes.values() for label in axes.values()}
        dims = {label: torch.export.Dim(label, min=2) for label in labels}
        # The net stays where it is.
        module = copy.deepcopy(self.module).cpu().eval()
        shapes = {
            name: {axis: dims[label] for axis, label in self.axes.get(name, {}).items()}
            for name in self.inputs
        }
        try:
            with _quiet(), whole_rows():
                torch.onnx.export(
                    module,
                    tuple(self.inputs.values()),
                    str(path),
                    input_names=list(self.inputs),
                    output_names=[self.output],
                    dynamic_shapes=tuple(shapes.values()),
                    dynamo=True,
                    # A rewriting of linear layers writes the length of the example into the graph.
                    optimize=False,
                    external_data=False,
                    verbose=False,
                )
        except Exception as error:
            # torch explains at length and names the cause behind this heading.
            cause = str(error).rpartition("## Exception summary")[2].strip().partition("\n")[0]
            raise ValueError(
                f"The net does what the operators of ONNX do not allow ({printable(cause)})."
            ) from error
        self._compare(path, module)

    def _compare(self, path: Path, module: nn.Module) -> None:
        """Run the file at lengths that its export has not seen."""
        runtime = import_optional("onnxruntime", extra="onnx", purpose="to_onnx")
        session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        for factor in (1, 2):
            inputs = {name: self._longer(name, factor) for name in self.inputs}
            with torch.inference_mode(), whole_rows():
                expected = module(*inputs.values()).numpy()
            try:
                (found,) = session.run(None, {n: each.numpy() for n, each in inputs.items()})
            except Exception as error:
                raise ValueError(f"ONNX Runtime cannot run the exported net: {error}") from error
            worst = float(np.abs(found - expected).max())
            if not worst <= TOLERANCE * max(1.0, float(np.abs(expected).max())):
                raise ValueError(f"The exported net gives other outputs (up to {worst:.2g} off).")

    def _longer(self, name: str, factor: int) -> Tensor:
        example = self.inputs[name]
        for axis in self.axes.get(name, {}):
            # Less than a multiple, and even: an encoder may halve its frames.
            extended = torch.cat([example] * factor, dim=axis)
            example = extended.narrow(axis, 0, extended.shape[axis] - 2 * (factor - 1))
        return example


class RowOfFrames(nn.Module):
    """A net of frames, for one row without padding; frames come as the estimator takes them.

    Parameters
    ----------
    net : Module
        Takes frames (n_rows, n_frames, n_dims) and lengths (n_rows,).
    mean, std : ndarray of shape (n_dims,)
        How the estimator scales frames.

    Examples
    --------
    >>> class Sum(nn.Module):
    ...     def forward(self, frames, lengths):
    ...         return frames.sum(1) / lengths
    >>> row = RowOfFrames(Sum(), np.zeros(2, "float32"), np.ones(2, "float32"))
    >>> row(torch.ones(1, 5, 2)).tolist()
    [[1.0, 1.0]]
    """

    mean: Tensor
    std: Tensor

    def __init__(self, net: nn.Module, mean: Any, std: Any) -> None:
        super().__init__()
        self.net = net
        self.register_buffer("mean", torch.as_tensor(mean, dtype=torch.float32))
        self.register_buffer("std", torch.as_tensor(std, dtype=torch.float32))

    def forward(self, frames: Tensor) -> Tensor:
        """Compute the outputs of the net, shape (n_rows, n_outputs)."""
        lengths = torch.full((frames.shape[0],), frames.shape[1], dtype=torch.int64)
        outputs: Tensor = self.net((frames - self.mean) / self.std, lengths)
        return outputs


class ChosenOutput(nn.Module):
    """A net that gives several tensors, and what is taken of them.

    Parameters
    ----------
    net : Module
        The net.
    choose : callable
        Takes what the net gives, gives one tensor.

    Examples
    --------
    >>> net = ChosenOutput(nn.LSTM(2, 3), lambda outputs: outputs[0])
    >>> net(torch.zeros(5, 2)).shape
    torch.Size([5, 3])
    """

    def __init__(self, net: nn.Module, choose: Callable[[Any], Tensor]) -> None:
        super().__init__()
        self.net = net
        self.choose = choose

    def forward(self, inputs: Tensor) -> Tensor:
        """Compute the chosen output."""
        return self.choose(self.net(inputs))


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what the exporter says of its own steps."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
