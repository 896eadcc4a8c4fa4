"""What a file of an estimator's `save_weights` says of its net, for all who read such files."""

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from emoest.nets.image_classifier import GRAY_SCALES
from emoest.nets.weight_files.safetensors_io import check_state
from emoest.utils.messages import short_repr
from emoest.utils.typing import Array

Net = TypeVar("Net", bound=nn.Module)

LARGEST = 2**31
"""No net has dimensions of more, and fewer do not overflow."""

_KINDS = "biufUO"


def read_description(text: str, where: str) -> dict[str, Any]:
    """Read what stands beside the tensors of a net, with its parameters by the names of today.

    Parameters
    ----------
    text : str
        The JSON that is stored beside the tensors.
    where : str
        Where the text comes from, and what it should be, for the error.

    Returns
    -------
    learned : dict of str to object
        As it stands there; ``module_params_`` is a dict.

    Raises
    ------
    ValueError
        If the text is damaged, or describes no net.

    Examples
    --------
    >>> read_description('{"module_params_": {"n_hidden": 4}}', "a net")
    {'module_params_': {'hidden_size': 4}}
    """
    try:
        learned = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{where}: what stands beside its tensors is damaged.") from error
    if not isinstance(learned, dict) or not isinstance(learned.get("module_params_"), dict):
        raise ValueError(f"{where}: it does not say what net it is.")
    params = learned["module_params_"]
    for name in {"hidden_dims", "n_hidden"} & params.keys():
        params["hidden_size"] = params.pop(name)
    model = params.get("model")
    if isinstance(model, str) and model in GRAY_SCALES:
        # Earlier versions wrote the name alone, which stood for this scaling of gray values.
        params.setdefault("scale", list(GRAY_SCALES[model]))
    return learned


def read_array(value: Any, text: str, what: str) -> Array:
    """Read an array from a list and the name of a dtype; `text`, which holds them, bounds its size.

    Examples
    --------
    >>> read_array({"values": ["sad"], "dtype": "<U3"}, "...", "its classes").tolist()
    ['sad']
    """
    most = 1000 + 8 * len(text)
    try:
        values, dtype = value["values"], np.dtype(value["dtype"])
        # numpy before 2.1 lets the size of a wide text run over into the negative.
        if dtype.kind in _KINDS and 0 <= dtype.itemsize * len(values) <= most:
            array: Array = np.asarray(values, dtype=dtype)
            if array.ndim == 1 and (array.dtype.kind != "f" or np.isfinite(array).all()):
                return array
    except (TypeError, ValueError, LookupError, OverflowError):
        pass
    raise ValueError(f"{what} cannot be {short_repr(value)}.")


def check_net(
    make: Callable[[], nn.Module],
    params: dict[str, Any],
    state: Mapping[str, Tensor],
    where: str,
) -> None:
    """Raise if the net that a file describes is not that of its tensors; it takes no memory.

    Parameters
    ----------
    make : callable
        Makes the net.
    params : dict
        Its parameters, as the file says.
    state : mapping of str to Tensor
        The tensors of the file.
    where : str
        Where they come from, and what they should be, for the error.

    Raises
    ------
    ValueError
        If a tensor does not fit, or the net cannot be made.
    """
    check_state(net_without_storage(make, params, len(state), where), state, where)


def net_without_storage(
    make: Callable[[], Net], params: dict[str, Any], n_tensors: int, where: str
) -> Net:
    """Make the net that a file of `n_tensors` tensors describes, on torch's device ``meta``.

    Examples
    --------
    >>> from torch import nn
    >>> net = net_without_storage(lambda: nn.Linear(2, 1), {"n_dims": 2}, 2, "a line")
    >>> net.weight.device.type
    'meta'
    """
    _check_layers(params, n_tensors, where)
    try:
        with torch.device("meta"):
            return make()
    except Exception as error:
        raise ValueError(f"{where}: its net cannot be made ({error}).") from error


def _check_layers(params: Any, n_tensors: int, where: str, name: str = "") -> None:
    """Raise where a net would have more layers than there are tensors, however small they are."""
    if isinstance(params, dict):
        for key, value in params.items():
            _check_layers(value, n_tensors, where, str(key))
    elif isinstance(params, list):
        for value in params:
            _check_layers(value, n_tensors, where, name)
    elif isinstance(params, int) and not isinstance(params, bool):
        layers = any(word in name for word in ("layer", "depth", "stage", "block"))
        if abs(params) >= (max(n_tensors, 8) if layers else LARGEST):
            raise ValueError(f"{where}: its net cannot be made with {name}={params}.")
