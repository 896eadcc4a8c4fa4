"""Notebooks are stored without results, and say nothing that the package does not have.

`make docs` executes them; here only what can be told from their text is checked.
"""

import ast
import importlib
import inspect
import re
from pathlib import Path

import nbformat
import pytest

import emoest

FOLDER = Path(emoest.__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path):
    return nbformat.read(path, as_version=4)


def sources(path, kind):
    return [cell.source for cell in read(path).cells if cell.cell_type == kind]


def tree(path):
    return ast.parse("\n".join(sources(path, "code")))


def imports(path):
    """Name in the notebook, module, and name in the module of what it imports."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name, node.module, alias.name


def test_there_are_twelve_lessons_and_the_readme_names_each():
    assert [path.stem[:2] for path in NOTEBOOKS] == [f"{n:02d}" for n in range(1, 13)]
    readme = (FOLDER.parent / "README.md").read_text(encoding="utf-8")
    assert all(f"notebooks/{path.name}" in readme for path in NOTEBOOKS)


@each_notebook
def test_it_is_stored_without_results(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert dict(notebook.metadata) == KERNEL
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    assert all(set(cell.metadata) <= {"tags"} for cell in notebook.cells)


@each_notebook
def test_it_begins_with_its_title_and_how_long_it_runs(path):
    first = sources(path, "markdown")[0]
    assert first.startswith("# ")
    assert re.search(r"\*Runs in about .+? on two cores", first)


@each_notebook
def test_one_cell_switches_to_a_real_corpus(path):
    marked = [cell for cell in read(path).cells if "real-corpus" in cell.metadata.get("tags", [])]
    (cell,) = marked
    assert re.match(r"FOLDER = None  # \w+", cell.source)


@each_notebook
def test_what_it_imports_is_there(path):
    for _, module, name in imports(path):
        if module.split(".")[0] == "emoest":
            assert hasattr(importlib.import_module(module), name), f"{module}.{name}"


@each_notebook
def test_what_it_calls_takes_such_arguments(path):
    known = {name: (module, of) for name, module, of in imports(path)}
    for call in (node for node in ast.walk(tree(path)) if isinstance(node, ast.Call)):
        module, name = known.get(getattr(call.func, "id", ""), ("", ""))
        if module.split(".")[0] == "emoest":
            parameters = inspect.signature(getattr(importlib.import_module(module), name))
            given = {keyword.arg: None for keyword in call.keywords if keyword.arg is not None}
            positional = [arg for arg in call.args if not isinstance(arg, ast.Starred)]
            parameters.bind_partial(*positional, **given)


@each_notebook
def test_links_point_at_files(path):
    for text in sources(path, "markdown"):
        for link in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", text):
            assert (path.parent / link).exists(), link
