"""Files of `FaceCNNClassifier.save_weights`: a net on faces, the names of its classes, its images.

They are read here too, where no estimator is: what such a net says of a face needs neither
scikit-learn nor the estimator's parameters.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from emoest.nets.image_classifier import GRAY_SCALES, ImageClassifier
from emoest.nets.weight_files.estimator_files import (
    check_net,
    net_without_storage,
    read_array,
    read_description,
)
from emoest.nets.weight_files.safetensors_io import (
    read_metadata,
    read_safetensors,
    tensor_names,
)
from emoest.utils.messages import listed, short_repr

WRITER = "FaceCNNClassifier"
"""Class of the estimator whose files these are."""

_LARGEST_SIDE = 4096
_MEANS = "column_means/"


@dataclass(frozen=True)
class FaceClassifierFile:
    """What such a file says, without its tensors.

    Parameters
    ----------
    params : dict
        Parameters of `emoest.nets.image_classifier.ImageClassifier`.
    classes : tuple of str
        Names of the classes that are predicted, in the order of the probabilities.
    places : tuple of int
        Their positions among the outputs of the net.
    n_units : int
        Size of the vector before the last layer.
    seen_groups : tuple
        Groups, such as speakers, on whom the net was trained.
    """

    params: dict[str, Any]
    classes: tuple[str, ...]
    places: tuple[int, ...]
    n_units: int
    seen_groups: tuple[Any, ...] = ()

    def load(self, path: Path) -> ImageClassifier:
        """Load the net of the file, in evaluation mode.

        A tensor that is missing, unknown, of another shape or not finite raises `ValueError`.
        """
        state = {
            name: value
            for name, value in read_safetensors(path).items()
            # What missing numbers of a table are filled with; a face has none.
            if not name.startswith(_MEANS)
        }
        check_net(lambda: ImageClassifier(**self.params), self.params, state, _where(path))
        net = ImageClassifier(**self.params).float().eval()
        # Not strict, since counters of batch normalization may be missing.
        net.load_state_dict(state, strict=False)
        if self.params["model"] == "mini_xception":
            net.net.net = net.net.net.folded()
        return net

    def probabilities(self, logits: Tensor) -> Tensor:
        """Probabilities of `classes`, which add up to 1 where they are some of the net's too."""
        return logits[:, list(self.places)].float().softmax(dim=1)


def read_face_classifier(path: Path) -> FaceClassifierFile:
    """Read what a file of `FaceCNNClassifier.save_weights` says of its net.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    file : FaceClassifierFile

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no safetensors file, damaged, or holds something else.
    """
    metadata = _metadata(path)
    where, text = _where(path), metadata.get("learned", "")
    learned = read_description(text, where)
    arrays = []
    for name in ("net_classes_", "classes_"):
        if name not in learned:
            raise ValueError(f"{where}: it has no {name}.")
        arrays.append(read_array(learned[name], text, f"{where}: its {name}").tolist())
    known, classes = arrays
    if len(set(known)) < len(known) or not classes or not set(classes) <= set(known):
        raise ValueError(f"{where}: its classes_ cannot be {short_repr(classes)}.")
    groups = learned.get("_seen_groups", [])
    if not isinstance(groups, list):
        raise ValueError(f"{where}: its _seen_groups cannot be {short_repr(groups)}.")
    params = learned["module_params_"]
    _check_params(params, len(known), where)
    n_tensors = len(tensor_names(path))
    net = net_without_storage(lambda: ImageClassifier(**params), params, n_tensors, where)
    places = tuple(known.index(name) for name in classes)
    names = tuple(str(name) for name in classes)
    return FaceClassifierFile(params, names, places, net.n_units, tuple(groups))


def _where(path: Path) -> str:
    return f"{str(path)!r} does not hold the weights of a {WRITER}"


def _metadata(path: Path) -> dict[str, str]:
    try:
        metadata = read_metadata(path)
    except ValueError as error:
        raise ValueError(
            f"{error} What {WRITER}(...).fit(X, y).save_weights(path) writes can be read."
        ) from error
    written_by = metadata.get("class")
    if written_by is None:
        raise ValueError(
            f"{_where(path)}: it does not say whose they are, and what the classes are called. "
            "Tensors of a bare net are read with its name, "
            "FaceEmbedder('mini_xception', weights=path) or FaceEmbedder('densenet', weights=path)."
        )
    if written_by != WRITER:
        raise ValueError(
            f"{str(path)!r} holds weights of {written_by}, not of {WRITER}. Read them with "
            f"{written_by}().load_weights(path)."
        )
    return metadata


def _check_params(params: dict[str, Any], n_classes: int, where: str) -> None:
    """Raise for images and outputs that no such net has, before one is made."""
    model, n_channels = params.get("model"), params.get("n_channels")
    if model not in (*GRAY_SCALES, "transformers"):
        told = listed(GRAY_SCALES, quoted=True)
        raise ValueError(f"{where}: its net {short_repr(model)} is none of {told} and encoders.")
    if n_channels not in ((1,) if model in GRAY_SCALES else (1, 3)):
        raise ValueError(f"{where}: images of {model} have no {short_repr(n_channels)} channels.")
    size = params.get("size")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 < size <= _LARGEST_SIDE:
        raise ValueError(f"{where}: its images cannot be {short_repr(size)} pixels high.")
    if params.get("n_outputs") != n_classes:
        raise ValueError(
            f"{where}: its net has {short_repr(params.get('n_outputs'))} outputs for {n_classes} "
            "classes."
        )
