"""Every notebook runs from top to bottom, offline."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import emoest

NOTEBOOKS = sorted((Path(emoest.__file__).parents[1] / "notebooks").glob("*.ipynb"))


def test_there_are_notebooks():
    assert NOTEBOOKS


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path, tmp_path):
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=None, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    )
    client.execute()
    text = "".join(str(cell.get("outputs", "")) for cell in notebook.cells)
    assert "Warning" not in text


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_stored_without_outputs(path):
    cells = nbformat.read(path, as_version=4).cells
    assert all(not cell.outputs for cell in cells if cell.cell_type == "code")
