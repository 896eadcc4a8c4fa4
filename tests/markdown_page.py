"""Run the Python examples of a Markdown page, in order, in one namespace.

A block of ```python runs: with prompts as a doctest, without as a script. One that cannot, because
it needs a corpus or hours, is preceded by a line ``<!-- not run: why -->``.
"""

import doctest
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
BLOCK = re.compile(
    r"^(?:<!-- not run: (?P<reason>.+?) -->\n)?```python\n(?P<code>.*?)^```$",
    re.M | re.S,
)


class Block(NamedTuple):
    """An example, the line of the page that it begins in, and why it is not run, if so."""

    code: str
    line: int
    reason: str | None


def blocks(text: str) -> Iterator[Block]:
    """Yield the examples of a page."""
    for found in BLOCK.finditer(text):
        yield Block(found["code"], text[: found.start("code")].count("\n"), found["reason"])


def run_block(block: Block, page: str, namespace: dict) -> None:
    """Run one example, and raise where it fails or shows something else.

    `page` is no path of a file: pytest would parse it as Python to show where an example failed.
    """
    if ">>> " not in block.code:
        exec(compile("\n" * block.line + block.code, page, "exec"), namespace)
        return
    example = doctest.DocTestParser().get_doctest(block.code, namespace, page, page, block.line)
    said: list[str] = []
    runner = doctest.DocTestRunner(verbose=False, optionflags=FLAGS)
    runner.run(example, out=said.append, clear_globs=False)
    namespace.update(example.globs)
    assert not said, "".join(said)


def run_page(path: Path) -> int:
    """Run all examples of a page; return how many."""
    # A module that can be found: classes of the page are pickled by it.
    page = ModuleType("markdown_example")
    todo = [block for block in blocks(path.read_text(encoding="utf-8")) if block.reason is None]
    sys.modules[page.__name__] = page
    try:
        for block in todo:
            run_block(block, f"<{path.name}>", vars(page))
    finally:
        del sys.modules[page.__name__]
    return len(todo)
