"""Each corpus has a card, whose front matter is its record and whose prose has all sections."""

import dataclasses
import re
from pathlib import Path

import pytest
import yaml

from emoest.datasets import corpus_record, list_corpora
from emoest.datasets._fetching.sources import SOURCES

FOLDER = Path(__file__).resolve().parents[1] / "datasets_cards"
TEMPLATE = FOLDER / "TEMPLATE.md"
SECTIONS = [
    "What it holds",
    "How the labels came about",
    "Known flaws and leaks",
    "Protocols and published results",
    "How to get it",
]
SOURCE = re.compile(
    "verified|inferred|recalled|unknown|measured|counted|known here|generated", re.IGNORECASE
)


def plain(value):
    """Mappings and tuples of a record as YAML has them."""
    if hasattr(value, "items"):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, tuple | list) else value


def front_matter(record):
    """All fields of a record, in order."""
    return plain(dataclasses.asdict(record))


def read_card(path):
    text = path.read_text(encoding="utf-8")
    assert text.startswith("---\n"), f"{path.name} has no front matter"
    _, front, prose = re.split(r"^---$\n", text, maxsplit=2, flags=re.MULTILINE)
    return yaml.safe_load(front), prose


def sections_of(prose):
    """Text of each section by its heading."""
    pieces = re.split(r"^## (.+)$", prose, flags=re.MULTILINE)
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))


@pytest.mark.parametrize("name", list_corpora())
def test_the_front_matter_is_the_record(name):
    path = FOLDER / f"{name}.md"
    expected = front_matter(corpus_record(name))
    text = yaml.safe_dump(expected, sort_keys=False, allow_unicode=True, width=96)
    assert path.is_file(), f"{path.name} is missing; copy TEMPLATE.md, and begin with\n{text}"
    front, _ = read_card(path)
    assert front == expected, f"the front matter of {path.name} should be\n{text}"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.md")), ids=lambda path: path.stem)
def test_the_prose_has_all_sections_and_says_where_facts_come_from(path):
    _, prose = read_card(path)
    sections = sections_of(prose)
    assert [heading for heading in sections if heading != "Sources"] == SECTIONS
    empty = [heading for heading, text in sections.items() if not text.strip()]
    assert not empty, f"{path.name} says nothing under {empty}"
    assert len(re.findall("^# .", prose, flags=re.MULTILINE)) == 1
    assert SOURCE.search(prose), f"{path.name} marks no fact as verified, recalled, unknown, ..."


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_what_can_be_fetched_says_so(name):
    _, prose = read_card(FOLDER / f"{name}.md")
    words = " ".join(sections_of(prose)["How to get it"].split())
    assert f"`emoest fetch {name}` (`fetch_{name}`)" in words


def test_there_is_no_card_without_a_corpus():
    assert {path.stem for path in FOLDER.glob("*.md")} == {*list_corpora(), TEMPLATE.stem}


def test_the_template_has_the_fields_of_a_record():
    front, _ = read_card(TEMPLATE)
    assert list(front) == [field.name for field in dataclasses.fields(corpus_record("ravdess"))]


def test_cards_name_no_machine():
    for path in FOLDER.glob("*.md"):
        assert not re.search(r"(?<!\w)/(work|tmp|opt|home)/", path.read_text(encoding="utf-8"))
