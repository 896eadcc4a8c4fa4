"""The folders of what emoest keeps, and nothing that takes time to load."""

import os
from pathlib import Path

from emoest.files.catalogue import ENVIRONMENT as WEIGHTS_ENVIRONMENT
from emoest.utils.warn import warn_user

ENVIRONMENT = "EMOEST_CACHE"

STORE = "store"
"""The folder of the store, in that which `cache_folder` names."""

CacheDir = str | os.PathLike[str] | bool | None

_warned: set[Path] = set()


def cache_folder(cache_dir: CacheDir = None) -> Path:
    """Return the folder where emoest keeps what it can make again.

    Parameters
    ----------
    cache_dir : str or path object, default=None
        The folder; None takes the environment variable ``EMOEST_CACHE``, else ``emoest`` under
        ``XDG_CACHE_HOME`` or ``~/.cache``. Looked up at every call.

    Returns
    -------
    folder : Path
        Not necessarily there yet.

    Examples
    --------
    >>> cache_folder("somewhere").name
    'somewhere'
    """
    if isinstance(cache_dir, str | os.PathLike):
        return Path(cache_dir).expanduser()
    named = os.environ.get(ENVIRONMENT)
    if named:
        return Path(named).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "emoest"


def weights_folder(cache_dir: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder of fetched weights; it is not made.

    `cache_dir`, else the environment variable ``EMOEST_WEIGHTS``, else ``weights`` in the folder
    that `emoest.files.cache_folder` names.

    Examples
    --------
    >>> weights_folder("here").name
    'here'
    """
    chosen = cache_dir or os.environ.get(WEIGHTS_ENVIRONMENT)
    return Path(chosen).expanduser() if chosen else cache_folder() / "weights"


def warn_unusable(root: Path, error: OSError) -> None:
    """Warn, once in a process, that a store can be neither read nor written.

    Examples
    --------
    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     for _ in range(3):
    ...         warn_unusable(Path("full"), OSError(28, "No space left on device"))
    >>> len(caught)
    1
    """
    if root not in _warned:
        _warned.add(root)
        warn_user(
            f"The store {str(root)!r} cannot be read or written ({error}); the work continues and "
            f"its results are not kept. Make room, or set cache_dir or {ENVIRONMENT} to a folder "
            "that can be written.",
        )
