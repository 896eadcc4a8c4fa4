"""Write one page for each public name, and one for each room that lists them."""

import ast
import importlib
import inspect
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import emoest

FOLDER = "docs/api"


def public_names() -> dict[str, list[str]]:
    """Names that users import, by room."""
    return {room: sorted(room_of(room).__all__) for room in emoest._SUBMODULES}


def room_of(name: str) -> ModuleType:
    """Import one room."""
    return importlib.import_module(f"emoest.{name}")


def own_members(cls: type) -> Iterator[tuple[str, str]]:
    """Yield directive and name of what emoest defines, in the class or in one of its bases."""
    found: dict[str, object] = {}
    for base in reversed(cls.__mro__):
        if base.__module__.startswith("emoest."):
            found |= vars(base)
    for name, value in sorted(found.items(), key=lambda item: (item[0] != "fit", item[0])):
        if name.startswith("_"):
            continue
        if isinstance(value, property):
            yield "autoproperty", name
        elif inspect.isfunction(value) or isinstance(value, classmethod | staticmethod):
            yield "automethod", name


def directive(value: object) -> str:
    """Sphinx directive that documents a value."""
    if inspect.isclass(value):
        return "autoexception" if issubclass(value, Exception) else "autoclass"
    return "autofunction" if callable(value) else "py:data"


def said_below(name: str) -> str:
    """Return the text that stands below the assignment of a constant."""
    for path in sorted(Path(emoest.__file__).parent.rglob("*.py")):
        body = ast.parse(path.read_text(encoding="utf-8")).body if name in path.read_text() else []
        for node, below in pairwise(body):
            named = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name
            if named and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
                return str(below.value.value)
    return ""


def heading(text: str, line: str = "=") -> str:
    """Return a reStructuredText heading."""
    return f"{text}\n{line * len(text)}\n"


def name_page(room: str, name: str) -> str:
    """Page of one public name."""
    value = getattr(room_of(room), name)
    kind = directive(value)
    lines = [heading(name), f".. currentmodule:: emoest.{room}\n", f".. {kind}:: {name}"]
    lines += [f"\n   {said_below(name)}"] if kind == "py:data" else []
    members = own_members(value) if kind == "autoclass" else ()
    lines += [f"\n   .. {one}:: {name}.{member}" for one, member in members]
    return "\n".join(lines) + "\n"


def room_page(room: str, names: list[str]) -> str:
    """Page of one room: what it is for, and its names with their first sentences."""
    title = f"emoest.{room}"
    lines = [heading(title), f".. automodule:: emoest.{room}\n   :no-members:\n"]
    lines += [f".. currentmodule:: emoest.{room}\n", ".. autosummary::\n   :nosignatures:\n"]
    lines += [f"   {name}" for name in names]
    lines += ["\n.. toctree::\n   :hidden:\n"]
    lines += [f"   {name} <{room}/{name}>" for name in names]
    return "\n".join(lines) + "\n"


def index_page(rooms: list[str]) -> str:
    """Page that lists the rooms."""
    lines = [heading("API reference")]
    lines += ["Everything that users import, room by room, in the order of the alphabet.\n"]
    lines += [".. autosummary::\n", *(f"   emoest.{room}" for room in rooms)]
    lines += ["\n.. toctree::\n   :hidden:\n", *(f"   emoest.{room} <{room}>" for room in rooms)]
    return "\n".join(lines) + "\n"


def pages() -> Iterator[tuple[str, str]]:
    """Yield the path below the folder of the reference, and the text, of each page."""
    rooms = public_names()
    yield "index.rst", index_page(list(rooms))
    for room, names in rooms.items():
        yield f"{room}.rst", room_page(room, names)
        for name in names:
            yield f"{room}/{name}.rst", name_page(room, name)


def write_pages(root: Path) -> None:
    """Write all pages, and remove those of names that are gone."""
    folder = root / FOLDER
    texts = {folder / path: text for path, text in pages()}
    for path in set(folder.rglob("*.rst")) - set(texts):
        path.unlink()
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
