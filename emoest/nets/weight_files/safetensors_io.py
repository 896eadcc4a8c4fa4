"""Files of tensors: what every net of this room asks of a file before it is loaded."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import safetensors
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

Net = TypeVar("Net", bound=nn.Module)

_COUNTER = "num_batches_tracked"


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a ``.safetensors`` file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    state : dict of str to Tensor

    Raises
    ------
    ValueError
        If the file is not of this kind, damaged or truncated.
    """
    try:
        return dict(load_file(path))
    except (OSError, safetensors.SafetensorError) as error:
        raise ValueError(
            f"The safetensors file {str(path)!r} is damaged or truncated ({error})."
        ) from error


def write_safetensors(net: nn.Module, path: Path, form: str) -> Path:
    """Write a net's tensors, without the counters of batch normalization.

    Parameters
    ----------
    net : Module
        The net.
    path : Path
        Where to write.
    form : str
        Name of the layout, kept in the file's metadata.

    Returns
    -------
    path : Path
        The same path.
    """
    save_file(tensors_of(net), path, metadata={"format": form})
    return path


def tensors_of(net: nn.Module) -> dict[str, Tensor]:
    """Tensors that make a net: its state without the counters of batch normalization.

    Examples
    --------
    >>> sorted(tensors_of(nn.BatchNorm2d(1)))
    ['bias', 'running_mean', 'running_var', 'weight']
    """
    state = net.state_dict()
    return {name: state[name].contiguous() for name in state if not name.endswith(_COUNTER)}


def load_state(net: nn.Module, state: Mapping[str, Tensor], path: Path, what: str) -> None:
    """Put tensors into a net, or say which one is not as it should be.

    Parameters
    ----------
    net : Module
        The net.
    state : mapping of str to Tensor
        The tensors; counters of batch normalization are ignored.
    path : Path
        Where they come from, for the error.
    what : str
        What the net is, for the error.

    Raises
    ------
    ValueError
        If a tensor is missing, superfluous or of another shape.

    Examples
    --------
    >>> load_state(nn.Linear(2, 1), {"weight": torch.zeros(1, 2)}, Path("a.h5"), "a line")
    Traceback (most recent call last):
        ...
    ValueError: 'a.h5' does not hold a line: 1 tensors are not as they should be, the first is
    'bias' (expected shape (1,), found None).
    """
    expected = {name: tuple(value.shape) for name, value in tensors_of(net).items()}
    given = {name: value for name, value in state.items() if not name.endswith(_COUNTER)}
    found = {name: tuple(value.shape) for name, value in given.items()}
    differing = [name for name in expected if found.get(name) != expected[name]]
    differing += [name for name in found if name not in expected]
    if differing:
        name = differing[0]
        raise ValueError(
            f"{str(path)!r} does not hold {what}: {len(differing)} tensors are not as they should "
            f"be, the first is {name!r} (expected shape {expected.get(name)}, found "
            f"{found.get(name)})."
        )
    net.load_state_dict(given, strict=False)


def as_tensor(values: npt.NDArray[Any]) -> Tensor:
    """Copy numbers into a float32 tensor.

    Examples
    --------
    >>> as_tensor(np.arange(2)).dtype
    torch.float32
    """
    return torch.from_numpy(np.array(values, dtype=np.float32, order="C"))


def channels_last(net: Net) -> Net:
    """Lay the kernels of convolutions out with channels last; the values stay.

    Examples
    --------
    >>> net = channels_last(nn.Conv2d(2, 2, 3))
    >>> net.weight.is_contiguous(memory_format=torch.channels_last)
    True
    """
    with torch.no_grad():
        for parameter in net.parameters():
            if parameter.ndim == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return net
