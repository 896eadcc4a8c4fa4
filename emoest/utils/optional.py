"""Optional dependencies: imported where they are needed, with a message that names the extra."""

import importlib
import importlib.metadata
from functools import lru_cache
from types import ModuleType


def import_optional(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Import `module`, or say which extra of emoest brings it.

    Parameters
    ----------
    module : str
        Dotted name of the module, for example ``"transformers"``.
    extra : str
        The extra of emoest that installs it, for example ``"text"``.
    purpose : str
        What needs it, as the subject of the sentence, for example ``"BERTEmbedder"``.

    Returns
    -------
    module : module
        The imported module.

    Raises
    ------
    ImportError
        If the module, or something that it needs, is not installed, or is and cannot be imported.

    Examples
    --------
    >>> import_optional("json", extra="text", purpose="This example").__name__
    'json'
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        lacks = "is not installed"
        if error.name is not None and error.name.partition(".")[0] != package:
            lacks = f"lacks {error.name!r}"
        raise ImportError(
            f"{purpose} needs the package {package!r}, which {lacks} ({error}). Install it with: "
            f"pip install 'emoest[{extra}]'"
        ) from error
    # What a broken package raises when it is imported may be anything.
    except Exception as error:
        package = module.partition(".")[0]
        raise ImportError(
            f"{purpose} needs the package {package!r}, which is installed and cannot be imported: "
            f"{type(error).__name__}: {error}. Mend or reinstall what that error names."
        ) from error


@lru_cache
def major_version(package: str) -> str:
    """First number of an installed package's version; the package is not imported.

    Parameters
    ----------
    package : str
        Name of the distribution.

    Returns
    -------
    version : str
        Looked up once a process: reading it takes milliseconds.

    Raises
    ------
    PackageNotFoundError
        If it is not installed.

    Examples
    --------
    >>> major_version("numpy").isdigit()
    True
    """
    return importlib.metadata.version(package).partition(".")[0]
