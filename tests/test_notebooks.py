"""Notebooks are stored without results, and say nothing that the package does not have.

`make docs` executes them; here what can be told from their text is checked, and that they leave the
files of whoever names a folder as they were.
"""

import ast
import configparser
import hashlib
import importlib
import inspect
import re
import shutil
from pathlib import Path

import nbformat
import pytest

import emoest
from emoest.datasets import make_stories

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
def test_it_names_the_extras_that_it_needs(path):
    (names,) = re.findall(r"pip install -e '\.\[(.+?)\]'", sources(path, "markdown")[0])
    settings = configparser.ConfigParser()
    settings.read(FOLDER.parent / "setup.cfg", encoding="utf-8")
    assert {"notebooks", "plot"} <= set(names.split(",")) <= set(settings["options.extras_require"])


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


WRITERS = {"copy", "copy2", "copyfile", "copytree", "mkdir", "move", "rename", "rmdir", "rmtree"}
WRITERS |= {"to_csv", "to_parquet", "touch", "unlink", "write", "write_bytes", "write_text"}


def names_in(node):
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def is_ours(value, ours):
    """Whether it comes of a temporary folder; what a loader read may be the user's own files."""
    loads = any(name.startswith("load_") for name in names_in(value))
    return bool(names_in(value) & ours) and not loads


def writes(nodes):
    """Give each call that writes, moves or removes a file, and the expressions that say where."""
    for call in nodes:
        if isinstance(call, ast.Call) and getattr(call.func, "attr", "") in WRITERS:
            module = names_in(call.func) & {"shutil", "soundfile"}
            yield call, call.args if module else [call.func.value, *call.args]


@each_notebook
def test_what_it_writes_lies_in_a_temporary_folder(path):
    cells = [c for c in read(path).cells if c.cell_type == "code"]
    text = "\n".join(c.source for c in cells if "real-corpus" not in c.metadata.get("tags", []))
    nodes = list(ast.walk(ast.parse(text)))
    ours, found = set(), {"tempfile"}
    while found != ours:
        ours = found
        made = [
            node for node in nodes if isinstance(node, ast.Assign) and is_ours(node.value, ours)
        ]
        found = ours.union(*(names_in(target) for node in made for target in node.targets))
    for call, places in writes(nodes):
        assert any(names_in(place) & ours for place in places), ast.unparse(call)


def digests(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.filterwarnings("ignore")
def test_lesson_8_leaves_the_recordings_in_the_named_folder_as_they_were(tmp_path, monkeypatch):
    plt = pytest.importorskip("matplotlib.pyplot")
    monkeypatch.setenv("EMOEST_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(plt, "show", lambda: plt.close("all"))
    told, arousal = make_stories(
        tmp_path, n_speakers=6, n_stories=2, chunk_seconds=1.0, target="arousal", return_X_y=True
    )
    mine = tmp_path / "mine"
    for clips, speaker, label in zip(told["audio"], told["speaker"], arousal, strict=True):
        (mine / label).mkdir(parents=True, exist_ok=True)
        shutil.copy(clips[0], mine / label / f"{speaker}-{Path(clips[0]).name}")
    before = digests(mine)
    (path,) = FOLDER.glob("08_*.ipynb")
    code = "\n".join(sources(path, "code"))
    assert code.count("FOLDER = None") == 1
    exec(compile(code.replace("FOLDER = None", f"FOLDER = {str(mine)!r}"), path.name, "exec"), {})
    assert len(before) == 12
    assert digests(mine) == before
