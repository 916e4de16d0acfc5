from __future__ import annotations

import shutil

import pytest

from tests.formats.toy import house


@pytest.fixture(scope="session")
def types_cache(tmp_path_factory):
    """A cache for mypy that the tests of one worker fill for each other; `make check` has filled it already."""
    cache = tmp_path_factory.mktemp("types") / "cache"
    if (house.ROOT / ".mypy_cache").exists():
        shutil.copytree(house.ROOT / ".mypy_cache", cache)
    return cache
