"""How Sphinx makes the site of this folder."""

from __future__ import annotations

import sys
from importlib.metadata import version as installed
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import reference_pages  # noqa: E402 - it lies beside this file

reference_pages.write(HERE / "reference")

project = "litellm-bighub"
copyright = "the authors of litellm-bighub"  # noqa: A001 - Sphinx's name for it
version = release = installed("litellm-bighub")
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
myst_heading_anchors = 3
myst_enable_extensions = ["attrs_inline"]
html_theme = "alabaster"
html_title = f"litellm-bighub {version}"
html_show_sourcelink = False
html_theme_options = {
    "description": "Decides on every tool call of a LiteLLM gateway",
    "fixed_sidebar": True,
    "page_width": "1100px",
    "sidebar_width": "240px",
}
