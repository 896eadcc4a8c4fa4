"""Choices that are made by name."""

from collections.abc import Iterable
from typing import Any

from emoest.utils.messages import listed


def check_choice(name: str, value: Any, choices: Iterable[str]) -> None:
    """Raise if `value` is none of the choices for the parameter `name`."""
    if value not in (known := list(choices)):
        raise ValueError(f"{name}={value!r} is unknown; choose one of {listed(known, len(known))}.")


def is_name(value: Any, name: str) -> bool:
    """Check whether a parameter that may also be an estimator is the name `name`.

    Examples
    --------
    >>> is_name("yamnet", "yamnet"), is_name(["yamnet"], "yamnet")
    (True, False)
    """
    # An array or a table that is compared with a string gives no bool.
    return isinstance(value, str) and value == name
