"""Turn names of the public surface into links to their pages, wherever they stand in code."""

import re

import api_pages
from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx

NAME = re.compile(r"(?:emoest\.(?:\w+\.)?)?([A-Za-z_]\w+)(?:\(.*\))?", re.DOTALL)


def targets() -> dict[str, str]:
    """Full names by bare names, of those that one room alone has."""
    found: dict[str, list[str]] = {}
    for room, names in api_pages.public_names().items():
        for name in names:
            found.setdefault(name, []).append(f"emoest.{room}.{name}")
    return {name: full[0] for name, full in found.items() if len(full) == 1}


def link(text: str, node: nodes.Node, docname: str) -> pending_xref:
    """Return a reference to be resolved, around a node."""
    attributes = {"refdomain": "py", "reftype": "obj", "reftarget": text, "refexplicit": True}
    return pending_xref("", node, refdoc=docname, refwarn=False, **attributes)


def link_code(app: Sphinx, doctree: nodes.document) -> None:
    """Link literals such as ``LateFusionClassifier()`` in a page that has been read."""
    known, docname = app.env.emoest_names, app.env.current_document.docname
    for literal in list(doctree.findall(nodes.literal)):
        found = NAME.fullmatch(literal.astext())
        if not found or found.group(1) not in known or inside_link(literal):
            continue
        target = known[found.group(1)]
        if docname != page_of(target):
            literal.replace_self(link(target, literal.deepcopy(), docname))


def inside_link(node: nodes.Node) -> bool:
    """Check whether a node stands in a link or a heading already."""
    while node is not None:
        if isinstance(node, nodes.reference | pending_xref | nodes.title):
            return True
        node = node.parent
    return False


def page_of(target: str) -> str:
    """Return the page of the reference that describes a name."""
    _, room, name = target.split(".")
    return f"{api_pages.FOLDER}/{room}/{name}"


def resolve_bare_name(app: Sphinx, env, node, contnode):
    """Resolve `LateFusionClassifier` in a docstring of any room."""
    target = env.emoest_names.get(node.get("reftarget", "").removesuffix("()"))
    if node.get("refdomain") != "py" or target is None:
        return None
    domain = env.get_domain("py")
    return domain.resolve_xref(
        env, node["refdoc"], app.builder, "obj", target, link(target, contnode, ""), contnode
    )


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("builder-inited", lambda app: setattr(app.env, "emoest_names", targets()))
    app.connect("doctree-read", link_code)
    app.connect("missing-reference", resolve_bare_name)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
