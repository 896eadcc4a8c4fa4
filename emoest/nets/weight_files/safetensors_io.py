"""Files of tensors: one reader and one writer, and what does not fit into a net is named."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import safetensors
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

Net = TypeVar("Net", bound=nn.Module)

_COUNTER = "num_batches_tracked"


def read_safetensors(path: Path, containing: str = "") -> dict[str, Tensor]:
    """Read the tensors of a ``.safetensors`` file.

    Parameters
    ----------
    path : Path
        The file.
    containing : str, default=""
        What the names of the tensors contain that are read.

    Returns
    -------
    state : dict of str to Tensor

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not of this kind, damaged or truncated.
    """
    return _read(path, containing)[0]


def read_metadata(path: Path) -> dict[str, str]:
    """Read what was written beside the tensors of a ``.safetensors`` file, and nothing else.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    metadata : dict of str to str

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not of this kind, damaged or truncated.
    """
    return _read(path, None)[1]


def tensor_names(path: Path) -> list[str]:
    """Names of the tensors of a ``.safetensors`` file, which are not read; see `read_metadata`.

    Examples
    --------
    >>> import tempfile
    >>> tensor_names(save_net(nn.Linear(1, 1), Path(tempfile.mkdtemp()) / "net.safetensors"))
    ['bias', 'weight']
    """
    with _opened(path) as file:
        return sorted(file.keys())


def _read(path: Path, containing: str | None) -> tuple[dict[str, Tensor], dict[str, str]]:
    with _opened(path) as file:
        wanted = () if containing is None else file.keys()
        names = [name for name in wanted if containing in name]
        return {name: file.get_tensor(name) for name in names}, file.metadata() or {}


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    if not path.is_file():
        raise FileNotFoundError(f"There is no file of weights at {str(path)!r}.")
    try:
        with safetensors.safe_open(str(path), framework="pt") as file:
            yield file
    except (OSError, safetensors.SafetensorError) as error:
        raise ValueError(
            f"The safetensors file {str(path)!r} is damaged or truncated ({error})."
        ) from error


def safetensors_path(path: str | os.PathLike[str]) -> Path:
    """Return where a file of weights is to be written; one of another ending is refused.

    Examples
    --------
    >>> safetensors_path("net.safetensors").name
    'net.safetensors'
    """
    path = Path(path).expanduser()
    if path.suffix != ".safetensors":
        raise ValueError(f"{str(path)!r} must end in .safetensors: readers go by that.")
    return path


def write_safetensors(state: Mapping[str, Tensor], path: Path, metadata: dict[str, str]) -> Path:
    """Write tensors to a ``.safetensors`` file.

    Parameters
    ----------
    state : mapping of str to Tensor
        The tensors.
    path : Path
        Where to write.
    metadata : dict of str to str
        What is written beside them, for example the name of the layout.

    Returns
    -------
    path : Path
        The same path.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    """
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {str(path.parent)!r} to save into.")
    save_file(dict(state), str(path), metadata)
    return path


def save_net(net: nn.Module, path: Path) -> Path:
    """Save a net as a ``.safetensors`` file that its loader reads.

    Parameters
    ----------
    net : Module
        The net.
    path : Path
        Where to write.

    Returns
    -------
    path : Path
        The same path.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.

    Examples
    --------
    >>> import tempfile
    >>> from emoest.nets.yamnet import YAMNet, load_yamnet
    >>> path = save_net(YAMNet(n_classes=3), Path(tempfile.mkdtemp()) / "net.safetensors")
    >>> load_yamnet(path).head.out_features
    3
    """
    return write_safetensors(tensors_of(net), path, {"net": type(net).__name__})


def tensors_of(net: nn.Module) -> dict[str, Tensor]:
    """Tensors that make a net: its state without the counters of batch normalization.

    Examples
    --------
    >>> sorted(tensors_of(nn.BatchNorm2d(1)))
    ['bias', 'running_mean', 'running_var', 'weight']
    """
    state = net.state_dict()
    return {name: state[name].contiguous() for name in state if not name.endswith(_COUNTER)}


def fit_state(net: nn.Module, state: Mapping[str, Tensor], where: str) -> None:
    """Load tensors into a net, or name the layer that does not fit and change nothing.

    Parameters
    ----------
    net : Module
        The net.
    state : mapping of str to Tensor
        The tensors. Counters of batch normalization may be missing; they are loaded where the net
        has them.
    where : str
        Where the tensors come from and what they should be, for the error.

    Raises
    ------
    ValueError
        If a tensor is missing, unknown, of another shape or not finite.

    Examples
    --------
    >>> fit_state(nn.Linear(2, 1), {"weight": torch.zeros(1, 2)}, "'a.h5' does not hold a line")
    Traceback (most recent call last):
        ...
    ValueError: 'a.h5' does not hold a line: layer 'bias' is missing.
    """
    check_state(net, state, where)
    # Not strict, since counters may be missing; all else was compared above.
    net.load_state_dict(state, strict=False)


def fitting_net(make: Callable[[], Net], state: Mapping[str, Tensor], where: str) -> Net:
    """Make a net and load tensors into it; its memory is taken only if they fit.

    Parameters
    ----------
    make : callable
        Makes the net, whose sizes may come from the file of the tensors. It is called twice, the
        first time for a net without storage.
    state, where
        See `fit_state`.

    Returns
    -------
    net : Module
        In evaluation mode.

    Raises
    ------
    ValueError
        If a tensor is missing, unknown, of another shape or not finite.

    Examples
    --------
    >>> state = {"weight": torch.ones(1, 2), "bias": torch.zeros(1)}
    >>> fitting_net(lambda: nn.Linear(2, 1), state, "'a.h5' does not hold a line")
    Linear(in_features=2, out_features=1, bias=True)
    >>> fitting_net(lambda: nn.Linear(10**9, 10**9), state, "'a.h5' does not hold a line")
    Traceback (most recent call last):
        ...
    ValueError: 'a.h5' does not hold a line: layer 'weight' has shape (1, 2), the net needs ...
    """
    with torch.device("meta"):
        check_state(make(), state, where)
    net = make()
    net.load_state_dict(state, strict=False)
    return net.eval()


def check_state(net: nn.Module, state: Mapping[str, Tensor], where: str) -> None:
    """Raise if tensors do not fit into a net, which may be without storage; see `fit_state`.

    Examples
    --------
    >>> check_state(nn.Linear(1, 1), {"weight": torch.ones(1, 1), "bias": torch.ones(1)}, "a line")
    """
    expected = {name: tuple(value.shape) for name, value in net.state_dict().items()}
    needed = [name for name in expected if not name.endswith(_COUNTER)]
    problems = [f"layer {name!r} is missing" for name in needed if name not in state]
    for name, value in state.items():
        shape, found = expected.get(name), tuple(value.shape)
        if shape is None and not name.endswith(_COUNTER):
            problems.append(f"layer {name!r} is unknown")
        elif shape is not None and shape != found:
            problems.append(f"layer {name!r} has shape {found}, the net needs {shape}")
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise ValueError(f"{where}: {problems[0]}{more}.")
    check_finite(state, where)


def check_finite(state: Mapping[str, Tensor], where: str) -> None:
    """Raise if tensors hold NaN or infinity, or numbers that are not real.

    Examples
    --------
    >>> check_finite({"bias": torch.tensor([0.0, torch.nan])}, "'a.h5' does not hold a line")
    Traceback (most recent call last):
        ...
    ValueError: 'a.h5' does not hold a line: layer 'bias' holds NaN or infinity.
    """
    for name, value in state.items():
        if value.is_complex() or not bool(torch.isfinite(value).all()):
            raise ValueError(f"{where}: layer {name!r} holds NaN or infinity.")


def as_tensor(values: npt.NDArray[Any]) -> Tensor:
    """Copy numbers into a float32 tensor.

    Examples
    --------
    >>> as_tensor(np.arange(2)).dtype
    torch.float32
    """
    # Copied, as from_numpy shares memory with arrays that may be views of a whole file.
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
