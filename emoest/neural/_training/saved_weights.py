"""What a file of `save_weights` says beside its tensors: known names, of known kinds, finite."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sklearn.base import is_classifier, is_regressor

from emoest.nets.batches import Scale
from emoest.nets.weight_files.estimator_files import LARGEST, read_array, read_description
from emoest.utils.messages import listed, short_repr
from emoest.utils.typing import Array

ARRAYS = ("classes_", "class_prior_", "feature_names_in_", "target_scale_")
"""Learned arrays; those of a class of its own are its ``_own_arrays``."""


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < LARGEST


def _are_dims(value: Any) -> bool:
    sizes = list(value.values()) if isinstance(value, dict) else [value]
    return bool(sizes) and all(_is_count(size) and size > 0 for size in sizes)


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(name, str) for name in value)


def _are_epochs(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(epoch, dict) for epoch in value)


LEARNED: dict[str, Callable[[Any], bool]] = {
    "module_params_": lambda value: isinstance(value, dict),
    "modalities_": _are_names,
    "n_dims_": _are_dims,
    "n_features_in_": _is_count,
    "n_iter_": _is_count,
    "grouped_": lambda value: value is None or isinstance(value, bool),
    "history_": _are_epochs,
    "_seen_weight": lambda value: isinstance(value, float) and 0 <= value < np.inf,
    "_seen_groups": lambda value: isinstance(value, list),
}
"""What is saved as JSON, and whether a value can be right."""

_NEEDED = ("module_params_", "modalities_", "n_dims_")


def read_learned(
    text: str,
    where: str,
    *,
    several: bool,
    arrays: tuple[str, ...] = (),
    values: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Read what an estimator learned beside its weights.

    Parameters
    ----------
    text : str
        The JSON that is stored beside the tensors.
    where : str
        Where the text comes from, and what it should be, for the error.
    several : bool
        Whether the estimator reads several modalities.
    arrays, values : tuple of str, default=()
        Names of what the class has beside `ARRAYS` and `LEARNED`.

    Returns
    -------
    learned : dict of str to object
        Attributes by name.

    Raises
    ------
    ValueError
        If the text is damaged, or names other attributes or values than the estimator can have.
    """
    learned = _of_today(read_description(text, where), several=several)
    known_arrays = {*ARRAYS, *arrays}
    unknown = sorted(learned.keys() - LEARNED.keys() - known_arrays - {*values})
    if unknown:
        raise ValueError(f"{where}: it sets {listed(unknown, quoted=True)}, which no fit does.")
    for name in _NEEDED:
        if name not in learned:
            raise ValueError(f"{where}: it has no {name}.")
    for name, value in learned.items():
        if name in known_arrays:
            learned[name] = read_array(value, text, f"{where}: its {name}")
        elif name in LEARNED and not LEARNED[name](value):
            raise ValueError(f"{where}: its {name} cannot be {short_repr(value)}.")
    dims = learned["n_dims_"]
    names = list(dims) if isinstance(dims, dict) else learned["modalities_"][:1]
    if names != learned["modalities_"] or isinstance(dims, dict) != several:
        raise ValueError(f"{where}: its n_dims_ and modalities_ do not belong together.")
    return learned


def _of_today(learned: dict[str, Any], *, several: bool) -> dict[str, Any]:
    """Rename what files of earlier versions call otherwise."""
    dims = learned.pop("dims_", None)
    if isinstance(dims, dict) and _are_dims(dims):
        learned |= {"modalities_": list(dims), "n_dims_": dims if several else sum(dims.values())}
    prior = learned.pop("prior_", None)
    if prior is not None and "classes_" in learned:
        learned["class_prior_"] = prior
    return learned


def check_arrays(estimator: Any, where: str) -> None:
    """Raise if an estimator lacks an array of its kind, or has one that does not fit its net.

    Parameters
    ----------
    estimator : estimator
        With what `read_learned` gave as attributes.
    where : str
        Where the values come from, and what they should be, for the error.

    Raises
    ------
    ValueError
        If so.
    """
    classifier, regressor = is_classifier(estimator), is_regressor(estimator)
    needed = ("classes_", "class_prior_") if classifier else ()
    needed += ("target_scale_",) if regressor else ()
    for name in (*needed, *estimator._own_arrays):
        if not hasattr(estimator, name):
            raise ValueError(f"{where}: it has no {name}.")
    n_outputs = estimator.module_params_.get("n_outputs")
    if n_outputs is not None and needed and n_outputs != estimator._n_outputs:
        raise ValueError(
            f"{where}: its net has {n_outputs} outputs, where {estimator._n_outputs} are needed."
        )
    if classifier:
        classes, prior = estimator.classes_.tolist(), estimator.class_prior_
        known = getattr(estimator, "net_classes_", estimator.classes_).tolist()
        if sorted(set(classes)) != classes or not set(classes) <= set(known):
            raise ValueError(f"{where}: its classes_ cannot be {short_repr(classes)}.")
        if len(prior) != len(classes) or prior.dtype.kind != "f" or (prior < 0).any():
            raise ValueError(f"{where}: its class_prior_ cannot be {short_repr(prior.tolist())}.")
    elif regressor and (len(estimator.target_scale_) != 2 or not estimator.target_scale_[1] > 0):
        raise ValueError(
            f"{where}: its target_scale_ cannot be {short_repr(estimator.target_scale_.tolist())}."
        )


def take_scales(arrays: dict[str, Array], dims: Mapping[str, int], where: str) -> dict[str, Scale]:
    """Take the scales of modalities out of the arrays of a file.

    Raises
    ------
    ValueError
        If one is of another width than the modality, not finite or not positive.

    Examples
    --------
    >>> take_scales({"weight": np.ones(3)}, {"audio": 2}, "a net")
    {}
    """
    scales = {}
    for name, n_dims in dims.items():
        pair = [arrays.pop(f"scale/{name}/{part}", None) for part in ("mean", "std")]
        mean, std = pair
        if mean is None and std is None:
            continue
        if mean is None or std is None or not mean.shape == std.shape == (n_dims,):
            raise ValueError(f"{where}: the scale of {name!r} is not one of {n_dims} dimensions.")
        if not np.isfinite([mean, std]).all() or (std <= 0).any():
            raise ValueError(f"{where}: the scale of {name!r} is not finite and positive.")
        scales[name] = Scale(mean, std)
    return scales


def take_means(arrays: dict[str, Array], dims: Mapping[str, int], where: str) -> dict[str, Array]:
    """Take the means of columns out of the arrays of a file.

    Raises
    ------
    ValueError
        If they are of another width than the modality, or not finite.

    Examples
    --------
    >>> take_means({"column_means/audio": np.ones(2)}, {"audio": 2}, "a net")
    {'audio': array([1., 1.])}
    """
    means = {}
    for name, n_dims in dims.items():
        found = arrays.pop(f"column_means/{name}", None)
        if found is None:
            continue
        if found.shape != (n_dims,) or not np.isfinite(found).all():
            raise ValueError(f"{where}: the means of {name!r} are not {n_dims} finite numbers.")
        means[name] = found
    return means
