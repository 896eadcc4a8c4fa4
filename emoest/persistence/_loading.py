"""Load what `save_system` wrote: types that are trusted only, and say what differs here."""

import importlib.util
import os
import platform
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

from sklearn.exceptions import InconsistentVersionWarning

import emoest
from emoest.files.catalogue import ENVIRONMENT, WEIGHTS, Package, Url, Weights
from emoest.files.weights import find_in_folder, weights_digest
from emoest.persistence._record import SystemRecord, opened_system, record_of
from emoest.persistence._saving import encoders_of, weights_of
from emoest.persistence._trusted import untrusted_names
from emoest.utils.messages import listed, printable
from emoest.utils.optional import import_optional
from emoest.utils.state import walk_parts
from emoest.utils.versions import version_of
from emoest.utils.warn import warn_user


class SystemDiffersWarning(UserWarning):
    """A system was saved with other versions or weights than are here."""


def load_system(path: str | os.PathLike[str], *, trusted: Sequence[str | type] = ()) -> Any:
    """Load a model that `save_system` wrote.

    Nothing of a file is run before the names of all types in it have been compared with those that
    are trusted: the public estimators of emoest, what skops trusts of scikit-learn and numpy, and
    `trusted`. A file can still name folders and weights: what it does when it predicts is read its
    weights, by name from the hub if they are not here. Folders of caches that the file names are
    forgotten, so that it writes into the one of this machine.

    Parameters
    ----------
    path : str or path object
        The file.
    trusted : sequence of str or type, default=()
        Further types that may be loaded, your own for example. Of trees and forests,
        ``"sklearn.tree._tree.Tree"``: scikit-learn follows the addresses in one without a check, so
        that a crafted file can crash Python. Trust files of people whom you trust.

    Returns
    -------
    model : estimator
        Fitted, as it was saved.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it holds a type that is not trusted (each is named), is damaged, of a later format, not
        a file of `save_system`, or says other weights than its model has.
    ImportError
        If skops is not installed.

    Warns
    -----
    SystemDiffersWarning
        If versions of libraries, or weights of the catalogue or of this machine, are others than
        those that it was saved with; all in one warning.

    See Also
    --------
    read_record : What the file says of itself, without loading it.
    emoest.embeddings.relocate_weights : Say where the weights of its encoders are.
    """
    skops = import_optional("skops.io", extra="keep", purpose="load_system")
    with opened_system(path) as (file, archive):
        record = record_of(archive, path)
        names = [name if isinstance(name, str) else _name_of(name) for name in trusted]
        model = _constructed(skops, file, names, record, path)
    if weights_of(model) != record.weights:
        raise ValueError(
            f"{os.fspath(path)!r} contradicts itself: its record names the weights "
            f"{record.weights}, and its encoders {weights_of(model)}. It was changed after it was "
            "saved; get it again from who made it."
        )
    _forget_places(model)
    differences = [*_versions_that_differ(record), *_weights_that_differ(model)]
    if differences:
        warn_user(
            f"{os.fspath(path)!r} was saved under other conditions, so predictions may differ: "
            f"{'; '.join(differences)}.",
            SystemDiffersWarning,
        )
    return model


def _name_of(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _constructed(
    skops: Any, file: BinaryIO, names: list[str], record: SystemRecord, path: Any
) -> Any:
    """Read the model if all its types are trusted; whatever is wrong with it is a ValueError."""
    shown = repr(os.fspath(path))
    try:
        asked = skops.get_untrusted_types(file=file)
        unknown = untrusted_names(asked, names)
        if not unknown:
            with warnings.catch_warnings():
                # Said once, for all estimators, with the other libraries.
                warnings.simplefilter("ignore", InconsistentVersionWarning)
                return skops.load(file, trusted=asked)
    except Exception as error:
        wrote = record.versions.get("emoest", "unknown")
        raise ValueError(
            f"{shown} cannot be loaded: {type(error).__name__}: {printable(error)}. It is damaged, "
            f"or of a version that differs too much: it was written by emoest {printable(wrote)}, "
            f"this is {version_of('emoest')}."
        ) from error
    trees = [name for name in unknown if name.endswith((".Tree", ".TreePredictor"))]
    hint = (
        " Trees hold addresses that scikit-learn follows without a check, so that a crafted one "
        "crashes Python."
        if trees
        else ""
    )
    raise ValueError(
        f"{shown} holds types that are not trusted: {listed(unknown, most=10)}. Nothing of it was "
        f"loaded.{hint} If you know them and trust who made the file: load_system(path, "
        f"trusted={unknown[:10]})."
    )


def _forget_places(model: Any) -> None:
    """Forget the folders of the machine where it was saved."""
    for part in walk_parts(model):
        if not hasattr(part, "get_params") or isinstance(part, type):
            continue
        for name in ("cache_dir", "memory", "_relocated"):
            if isinstance(vars(part).get(name), str | os.PathLike):
                setattr(part, name, None)


def _versions_that_differ(record: SystemRecord) -> list[str]:
    found = []
    for name, there in record.versions.items():
        here = emoest.__version__ if name == "emoest" else version_of(name)
        here = platform.python_version() if name == "python" else here
        # Patches of Python change no results.
        same = here == there or (name == "python" and _minor(here) == _minor(there))
        if not same:
            here_is = "is not installed here" if here is None else f"here {here}"
            found.append(f"{printable(name)} {printable(there)} there, {here_is}")
    return found


def _minor(version: str | None) -> list[str]:
    return (version or "").split(".")[:2]


def _weights_that_differ(model: Any) -> list[str]:
    """Compare weights with the catalogue and with what lies here; nothing is downloaded."""
    found = []
    for encoder in encoders_of(model):
        name, digest = str(encoder._weights_name()), encoder.weights_digest_
        if name in WEIGHTS:
            found += _differs_from_catalogue(WEIGHTS[name], digest)
            continue
        place = Path(name) if _is_model(Path(name)) else find_in_folder(name)
        if place is None and Path(name).is_absolute():
            found.append(
                f"the weights {printable(name)!r} of {type(encoder).__name__} are not here (put "
                f"them into the folder of {ENVIRONMENT}, or call relocate_weights)"
            )
        elif (
            place is not None
            and _is_model(place)
            and weights_digest(place, encoder.cache_dir) != digest
        ):
            found.append(f"the weights in {str(place)!r} are others (wanted: digest {digest})")
    return list(dict.fromkeys(found))


def _differs_from_catalogue(entry: Weights, digest: str) -> list[str]:
    origin = entry.origin
    if isinstance(origin, Url) and entry.sha256 is not None and entry.sha256 != digest:
        return [f"the weights {entry.name!r} are others in this emoest (digest {entry.sha256})"]
    if isinstance(origin, Package) and importlib.util.find_spec(origin.package) is None:
        return [f"the weights {entry.name!r} are not here (install them: {origin.install})"]
    return []


def _is_model(path: Path) -> bool:
    # A file may name any place: a device never ends, and the folder of all files takes hours.
    return path.is_file() or any((path / name).is_file() for name in ("config.json", "model.bin"))
