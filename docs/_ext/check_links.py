"""Check the built site: links inside lead somewhere, and nothing is loaded from elsewhere.

Run as ``python docs/_ext/check_links.py build/html``.
"""

import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src"}


class Page(HTMLParser):
    """Anchors of a page, its links, and what it loads."""

    def __init__(self, text: str):
        super().__init__()
        self.anchors: set[str] = {"", "top"}
        self.links: set[str] = set()
        self.loaded: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag names."""
        found = {name: value for name, value in attrs if value}
        self.anchors |= {found[name] for name in ("id", "name") if name in found}
        if tag in LOADED and LOADED[tag] in found:
            self.loaded.add(found[LOADED[tag]])
        elif tag == "link" and "stylesheet" in found.get("rel", "") and "href" in found:
            self.loaded.add(found["href"])
        elif tag == "a" and "href" in found:
            self.links.add(found["href"])


def outside(link: str) -> bool:
    """Check whether a link leaves the site."""
    parts = urlsplit(link)
    return bool(parts.scheme or parts.netloc)


def faults(folder: Path) -> Iterator[str]:
    """Yield a line for each link that leads nowhere and each file loaded from elsewhere."""
    pages = {
        path.resolve(): Page(path.read_text(encoding="utf-8"))
        for path in folder.rglob("*.html")
        if "_static" not in path.parts
    }
    for path, page in sorted(pages.items()):
        where = path.relative_to(folder.resolve())
        for link in sorted(page.loaded):
            if outside(link) and not link.startswith("data:"):
                yield f"{where} loads {link} from elsewhere"
        for link in sorted(page.links | page.loaded):
            if outside(link):
                continue
            parts = urlsplit(link)
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            if not target.exists():
                yield f"{where} links to {link}, which is not there"
            elif target in pages and unquote(parts.fragment) not in pages[target].anchors:
                yield f"{where} links to {link}, a place that the page does not have"


if __name__ == "__main__":
    found = list(faults(Path(sys.argv[1])))
    sys.exit("\n".join(found) if found else 0)
