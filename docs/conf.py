"""Settings of the documentation site; `make docs` builds it into build/html.

The source folder is the repository, so that links between the documentation, notebooks and cards
of corpora are the same here and there.
"""

import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs" / "_ext")]

import api_pages  # noqa: E402

import emoest  # noqa: E402

# Notebooks begin with an empty store, and look for nothing on the network.
os.environ["EMOEST_CACHE"] = tempfile.mkdtemp(prefix="emoest-docs-")
os.environ["HF_HUB_OFFLINE"] = "1"

project = "emoest"
author = "the emoest contributors"
version = release = emoest.__version__
project_copyright = author

root_doc = "docs/index"
include_patterns = [
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "datasets_cards/*.md",
    "docs/**",
    "notebooks/*.ipynb",
]
exclude_patterns = ["datasets_cards/TEMPLATE.md", "docs/_*", "**/.*"]
extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_nb",
    "sphinx_copybutton",
    "card_tables",
    "name_links",
    "notebook_order",
]

autosummary_generate = False
autodoc_typehints = "none"
autodoc_preserve_defaults = True
autodoc_class_signature = "mixed"
default_role = "py:obj"
toc_object_entries_show_parents = "hide"
maximum_signature_line_length = 88
python_use_unqualified_type_names = True
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

myst_enable_extensions = ["attrs_block", "colon_fence"]
myst_heading_anchors = 4
nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_merge_streams = True

html_theme = "pydata_sphinx_theme"
html_title = "emoest"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_extra_path = ["_extra"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {"text": "emoest"},
    "header_links_before_dropdown": 5,
    "navbar_align": "left",
    "navigation_depth": 2,
    "show_nav_level": 1,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
    "show_prev_next": True,
}
html_sidebars = {
    name: []
    for name in ("CHANGELOG", "CONTRIBUTING", "docs/development", "docs/faq", "docs/results")
}
html_context = {"default_mode": "auto"}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

api_pages.write_pages(ROOT)
