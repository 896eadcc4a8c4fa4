"""Choices that are made by name."""

from collections.abc import Iterable
from typing import Any

from emoest.utils.messages import listed


def check_choice(name: str, value: Any, choices: Iterable[str]) -> None:
    """Raise if `value` is none of the choices for the parameter `name`."""
    if value not in (known := list(choices)):
        raise ValueError(f"{name}={value!r} is unknown; choose one of {listed(known, len(known))}.")
