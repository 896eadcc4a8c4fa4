"""A trained module outside pickles of modules: plain arrays in, plain arrays out."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from emoest.nets.batches import Scale
from emoest.utils.devices import resolve_device
from emoest.utils.seeds import torch_seed

_LEARNED = (
    "module_params_",
    "dims_",
    "n_features_in_",
    "n_iter_",
    "grouped_",
    "history_",
    "_seen_groups",
)
_ARRAYS = ("classes_", "prior_", "feature_names_in_", "target_scale_")
_TURN = threading.RLock()


class StatefulModule:
    """Pickling through the state dict, and weights in safetensors.

    The pickle holds arrays and the parameters of the module, so that parametrized and weight-normed
    modules survive, and a model fitted on a GPU loads where there is none.
    """

    _module_class: ClassVar[Any]

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())  # type: ignore[misc]
        net = state.pop("net_", None)
        if net is not None:
            state["_module_state"] = _arrays(net.module_)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        arrays = state.pop("_module_state", None)
        super().__setstate__(state)  # type: ignore[misc]
        if arrays is not None:
            self._rebuild(arrays)

    def _rebuild(self, arrays: dict[str, Any]) -> None:
        """Make the module and the net anew and give them the weights."""
        if torch.device(self.device_).type == "cuda" and not torch.cuda.is_available():
            self.device_ = "cpu"
        with seeded_torch(0):
            module = make_module(self._module_class, self.module_params_)
            load_arrays(module, arrays, "the saved model")
            self.net_ = self._make_net(module, None, 0)  # type: ignore[attr-defined]

    def save_weights(self, path: Any) -> None:
        """Save weights, and what is needed to rebuild the net, as safetensors.

        Parameters
        ----------
        path : str or path object
            The file.

        Raises
        ------
        NotFittedError
            If there is nothing to save yet.
        FileNotFoundError
            If there is no such folder.
        """
        from safetensors.numpy import save_file

        check_is_fitted(self)
        if not Path(path).parent.is_dir():
            raise FileNotFoundError(f"There is no folder {str(Path(path).parent)!r} to save into.")
        learned = {name: getattr(self, name) for name in _LEARNED if hasattr(self, name)}
        for name in _ARRAYS:
            if hasattr(self, name):
                array = np.asarray(getattr(self, name))
                learned[name] = {"values": array.tolist(), "dtype": str(array.dtype)}
        arrays = _arrays(self.net_.module_)
        for name, scale in self.scales_.items():
            arrays[f"scale/{name}/mean"], arrays[f"scale/{name}/std"] = scale.mean, scale.std
        for name, means in self.column_means_.items():
            arrays[f"column_means/{name}"] = means
        metadata = {"class": type(self).__name__, "learned": json.dumps(learned, default=str)}
        save_file(arrays, str(path), metadata)

    def load_weights(self, path: Any) -> Any:
        """Load what `save_weights` wrote; the estimator is fitted then.

        The net is built as it was saved, whatever the parameters of this estimator say.

        Parameters
        ----------
        path : str or path object
            The file.

        Returns
        -------
        self : estimator

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file is no safetensors file, or holds weights of another estimator or of another
            shape; the message names the layer.
        """
        metadata, arrays = _read_safetensors(path)
        if metadata.get("class") != type(self).__name__:
            raise ValueError(
                f"{str(path)!r} holds weights of {metadata.get('class', 'something else')}, not of "
                f"{type(self).__name__}."
            )
        for name in [name for name in vars(self) if name.endswith("_")]:
            delattr(self, name)
        learned = json.loads(metadata["learned"])
        for name in learned.keys() & set(_ARRAYS):
            learned[name] = np.asarray(learned[name]["values"], dtype=learned[name]["dtype"])
        vars(self).update(learned)
        self.scales_ = _take_scales(arrays, self.dims_)
        self.column_means_ = {
            name: arrays.pop(f"column_means/{name}")
            for name in self.dims_
            if f"column_means/{name}" in arrays
        }
        self.device_ = resolve_device(self.device)
        self._rebuild(arrays)
        return self


@contextmanager
def seeded_torch(seed: int) -> Iterator[None]:
    """Seed torch inside the block, one thread after the other, and restore its generators.

    Examples
    --------
    >>> before = torch.get_rng_state()
    >>> with seeded_torch(0):
    ...     draw = torch.rand(1)
    >>> torch.equal(torch.get_rng_state(), before)
    True
    """
    with _TURN, torch_seed(seed):
        yield


def make_module(module_class: Any, params: dict[str, Any]) -> torch.nn.Module:
    """Make a module in single precision, whatever torch's default is.

    Examples
    --------
    >>> make_module(torch.nn.Linear, {"in_features": 1, "out_features": 2}).weight.dtype
    torch.float32
    """
    module: torch.nn.Module = module_class(**params).float()
    return module


def plain(value: Any) -> Any:
    """Turn numpy scalars into those of Python, which torch and JSON ask for.

    Examples
    --------
    >>> plain({"hidden_size": np.int64(4), "channels": [np.int64(2)]})
    {'hidden_size': 4, 'channels': [2]}
    """
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return value.item() if isinstance(value, np.generic) else value


def _read_safetensors(path: Any) -> tuple[dict[str, str], dict[str, Any]]:
    from safetensors import SafetensorError, safe_open

    if not Path(path).is_file():
        raise FileNotFoundError(f"There is no file of weights at {str(path)!r}.")
    try:
        with safe_open(str(path), framework="np") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return file.metadata() or {}, arrays
    except SafetensorError as error:
        raise ValueError(f"{str(path)!r} is no sound safetensors file ({error}).") from error


def load_arrays(module: torch.nn.Module, arrays: dict[str, Any], where: str) -> None:
    """Give a module its weights, all of them and nothing else.

    Parameters
    ----------
    module : torch.nn.Module
        The module.
    arrays : dict of str to ndarray
        Weights by name.
    where : str
        Where they come from, for the error.

    Raises
    ------
    ValueError
        If a weight is not there, is not known, or has another shape; the message names the layer.

    Examples
    --------
    >>> load_arrays(torch.nn.Linear(1, 1), {"weight": np.ones((2, 1)), "bias": np.ones(1)}, "file")
    Traceback (most recent call last):
    ...
    ValueError: file does not fit the net: layer 'weight' has shape (2, 1), the net needs (1, 1).
    """
    expected = module.state_dict()
    problems = [f"layer {name!r} is not there" for name in expected if name not in arrays]
    problems += [f"layer {name!r} is not known" for name in arrays if name not in expected]
    problems += [
        f"layer {name!r} has shape {tuple(array.shape)}, the net needs "
        f"{tuple(expected[name].shape)}"
        for name, array in arrays.items()
        if name in expected and tuple(array.shape) != tuple(expected[name].shape)
    ]
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise ValueError(f"{where} does not fit the net: {problems[0]}{more}.")
    module.load_state_dict({name: torch.as_tensor(array) for name, array in arrays.items()})


def _arrays(module: torch.nn.Module) -> dict[str, Any]:
    return {
        name: np.array(value.detach().cpu().numpy(), order="C")
        for name, value in module.state_dict().items()
    }


def _take_scales(arrays: dict[str, Any], dims: dict[str, int]) -> dict[str, Scale]:
    return {
        name: Scale(arrays.pop(f"scale/{name}/mean"), arrays.pop(f"scale/{name}/std"))
        for name in dims
        if f"scale/{name}/mean" in arrays
    }
