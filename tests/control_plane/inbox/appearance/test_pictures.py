"""The pictures of the documentation are of the pages as they are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("playwright.async_api", reason="Playwright is not installed")

from tests.control_plane.inbox.appearance.inhabited_inbox import inhabited_inbox
from tests.control_plane.inbox.appearance.pictures import IMAGES, MADE_OF, PICTURES, made_of, written
from tests.control_plane.inbox.appearance.sample_calls import POLICY, SEALING


@pytest.fixture
def plane(open_plane):
    return open_plane(POLICY, sealing=SEALING)


async def test_no_picture_has_grown_old(plane, clock):
    """Where this fails a page has changed: `make pictures` takes its picture anew. Look at it before you commit it."""
    async with inhabited_inbox(plane, clock) as world:
        assert (IMAGES / MADE_OF).read_text() == written(await made_of(world))


def test_each_picture_is_there_and_shown():
    taken = {f"{picture.name}.png" for picture in PICTURES}
    assert {path.name for path in IMAGES.glob("*.png")} == taken
    texts = "".join(path.read_text() for path in (*IMAGES.parent.rglob("*.md"), Path(IMAGES.parents[1] / "README.md")))
    assert set(re.findall(r"images/([\w-]+\.png)", texts)) == taken
