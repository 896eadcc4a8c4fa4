"""A trained module outside pickles of modules: plain arrays in, plain arrays out."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from emoest.nets.batches import Scale
from emoest.nets.weight_files.safetensors_io import (
    fit_state,
    read_metadata,
    read_safetensors,
    write_safetensors,
)
from emoest.utils.devices import resolve_device
from emoest.utils.seeds import TORCH_TURN, torch_seed

_LEARNED = (
    "module_params_",
    "modalities_",
    "n_dims_",
    "n_features_in_",
    "n_iter_",
    "grouped_",
    "history_",
    "_seen_groups",
)
_ARRAYS = ("classes_", "class_prior_", "feature_names_in_", "target_scale_")


class StatefulModule:
    """Pickling through the state dict, and weights in safetensors.

    The pickle holds arrays and the parameters of the module, so that parametrized and weight-normed
    modules survive, and a model fitted on a GPU loads where there is none.
    """

    _module_class: ClassVar[Any]
    _several: ClassVar[bool]
    _own_arrays: ClassVar[tuple[str, ...]] = ()
    _own_values: ClassVar[tuple[str, ...]] = ()

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
        # The initial weights are drawn and replaced, which must not move the user's generator.
        with seeded_torch(0):
            module = make_module(self._module_class, self.module_params_)
            state = {name: torch.as_tensor(array) for name, array in arrays.items()}
            fit_state(module, state, f"The saved {type(self).__name__} does not fit the net")
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
        check_is_fitted(self)
        names = (*_LEARNED, *self._own_values)
        learned = {name: getattr(self, name) for name in names if hasattr(self, name)}
        for name in (*_ARRAYS, *self._own_arrays):
            if hasattr(self, name):
                array = np.asarray(getattr(self, name))
                learned[name] = {"values": array.tolist(), "dtype": str(array.dtype)}
        arrays = _arrays(self.net_.module_)
        for name, scale in self.scales_.items():
            arrays[f"scale/{name}/mean"], arrays[f"scale/{name}/std"] = scale.mean, scale.std
        for name, means in self.column_means_.items():
            arrays[f"column_means/{name}"] = means
        metadata = {"class": type(self).__name__, "learned": json.dumps(learned, default=str)}
        state = {name: torch.as_tensor(array) for name, array in arrays.items()}
        write_safetensors(state, Path(path), metadata)

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
        path = Path(path)
        metadata = read_metadata(path)
        if metadata.get("class") != type(self).__name__:
            raise ValueError(
                f"{str(path)!r} holds weights of {metadata.get('class', 'something else')}, not of "
                f"{type(self).__name__}."
            )
        # An earlier fit may have set what this file does not.
        for name in [name for name in vars(self) if name.endswith("_")]:
            delattr(self, name)
        learned = _of_today(json.loads(metadata["learned"]), several=self._several)
        for name in learned.keys() & {*_ARRAYS, *self._own_arrays}:
            learned[name] = np.asarray(learned[name]["values"], dtype=learned[name]["dtype"])
        vars(self).update(learned)
        arrays = {name: tensor.numpy() for name, tensor in read_safetensors(path).items()}
        self.scales_ = _take_scales(arrays, self.modalities_)
        self.column_means_ = {
            name: arrays.pop(f"column_means/{name}")
            for name in self.modalities_
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
    with TORCH_TURN, torch_seed(seed):
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
    """Convert numpy scalars to those of Python, which torch and JSON ask for.

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


def _of_today(learned: dict[str, Any], *, several: bool) -> dict[str, Any]:
    """Rename what files of earlier versions call otherwise."""
    if "dims_" in learned:
        dims = learned.pop("dims_")
        learned |= {"modalities_": list(dims), "n_dims_": dims if several else sum(dims.values())}
    prior = learned.pop("prior_", None)
    if prior is not None and "classes_" in learned:
        learned["class_prior_"] = prior
    params = learned["module_params_"]
    for name in {"hidden_dims", "n_hidden"} & params.keys():
        params["hidden_size"] = params.pop(name)
    return learned


def _arrays(module: torch.nn.Module) -> dict[str, Any]:
    return {
        name: np.array(value.detach().cpu().numpy(), order="C")
        for name, value in module.state_dict().items()
    }


def _take_scales(arrays: dict[str, Any], modalities: list[str]) -> dict[str, Scale]:
    return {
        name: Scale(arrays.pop(f"scale/{name}/mean"), arrays.pop(f"scale/{name}/std"))
        for name in modalities
        if f"scale/{name}/mean" in arrays
    }


def refuse_another_net(
    then: dict[str, Any],
    now: dict[str, Any],
    modalities_then: list[str],
    modalities_now: list[str],
) -> None:
    """Raise where ``warm_start`` would go on with a net of other parameters or modalities."""
    changes = [
        f"{name} was {then.get(name)!r} and is {now.get(name)!r}"
        for name in {**then, **now}
        if then.get(name) != now.get(name)
    ]
    if modalities_now == modalities_then and not changes:
        return
    changes = changes or [f"modalities were {modalities_then} and are {modalities_now}"]
    raise ValueError(
        "warm_start=True goes on from the last fit, but the net would be another now: "
        f"{'; '.join(changes)}. Set warm_start=False, or fit data of the same modalities, "
        "dimensions and classes."
    )
