"""Where the project is, built in for a package index when RELEASED_FROM names the repository of a release.

Only the release workflow knows that address, and sets it. A build without it names no URL, and leaves README as it is.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class ProjectUrls(MetadataHookInterface):
    """Sets `urls`, and `readme` with links that hold outside of the repository."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Fill in what pyproject.toml calls dynamic."""
        readme = Path(self.root, "README.md").read_text(encoding="utf-8")
        repository = os.environ.get("RELEASED_FROM")
        if repository:
            tag = f"v{metadata['version']}"
            metadata["urls"] = {
                "Homepage": repository,
                "Documentation": f"{repository}/blob/{tag}/docs/index.md",
                "Source": f"{repository}/tree/{tag}",
                "Issues": f"{repository}/issues",
                "Changelog": f"{repository}/blob/{tag}/CHANGELOG.md",
            }
            readme = _with_absolute_links(readme, repository, tag)
        metadata["readme"] = {"content-type": "text/markdown", "text": readme}


def _with_absolute_links(readme: str, repository: str, tag: str) -> str:
    images = re.sub(r"(!\[[^\]]*\]\()(?!\w+:)", rf"\g<1>{repository}/raw/{tag}/", readme)
    return re.sub(r"((?<!!)\[[^\]]*\]\()(?!\w+:|#)", rf"\g<1>{repository}/blob/{tag}/", images)
