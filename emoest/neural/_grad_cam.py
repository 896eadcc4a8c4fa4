"""Grad-CAM: which parts of a face spoke for a class."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sklearn.utils.validation import check_is_fitted
from torch import Tensor
from torch.nn import functional

from emoest.neural._image_cnn import FaceCNNClassifier
from emoest.utils.messages import listed
from emoest.utils.optional import import_optional

Heat = npt.NDArray[np.float32]


def grad_cam(model: FaceCNNClassifier, X: Any, target: Any = None) -> list[Heat | None]:
    """Compute for each image how much its parts spoke for a class.

    The last map of the convolutions is weighted by the mean gradient of the class's score, summed
    over its channels, cut at zero, enlarged to the size of the image and divided by its maximum.

    Parameters
    ----------
    model : FaceCNNClassifier
        Fitted, with a net of convolutions.
    X : DataFrame, Series or list of shape (n_samples,)
        Images and videos, as for ``predict``.
    target : object, default=None
        The class; None takes that which is predicted for each sample.

    Returns
    -------
    heat : list of (ndarray of shape (n_images, size, size), dtype float32, or None)
        For each sample the heat of its images, from 0 to 1 (0 throughout where nothing spoke for
        the class); None where the cell is missing.

    Raises
    ------
    ValueError
        If the net has no map (a vision transformer), or `target` is no class of it.

    References
    ----------
    R. R. Selvaraju, M. Cogswell, A. Das, R. Vedantam, D. Parikh and D. Batra, "Grad-CAM: visual
    explanations from deep networks via gradient-based localization", ICCV 2017.

    Examples
    --------
    >>> face = np.arange(48 * 48, dtype=np.uint16).reshape(48, 48)
    >>> model = FaceCNNClassifier(
    ...     "cnn4_small", max_epochs=1, validation_fraction=None, random_state=0
    ... ).fit([face, face[::-1].copy()], ["calm", "happy"])
    >>> grad_cam(model, [face])[0].shape
    (1, 48, 48)
    """
    check_is_fitted(model)
    module = model.net_.module_
    if module.maps_layer is None:
        raise ValueError(
            f"Grad-CAM reads the last map of convolutions, which model={model.model!r} has not. "
            "Take a convolutional net such as 'cnn4' or 'resnet50'."
        )
    places = _places(model, X, target)
    _, size = model._image
    cells = next(iter(model._read(X, reset=False).cells.values()))
    module.eval()
    heat: list[Heat | None] = []
    for cell, place in zip(cells, places, strict=True):
        if cell is None:
            heat.append(None)
            continue
        pixels = torch.as_tensor(cell, dtype=torch.float32, device=model.net_.device)
        maps, slopes = _maps_and_slopes(module, pixels.reshape(len(cell), -1), int(place))
        heat.append(_heat(maps, slopes, size))
    return heat


def _places(model: FaceCNNClassifier, X: Any, target: Any) -> npt.NDArray[np.intp]:
    """Position among the outputs of the class that is explained, for each sample."""
    if target is None:
        return np.searchsorted(model.net_classes_, model.predict(X))
    if target not in model.net_classes_.tolist():
        raise ValueError(
            f"target={target!r} is no class of the net; it has "
            f"{listed(model.net_classes_, most=10, quoted=True)}."
        )
    return np.full(len(X), np.searchsorted(model.net_classes_, target))


def _maps_and_slopes(module: Any, pixels: Tensor, place: int) -> tuple[Tensor, Tensor]:
    """Last maps of some images, and the gradient of a class's score with respect to them."""
    caught: list[Tensor] = []

    def catch(layer: Any, given: Any, output: Any) -> None:
        caught.append(getattr(output, "last_hidden_state", output))

    handle = module.maps_layer.register_forward_hook(catch)
    try:
        with torch.enable_grad():
            # Frozen layers have no gradient unless their input asks for one.
            logits = module.classify(pixels.requires_grad_())[1]
            slopes = torch.autograd.grad(logits[:, place].sum(), caught[0])[0]
    finally:
        handle.remove()
    return caught[0].detach(), slopes


def _heat(maps: Tensor, slopes: Tensor, size: int) -> Heat:
    weights = slopes.mean(dim=(2, 3), keepdim=True)
    heat = (weights * maps).sum(dim=1, keepdim=True).relu()
    heat = functional.interpolate(heat, (size, size), mode="bilinear")[:, 0]
    largest = heat.amax(dim=(1, 2), keepdim=True)
    scaled: Heat = torch.where(largest > 0, heat / largest, heat).cpu().numpy()
    return scaled


def plot_grad_cam(
    model: FaceCNNClassifier, X: Any, target: Any = None, *, axes: Any = None
) -> list[Any]:
    """Draw what `grad_cam` finds over the first image of each sample.

    Parameters
    ----------
    model, X, target : object
        See `grad_cam`.
    axes : sequence of matplotlib axes, default=None
        One for each sample; None makes a figure.

    Returns
    -------
    axes : list of matplotlib axes

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If `axes` are not one for each sample; see also `grad_cam`.

    Examples
    --------
    >>> face = np.arange(48 * 48, dtype=np.uint16).reshape(48, 48)
    >>> model = FaceCNNClassifier(
    ...     "cnn4_small", max_epochs=1, validation_fraction=None, random_state=0
    ... ).fit([face, face[::-1].copy()], ["calm", "happy"])
    >>> axes = plot_grad_cam(model, [face], "happy")
    >>> axes[0].get_title()
    'happy'
    """
    plt = import_optional("matplotlib.pyplot", extra="plot", purpose="plot_grad_cam")
    heat = grad_cam(model, X, target)
    if axes is None:
        figure = {"figsize": (2.2 * len(heat), 2.4), "squeeze": False, "layout": "constrained"}
        axes = plt.subplots(1, len(heat), **figure)[1][0]
    axes = list(np.ravel(axes))
    if len(axes) != len(heat):
        raise ValueError(f"{len(axes)} axes were given for {len(heat)} samples.")
    titles = model.predict(X) if target is None else [target] * len(heat)
    n_channels, size = model._image
    cells = next(iter(model._read(X, reset=False).cells.values()))
    for ax, cell, hot, title in zip(axes, cells, heat, titles, strict=True):
        ax.set_axis_off()
        ax.set_title(str(title))
        if cell is None:
            continue
        image = np.moveaxis(cell[0].reshape(n_channels, size, size), 0, 2)
        ax.imshow(image[..., 0] if n_channels == 1 else image, cmap="gray")
        ax.imshow(hot[0], cmap="jet", alpha=0.4, vmin=0, vmax=1)
    return axes
