"""What the builder is told: Sphinx with MyST for the pages and Furo for their looks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aio_token import __version__

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "aio_token"
author = "aio_token contributors"
copyright = "aio_token contributors, MIT licence"  # noqa: A001  Sphinx's name
release = version = __version__

default_role = "code"
extensions = ["myst_parser", "sphinx.ext.autodoc"]
myst_heading_anchors = 4

html_theme = "furo"
html_title = f"aio_token {release}"
html_static_path = ["static"]
html_css_files = ["house.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {"navigation_with_keys": True}
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "monokai"
maximum_signature_line_length = 88

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
add_module_names = False
toc_object_entries_show_parents = "hide"
nitpicky = True  # a link of the reference to a name that is not there
nitpick_ignore_regex = [("py:.*", r"(?!aio_token\.(?:[a-z]+\.)?[A-Z]\w+$).*")]  # others' names, and types' variables
python_use_unqualified_type_names = True


def _code_in_docstrings(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Let what is indented in a docstring be code: reStructuredText takes it for a quotation."""
    del app, what, name, thing, options
    for number in range(len(lines) - 1, 0, -1):
        if lines[number].startswith("    ") and not lines[number - 1]:
            lines[number:number] = [".. code-block:: python", ""]


def _defaults_that_read(  # noqa: PLR0917  as Sphinx calls it
    app: Sphinx, what: str, name: str, thing: object, options: object, signature: str | None, returned: str | None
) -> tuple[str | None, str | None]:
    """Write a default that is no expression, such as `<factory>`, as `...`: Sphinx cannot tell the parameters apart."""
    del app, what, name, thing, options
    return (signature and re.sub("<[^<>]+>", "...", signature)), returned


def setup(app: Sphinx) -> None:
    """Tell Sphinx of it."""
    app.connect("autodoc-process-signature", _defaults_that_read)
    app.connect("autodoc-process-docstring", _code_in_docstrings)
