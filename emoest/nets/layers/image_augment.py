"""Random changes of images while training: flip, rotation, shift, zoom, erasing.

Plain functions on tensors; all draws come from one generator, torch's own unless one is given.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class ImageChanges:
    """How far training images are changed; each number is the end of a uniform range.

    Parameters
    ----------
    flip : float, default=0.5
        Probability that an image is mirrored left to right.
    rotation : float, default=10.0
        Largest rotation to either side, in degrees.
    shift : float, default=0.1
        Largest shift in each direction, as a proportion of the side.
    zoom : float, default=0.1
        Largest proportion by which an image is enlarged or made smaller.
    erase : float, default=0.0
        Probability that a rectangle is erased.
    erased_area : float, default=0.2
        Largest proportion of the image that a rectangle covers; the smallest is 0.02.

    Raises
    ------
    ValueError
        If a number is negative, or a proportion or probability above 1.
    """

    flip: float = 0.5
    rotation: float = 10.0
    shift: float = 0.1
    zoom: float = 0.1
    erase: float = 0.0
    erased_area: float = 0.2

    def __post_init__(self) -> None:
        proportions = ("flip", "shift", "zoom", "erase", "erased_area")
        wrong = [name for name in proportions if not 0 <= getattr(self, name) <= 1]
        if not 0 <= self.rotation <= 180:
            wrong.append("rotation")
        if self.zoom == 1:
            wrong.append("zoom")
        if wrong:
            raise ValueError(
                f"{wrong[0]}={getattr(self, wrong[0])} makes no sense: probabilities and "
                "proportions lie between 0 and 1 (zoom below 1), the rotation between 0 and 180 "
                "degrees."
            )


POLICIES = {"standard": ImageChanges(), "strong": ImageChanges(erase=0.5)}
"""``"standard"`` flips, rotates, shifts and zooms; ``"strong"`` erases a rectangle as well."""

_SMALLEST_AREA = 0.02
_LONGEST_RATIO = 3.3


def find_changes(policy: str | Mapping[str, float]) -> ImageChanges:
    """Return the changes that a name or a dict stands for.

    Raises
    ------
    ValueError
        If the name or a key is unknown, or a number makes no sense.

    Examples
    --------
    >>> find_changes("standard").rotation, find_changes({"flip": 0.0}).flip
    (10.0, 0.0)
    """
    if isinstance(policy, str):
        if policy not in POLICIES:
            raise ValueError(f"augment={policy!r} is unknown; choose one of {list(POLICIES)}.")
        return POLICIES[policy]
    try:
        return ImageChanges(**policy)
    except TypeError as error:
        raise ValueError(
            f"augment={dict(policy)} is no set of changes ({error}). It may have flip, rotation, "
            "shift, zoom, erase and erased_area."
        ) from error


def change_images(
    images: Tensor, changes: ImageChanges, generator: torch.Generator | None = None
) -> Tensor:
    """Change each image of a batch at random.

    Parameters
    ----------
    images : Tensor of shape (n_images, n_channels, height, width)
        The images.
    changes : ImageChanges
        How far.
    generator : torch.Generator, default=None
        Of the draws, on the CPU; None takes torch's own.

    Returns
    -------
    changed : Tensor of shape (n_images, n_channels, height, width)
        A new tensor.

    Examples
    --------
    >>> image = torch.arange(4.0).reshape(1, 1, 2, 2)
    >>> only_flip = ImageChanges(flip=1.0, rotation=0.0, shift=0.0, zoom=0.0)
    >>> change_images(image, only_flip).flatten().round().tolist()
    [1.0, 0.0, 3.0, 2.0]
    """
    maps = draw_maps(len(images), changes, generator).to(images)
    changed = warp_images(images, maps)
    if changes.erase == 0:
        return changed
    return erase_rectangles(changed, changes, generator)


def draw_maps(
    n_images: int, changes: ImageChanges, generator: torch.Generator | None = None
) -> Tensor:
    """Draw affine maps from places in the changed image to places in the image.

    Returns
    -------
    maps : Tensor of shape (n_images, 2, 3)
        In the coordinates of `torch.nn.functional.affine_grid`.

    Examples
    --------
    >>> nothing = ImageChanges(flip=0.0, rotation=0.0, shift=0.0, zoom=0.0)
    >>> bool((draw_maps(1, nothing) == torch.eye(2, 3)).all())
    True
    """
    uniform = _uniform(n_images, generator)
    mirrored = 1.0 - 2.0 * (uniform[0] < changes.flip).float()
    angle, across, down, zoom = 2 * uniform[1:] - 1
    angle = angle * math.radians(changes.rotation)
    scale = 1 / (1 + changes.zoom * zoom)
    # Coordinates run from -1 to 1, so a proportion of the side is twice as much.
    across, down = 2 * changes.shift * across, 2 * changes.shift * down
    cos, sin = scale * angle.cos(), scale * angle.sin()
    rows = [mirrored * cos, 0.0 - sin, across, mirrored * sin, cos, down]
    return torch.stack(rows, dim=1).reshape(n_images, 2, 3)


def warp_images(images: Tensor, maps: Tensor) -> Tensor:
    """Resample images by affine maps, bilinear; places outside repeat the edge.

    Examples
    --------
    >>> image = torch.arange(4.0).reshape(1, 1, 2, 2)
    >>> same = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    >>> bool(torch.allclose(warp_images(image, same), image))
    True
    """
    grid = functional.affine_grid(maps, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)


def erase_rectangles(
    images: Tensor, changes: ImageChanges, generator: torch.Generator | None = None
) -> Tensor:
    """Fill a random rectangle in some of the images with the image's mean.

    Area and ratio of the sides are drawn for each rectangle, and its place anywhere that it fits.

    References
    ----------
    Z. Zhong, L. Zheng, G. Kang, S. Li and Y. Yang, "Random erasing data augmentation", AAAI 2020.

    Examples
    --------
    >>> images = torch.rand(8, 1, 20, 20, generator=torch.Generator().manual_seed(0))
    >>> erased = erase_rectangles(images, ImageChanges(erase=1.0))
    >>> bool((erased != images).flatten(1).any(dim=1).all())
    True
    """
    n_images, _, height, width = images.shape
    uniform = _uniform(n_images, generator)
    chosen = uniform[0] < changes.erase
    smallest = min(_SMALLEST_AREA, changes.erased_area)
    area = smallest + uniform[1] * (changes.erased_area - smallest)
    ratio = torch.exp((2 * uniform[2] - 1) * math.log(_LONGEST_RATIO))
    inside = _stretches((area * ratio).sqrt(), uniform[3], height)[:, :, None]
    inside = inside & _stretches((area / ratio).sqrt(), uniform[4], width)[:, None, :]
    erased = (inside & chosen[:, None, None])[:, None].to(images.device)
    return torch.where(erased, images.mean(dim=(1, 2, 3), keepdim=True), images)


def _uniform(n_images: int, generator: torch.Generator | None) -> Tensor:
    """Draw five numbers from 0 to 1 for each image."""
    # torch.compile traces no generator, not even None.
    if generator is None:
        return torch.rand(5, n_images)
    return torch.rand(5, n_images, generator=generator)


def _stretches(proportion: Tensor, place: Tensor, n_places: int) -> Tensor:
    """Say which of `n_places` lie in a stretch of a proportion of them, at a drawn place."""
    widths = (proportion * n_places).round().clamp(1, n_places)
    starts = (place * (n_places - widths + 1)).floor()[:, None]
    places = torch.arange(n_places)
    return (places >= starts) & (places < starts + widths[:, None])
