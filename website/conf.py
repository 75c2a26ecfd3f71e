"""What the builder is told: Sphinx with MyST for the pages and Furo for their looks."""

from aio_token import __version__

project = "aio_token"
author = "aio_token contributors"
copyright = "aio_token contributors, MIT licence"  # noqa: A001  Sphinx's name
release = version = __version__

default_role = "code"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_heading_anchors = 4

html_theme = "furo"
html_title = f"aio_token {release}"
html_static_path = ["static"]
html_css_files = ["house.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {"navigation_with_keys": True}
pygments_style = "friendly"
pygments_dark_style = "monokai"
maximum_signature_line_length = 88

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
add_module_names = False
toc_object_entries_show_parents = "hide"
python_use_unqualified_type_names = True
