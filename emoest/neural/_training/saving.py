"""A trained module outside pickles of modules: plain arrays in, plain arrays out."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from emoest.nets.weight_files.estimator_files import check_net
from emoest.nets.weight_files.safetensors_io import (
    fit_state,
    read_metadata,
    read_safetensors,
    write_safetensors,
)
from emoest.neural._training.saved_weights import (
    ARRAYS,
    LEARNED,
    check_arrays,
    read_learned,
    take_means,
    take_scales,
)
from emoest.utils.devices import resolve_device
from emoest.utils.seeds import TORCH_TURN, torch_seed

_OF_SKLEARN = ("_metadata_request", "_sklearn", "_skl_")


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
        names = (*LEARNED, *self._own_values)
        learned = {name: getattr(self, name) for name in names if hasattr(self, name)}
        for name in (*ARRAYS, *self._own_arrays):
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

    def load_weights(self, path: Any) -> Self:
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
            If the file is no safetensors file, or holds weights of another estimator, of another
            shape or not finite, or attributes that ``fit`` does not set; the message names the
            layer or the attribute. The estimator is then what it was before.
        """
        path = Path(path)
        metadata = read_metadata(path)
        if metadata.get("class") != type(self).__name__:
            raise ValueError(
                f"{str(path)!r} holds weights of {metadata.get('class', 'something else')}, not of "
                f"{type(self).__name__}."
            )
        # All is read into another estimator, since this one may be fitted.
        loaded = type(self)(**self.get_params(deep=False))  # type: ignore[attr-defined]
        loaded._take(metadata.get("learned", ""), read_safetensors(path), path)
        kept = {name: value for name, value in vars(self).items() if name.startswith(_OF_SKLEARN)}
        vars(self).clear()
        vars(self).update(vars(loaded) | kept)
        return self

    def _take(self, text: str, state: dict[str, torch.Tensor], path: Path) -> None:
        """Become what a file says, if its parts belong together."""
        where = f"{str(path)!r} does not hold the weights of a {type(self).__name__}"
        own = {"arrays": self._own_arrays, "values": self._own_values}
        vars(self).update(read_learned(text, where, several=self._several, **own))
        check_arrays(self, where)
        # Of the types of tensors numpy lacks bfloat16.
        arrays = {
            name: (value.float() if value.is_floating_point() else value).numpy()
            for name, value in state.items()
        }
        self.scales_ = take_scales(arrays, self._dims, where)
        self.column_means_ = take_means(arrays, self._dims, where)
        check_net(
            lambda: make_module(self._module_class, self.module_params_),
            self.module_params_,
            {name: state[name] for name in arrays},
            where,
        )
        self.device_ = resolve_device(self.device)
        self._rebuild(arrays)


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


def _arrays(module: torch.nn.Module) -> dict[str, Any]:
    return {
        name: np.array(value.detach().cpu().numpy(), order="C")
        for name, value in module.state_dict().items()
    }


def refuse_another_net(
    then: dict[str, Any],
    modalities_then: list[str],
    now: dict[str, Any],
    modalities_now: list[str],
    *,
    how: str,
) -> None:
    """Raise where training would go on with a net of other parameters or modalities."""
    changes = [
        f"{name} was {then.get(name)!r} and is {now.get(name)!r}"
        for name in {**then, **now}
        if then.get(name) != now.get(name)
    ]
    if modalities_now == modalities_then and not changes:
        return
    changes = changes or [f"modalities were {modalities_then} and are {modalities_now}"]
    raise ValueError(
        f"{how} goes on from the last fit, but the net would be another now: "
        f"{'; '.join(changes)}. {'Set warm_start=False' if 'warm' in how else 'Begin anew by fit'},"
        " or fit data of the same modalities, dimensions and classes."
    )
