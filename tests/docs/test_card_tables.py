import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from card_tables import show_record

import emoest
from emoest.datasets import corpus_record, list_corpora

ROOT = Path(emoest.__file__).parents[1]


def shown(docname):
    content = [(ROOT / f"{docname}.md").read_text(encoding="utf-8")]
    show_record(SimpleNamespace(), docname, content)
    return content[0]


@pytest.mark.parametrize("name", list_corpora())
def test_the_record_stands_below_the_title(name):
    text, record = shown(f"datasets_cards/{name}"), corpus_record(name)
    head, _, _ = text.partition("\n## ")
    assert head.lstrip().startswith("# ")
    rows = [re.split(r"(?<!\\)\|", line) for line in head.splitlines() if line.startswith("|")]
    assert {len(row) for row in rows} == {4}
    said = {row[1].strip(): row[2].strip() for row in rows}
    assert said["License"] == record.license.replace("|", "\\|").replace("\n", " ")
    assert said["Modalities"] == ", ".join(record.modalities)
    assert {f"Labels, `{label}`" for label in record.labels} <= set(said)


def test_other_pages_are_left_alone():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert shown("CONTRIBUTING") == text
