"""Every public name and its signature, as written down in public_api.txt.

A change of the surface is a decision: run `python tests/test_public_api.py` to write the list anew,
read the difference, and say it in CHANGELOG.md.
"""

import importlib
import inspect
from pathlib import Path

import pytest
import sklearn
from sklearn.utils.fixes import parse_version

import emoest

LIST = Path(__file__).with_name("public_api.txt")


def signature(value):
    if isinstance(value, type) and issubclass(value, Warning | Exception):
        return ""
    if not callable(value):
        return f": {type(value).__name__}"
    found = inspect.signature(value)
    bare = [one.replace(annotation=one.empty) for one in found.parameters.values()]
    return str(found.replace(parameters=bare, return_annotation=found.empty))


def methods(cls):
    """Methods that emoest defines, in the class itself or in one of its bases."""
    found = {}
    for base in reversed(cls.__mro__):
        if base.__module__.startswith("emoest."):
            found |= {name: value for name, value in vars(base).items() if callable(value)}
    for name, value in sorted(found.items()):
        if not name.startswith("_") and inspect.isfunction(value):
            yield f"{name}{signature(value)}"


def surface():
    """One line for each public name, in the order of rooms and names."""
    for room in emoest._SUBMODULES:
        module = importlib.import_module(f"emoest.{room}")
        for name in sorted(module.__all__):
            value = getattr(module, name)
            yield f"{room}.{name}{signature(value)}"
            if inspect.isclass(value):
                yield from (f"{room}.{name}.{method}" for method in methods(value))


@pytest.mark.skipif(
    parse_version(sklearn.__version__) < parse_version("1.9"),
    reason="the scorers have the signature that scikit-learn gives them, since 1.9 this one",
)
def test_the_surface_is_the_one_written_down():
    known = LIST.read_text(encoding="utf-8").splitlines()
    found = list(surface())
    gone = sorted(set(known) - set(found))
    new = sorted(set(found) - set(known))
    assert not gone and not new, f"gone: {gone}\nnew: {new}\n{__doc__}"


if __name__ == "__main__":
    LIST.write_text("\n".join(surface()) + "\n", encoding="utf-8")
