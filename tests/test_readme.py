"""What the README shows runs as written, and what it names exists."""

import re
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import soundfile

import emoest.systems
from emoest.features import AcousticFunctionals

ROOT = Path(emoest.__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
OWN = '"recordings"'


def python_blocks():
    return re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


def test_there_is_a_pipeline_of_about_fifteen_lines():
    lines = [line for line in python_blocks()[0].splitlines() if line.strip()]
    code = [line for line in lines if not line.startswith(("from ", "import "))]
    assert 5 <= len(code) <= 15


@pytest.mark.slow
def test_code_runs_as_written(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    namespace = {}
    for block in python_blocks():
        if OWN not in block:
            exec(compile(block, "README.md", "exec"), namespace)
    assert "UAR" in capsys.readouterr().out


def test_recordings_of_ones_own_are_found_and_read(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(0)
    for emotion, speaker in product(("happy", "sad"), "abcdef"):
        path = tmp_path / "recordings" / emotion / f"{speaker}_1.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, generator.normal(scale=0.1, size=8000), 16000)
    block = next(block for block in python_blocks() if OWN in block)
    quick = {"voice": AcousticFunctionals(pooling="mean"), "words": "drop", "faces": "drop"}
    made = partial(emoest.systems.make_recording_pipeline, **quick)
    monkeypatch.setattr(emoest.systems, "make_recording_pipeline", made)
    exec(compile(block.replace(', modality="face"', ""), "README.md", "exec"), {})
    assert "groups (speakers)    6" in capsys.readouterr().out


def test_commands_are_targets_of_the_makefile():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make (\w+)", README, flags=re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def test_links_point_at_files():
    for link in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", README):
        assert (ROOT / link).exists(), link


def test_it_says_how_to_clone_to_predict_and_to_open_the_notebooks():
    assert "git clone" in README
    assert any("model.predict(new)" in block for block in python_blocks())
    extras = re.search(r"notebooks need `pip install -e '\.\[(.+?)\]'", README)
    setup = (ROOT / "setup.cfg").read_text(encoding="utf-8")
    assert extras and all(f"\n{name} =" in setup for name in extras.group(1).split(","))


CHINESE = (ROOT / "README.zh.md").read_text(encoding="utf-8")
COMMAND = re.compile(r"`((?:\w+=\w+ )?(?:make|pip|python|jupyter|emoest) [^`]+)`")


def blocks(text):
    return re.findall(r"```.*?```", text, flags=re.DOTALL)


def tables(text):
    """Figures, names in code and links of each line of a table, in the order of the columns."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    parts = r"\d+\.\d+|`[^`]+`|\]\([^)]+\)"
    return [[sorted(re.findall(parts, cell)) for cell in line.split("|")] for line in lines]


@pytest.mark.parametrize(
    "part",
    [
        blocks,
        COMMAND.findall,
        tables,
        partial(re.findall, r"\]\((?!README)[^)]+\)"),
        partial(re.findall, r"^#+ ", flags=re.MULTILINE),
    ],
    ids=["code", "commands", "tables", "links and pictures", "headings"],
)
def test_the_chinese_readme_says_the_same(part):
    assert part(README)
    assert part(CHINESE) == part(README)


def test_figures_are_those_of_the_pages_of_results():
    pages = [ROOT / "docs" / "results.md", *(ROOT / "docs" / "systems").glob("*.md")]
    known = " ".join(page.read_text(encoding="utf-8") for page in pages)
    figures = re.findall(r"(?<![\d.])0\.\d{3}\b", README)
    assert len(figures) > 20
    for figure in figures:
        percent = f"{100 * float(figure):.1f}"
        assert re.search(rf"(?<![\d.])({re.escape(figure)}|{re.escape(percent)})\b", known), figure


def test_pictures_are_small():
    pictures = re.findall(r"!\[.*?\]\((.+?)\)", README)
    assert len(pictures) == 2
    assert all((ROOT / path).stat().st_size < 150_000 for path in pictures)
