"""Trunks from outside: files and names of weights, and what stands for a fresh one."""

import os
from pathlib import Path
from typing import Any

from emoest.files.catalogue import WEIGHTS
from emoest.files.weights import find_weights
from emoest.nets.speech_resnet import LAYOUTS
from emoest.nets.weight_files.trunk_weights import TrunkWeights, seen_speakers
from emoest.nets.weight_files.wespeaker import load_wespeaker
from emoest.tables.cells import is_path

NAMES = ("wespeaker-resnet34",)
"""Names of pinned weights that are such backbones."""


def load_speaker_weights(
    name_or_path: str | os.PathLike[str], *, sha256: str | None = None
) -> TrunkWeights:
    """Load a backbone that was trained on speakers.

    Parameters
    ----------
    name_or_path : str or path object
        ``"wespeaker-resnet34"`` (26.5 MB, CC-BY-4.0, fetched once and checked), a file that
        `TrunkWeights.save` wrote (``.safetensors``), or a file of WeSpeaker's ResNet34:
        ``voxceleb_resnet34_LM.onnx``, ``avg_model.pt`` or the zip that holds it.
    sha256 : str, default=None
        Digest that the file must have; a name has its own.

    Returns
    -------
    weights : TrunkWeights
        For ``SpeechResNetClassifier(model=weights)``.

    Raises
    ------
    ValueError
        If there is no such file or name, the digest differs, or the file holds something else.
    ConnectionError
        If a name has to be downloaded and cannot be.

    Notes
    -----
    The public file itself could not be had where this was written; what was tested instead is said
    in `emoest.nets.weight_files.wespeaker`.

    Examples
    --------
    >>> import tempfile
    >>> from emoest.nets.speech_resnet import ResNetTrunk
    >>> path = tempfile.mkdtemp() + "/trunk.safetensors"
    >>> TrunkWeights.of(ResNetTrunk(40, channels=2), speakers=["s1"]).save(path)
    >>> load_speaker_weights(path).seen_groups_
    ['s1']
    """
    # Not from the folder of the environment: `speakers_of_file`, by which leakage is found, reads
    # the path itself.
    path = find_weights(
        name_or_path,
        names=NAMES,
        environment=False,
        sha256=sha256,
        hint=f"A fresh backbone is one of {list(LAYOUTS)}.",
    )
    return TrunkWeights.load(path) if path.suffix == ".safetensors" else load_wespeaker(path)


def is_trained(trunk: Any) -> bool:
    """Check whether a backbone has weights, without reading them.

    Examples
    --------
    >>> is_trained("speaker"), is_trained("trunk.safetensors")
    (False, True)
    """
    return isinstance(trunk, TrunkWeights) or str(trunk) not in LAYOUTS


def find_trunk(trunk: Any) -> tuple[str, TrunkWeights | None]:
    """Layout of a backbone, and its weights where it has some.

    Parameters
    ----------
    trunk : {"speaker", "imagenet"}, str, path object or TrunkWeights
        What users say.

    Returns
    -------
    layout : str
    weights : TrunkWeights or None

    Examples
    --------
    >>> find_trunk("speaker")
    ('speaker', None)
    """
    if not is_trained(trunk):
        return str(trunk), None
    weights = trunk if isinstance(trunk, TrunkWeights) else load_speaker_weights(trunk)
    return weights.layout, weights


def speakers_of_file(trunk: Any) -> list[str | int] | None:
    """Speakers that a backbone given as a file has seen; None where no file is there that says so.

    Examples
    --------
    >>> speakers_of_file("speaker") is None
    True
    """
    if not is_path(trunk) or str(trunk) in {*LAYOUTS, *WEIGHTS}:
        return None
    path = Path(trunk).expanduser()
    return seen_speakers(path) if path.suffix == ".safetensors" and path.is_file() else None
