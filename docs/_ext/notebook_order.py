"""Read notebooks in several processes at once, though they stand side by side in the alphabet."""

from sphinx.application import Sphinx

NOTEBOOKS = "notebooks/"


def spread(docnames: list[str]) -> list[str]:
    """Put notebooks at equal distances among the pages, for Sphinx cuts the list into runs."""
    notebooks = [name for name in docnames if name.startswith(NOTEBOOKS)]
    pages = [name for name in docnames if not name.startswith(NOTEBOOKS)]
    order, n_placed = [], 0
    for i, notebook in enumerate(notebooks):
        n_before = round(i * len(pages) / len(notebooks))
        order += [*pages[n_placed:n_before], notebook]
        n_placed = n_before
    return order + pages[n_placed:]


def reorder(app: Sphinx, env, docnames: list[str]) -> None:
    """Change the order in which Sphinx reads the pages."""
    docnames[:] = spread(docnames)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("env-before-read-docs", reorder)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
