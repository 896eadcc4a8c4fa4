"""Show the record at the head of a corpus card as a table."""

import re

from sphinx.application import Sphinx

from emoest.datasets import CorpusRecord, corpus_record

FOLDER = "datasets_cards/"


def cell(text: object) -> str:
    """Text for a cell of a Markdown table."""
    return str(text).replace("|", "\\|").replace("\n", " ")


def facts(record: CorpusRecord) -> dict[str, object]:
    """Return what a reader looks for first."""
    labels = {
        f"Labels, `{name}`": ", ".join(map(str, values)) for name, values in record.labels.items()
    }
    splits = {"Official splits": ", ".join(record.splits)} if record.splits else {}
    return {
        "Modalities": ", ".join(record.modalities),
        **labels,
        "Speakers": record.n_speakers or "not known",
        **splits,
        "License": record.license,
        "Access": record.access,
        "Home page": f"<{record.homepage}>" if "://" in record.homepage else record.homepage,
        "To cite": record.citation,
    }


def table(record: CorpusRecord) -> str:
    """Return a Markdown table of the facts."""
    rows = [f"| {name} | {cell(value)} |" for name, value in facts(record).items()]
    return "\n".join(["{.facts}", "| | |", "| --- | --- |", *rows])


def show_record(app: Sphinx, docname: str, content: list[str]) -> None:
    """Replace the front matter of a card by a table below its title."""
    if not docname.startswith(FOLDER):
        return
    prose = re.split(r"^---$\n", content[0], maxsplit=2, flags=re.MULTILINE)[2]
    title, line, rest = re.split(r"^(# .+)$", prose, maxsplit=1, flags=re.MULTILINE)
    record = corpus_record(docname.removeprefix(FOLDER))
    content[0] = f"{title}{line}\n\n{table(record)}\n{rest}"


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("source-read", show_record)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
