"""An evaluation as a model card in Markdown, and its table in LaTeX."""

import re
from html import escape

from emoest.evaluation._report.text import (
    NOT_FOR,
    Evaluated,
    comparison_cells,
    leak_cells,
    protocol_lines,
    table_cells,
    title,
)

_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{sign: rf"\{sign}" for sign in "&%$#_{}"},
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
}
_MARKDOWN = re.compile(r"([\\`*_\[\]|#~$])")


def latex_table(result: Evaluated) -> str:
    """Write the table of scores as a ``tabular``."""
    headers, rows = table_cells(result)
    lines = [" & ".join(map(latex, cells)) + r" \\" for cells in (headers, *rows)]
    columns = "l" + "r" * (len(headers) - 1)
    body = "\n".join([lines[0], r"\hline", *lines[1:]])
    return f"\\begin{{tabular}}{{{columns}}}\n\\hline\n{body}\n\\hline\n\\end{{tabular}}\n"


def latex(text: str) -> str:
    r"""Escape what LaTeX would read as a command.

    Examples
    --------
    >>> print(latex("50 % of a_b"))
    50 \% of a\_b
    """
    return "".join(_LATEX.get(sign, sign) for sign in text)


def markdown(text: str) -> str:
    r"""Escape what Markdown or HTML would read as markup.

    Examples
    --------
    >>> print(markdown("<b>|a_b"))
    &lt;b&gt;\|a\_b
    """
    return _MARKDOWN.sub(r"\\\1", escape(text, quote=False))


def model_card(result: Evaluated, not_for: str | None = None) -> str:
    """Write the card."""
    parts = [f"# {markdown(title(result))}", "## Scores", _table(*table_cells(result))]
    if len(result.comparison):
        parts += ["## Differences", _table(*comparison_cells(result))]
    parts += ["## Protocol"]
    parts += ["\n".join(f"- {markdown(n)}: {markdown(text)}" for n, text in protocol_lines(result))]
    if result.protocol.leaks:
        parts += ["## Leaks", _table(*leak_cells(result))]
    parts += ["## Not to be used for", NOT_FOR if not_for is None else markdown(not_for)]
    return "\n\n".join(parts) + "\n"


def _table(headers: list[str], rows: list[list[str]]) -> str:
    cells = [[markdown(cell) for cell in line] for line in (headers, *rows)]
    lines = [cells[0], ["---"] * len(headers), *cells[1:]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
