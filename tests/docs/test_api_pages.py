"""Every public name has a page in the API reference."""

import importlib
from pathlib import Path

import api_pages
import pytest

LIST = Path(__file__).parents[1] / "public_api.txt"
PAGES = dict(api_pages.pages())


def names_written_down():
    lines = [line.partition("(")[0].partition(":")[0] for line in LIST.read_text().splitlines()]
    return [line for line in lines if line.count(".") == 1]


def methods_written_down():
    lines = [line.partition("(")[0] for line in LIST.read_text().splitlines()]
    return [line for line in lines if line.count(".") == 2]


@pytest.mark.parametrize("name", names_written_down())
def test_every_public_name_has_a_page_that_its_room_and_a_heading_lead_to(name):
    room, bare = name.split(".")
    page = PAGES[f"{room}/{bare}.rst"]
    assert page.startswith(f"{bare}\n{'=' * len(bare)}\n")
    assert f".. currentmodule:: emoest.{room}\n" in page
    assert f":: {bare}\n" in page
    assert f"\n   {bare}\n" in PAGES[f"{room}.rst"]
    assert f"{room}/{bare}>" in PAGES[f"{room}.rst"]
    assert f"<{room}>" in PAGES["index.rst"]


@pytest.mark.parametrize("name", methods_written_down())
def test_every_public_method_stands_on_the_page_of_its_class(name):
    room, cls, method = name.split(".")
    assert f"automethod:: {cls}.{method}" in PAGES[f"{room}/{cls}.rst"]


def test_what_a_room_is_for_is_said():
    for room in api_pages.public_names():
        assert importlib.import_module(f"emoest.{room}").__doc__.strip()


def test_pages_of_names_that_are_gone_are_removed(tmp_path):
    gone = tmp_path / api_pages.FOLDER / "fusion" / "Gone.rst"
    gone.parent.mkdir(parents=True)
    gone.write_text("Gone")
    api_pages.write_pages(tmp_path)
    assert not gone.exists()
    written = {path.relative_to(tmp_path / api_pages.FOLDER) for path in tmp_path.rglob("*.rst")}
    assert {str(path) for path in written} == set(PAGES)
