"""What the pages of the documentation show runs, and what they link to exists."""

import re
from pathlib import Path

import pytest

import emoest
from tests.markdown_page import blocks, run_page

ROOT = Path(emoest.__file__).parents[1]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
READMES = [ROOT / "README.md", ROOT / "README.zh.md"]
SYSTEMS = sorted((ROOT / "docs" / "systems").glob("*20??.md"))
BENCHMARK = re.compile(r"`(?:\w+=\w+\s+)?python\s+benchmarks/(\w+\.py)([^`]*)`")
SHOWING = [page for page in PAGES if any(blocks(page.read_text(encoding="utf-8")))]


def name(page):
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", SHOWING, ids=name)
def test_examples_run_as_written(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run_page(page)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_no_prompt_stands_outside_of_an_example(page):
    text = page.read_text(encoding="utf-8")
    assert text.count(">>> ") == sum(block.code.count(">>> ") for block in blocks(text))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_point_at_files(page):
    text = page.read_text(encoding="utf-8")
    for link in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", text):
        assert (page.parent / link).exists(), link


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_inside_a_page_lead_to_its_headings(page):
    text = page.read_text(encoding="utf-8")
    plain = [re.sub(r"[^\w\- ]", "", each.lower()) for each in re.findall(r"^#+ (.+)$", text, re.M)]
    for anchor in re.findall(r"\]\(#([^)]+)\)", text):
        assert anchor in [each.replace(" ", "-") for each in plain]


@pytest.mark.parametrize("page", [*PAGES, *READMES], ids=name)
def test_commands_of_benchmarks_are_some_that_they_take(page):
    for script, arguments in BENCHMARK.findall(page.read_text(encoding="utf-8")):
        source = (ROOT / "benchmarks" / script).read_text(encoding="utf-8")
        assert "|" not in arguments, f"{script}{arguments}: not one command but several"
        for option in re.findall(r"--[\w-]+", arguments):
            assert f'"{option}"' in source, f"{script}{arguments}: no option {option}"


@pytest.mark.parametrize("page", SYSTEMS, ids=name)
def test_pages_of_systems_make_and_fit_them_and_are_linked(page):
    maker = "make_m3er(" if page.stem == "m3er2020" else f"make_{page.stem}("
    running = [block.code for block in blocks(page.read_text(encoding="utf-8")) if not block.reason]
    for part in (maker, ".fit(", ".predict("):
        assert any(part in code for code in running), part
    for readme in READMES:
        assert f"](docs/systems/{page.name})" in readme.read_text(encoding="utf-8")
    assert f"]({page.name})" in (page.parent / "index.md").read_text(encoding="utf-8")


def test_the_guide_names_each_room():
    text = (ROOT / "docs" / "guide" / "index.md").read_text(encoding="utf-8")
    rooms = {path.stem for path in (ROOT / "emoest").iterdir() if path.stem[0] != "_"}
    for room in rooms - {"nets", "utils", "py"}:
        assert f"`{room}`" in text, room


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.parent.name == "tutorials"], ids=name
)
def test_tutorials_say_which_modules_are_private(page):
    text = page.read_text(encoding="utf-8")
    for module in re.findall(r"^from (emoest\S*\._\w+)", text, re.M):
        assert f"`{module}`" in text
        assert "private and may change" in text
