"""Takes the pictures of the documentation: `make pictures`.

Beside them it writes what the pages were made of. A test compares that, so that no picture grows old unnoticed.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
from playwright.async_api import Browser, Page

from litellm_bighub.control_plane import inbox
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.database import sqlite_url
from tests.control_plane.conftest import Clock
from tests.control_plane.inbox.appearance.inhabited_inbox import OPERATOR, World, inhabited_inbox
from tests.control_plane.inbox.appearance.sample_calls import POLICY, SAMPLES, SEALING
from tests.control_plane.inbox.browser import browsing, chromium
from tests.control_plane.inbox.conftest import PASSWORD

IMAGES: Final = Path(__file__).parents[4] / "docs" / "images"
MADE_OF: Final = "made_of.txt"
_CSS: Final = Path(inbox.__file__).parent / "static" / "inbox.css"
_TAG: Final = re.compile(r"<([a-z]\w*)([^>]*)>")
_CLASS: Final = re.compile(r'\bclass="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture.

    Attributes:
        name: of its file.
        address: of the page, with ids of the world in braces.
        part: what of the page is shown; empty for what a window shows.
        width: of the window.
        scheme: of colours.
    """

    name: str
    address: str
    part: str = ""
    width: int = 1100
    scheme: str = "light"


PICTURES: Final = (
    Picture("inbox-light", "/inbox"),
    Picture("inbox-dark", "/inbox", scheme="dark"),
    Picture("inbox-narrow", "/inbox", width=390),
    Picture("decision-light", "/inbox/decisions/{denied}"),
    Picture("decisions-light", "/inbox/decisions"),
    Picture("policy-light", "/inbox/policy"),
    Picture("charts-light", "/inbox/charts"),
    Picture("kill-switch-light", "/inbox/kill-switch"),
    *(Picture(f"call-{one.kind}", f"/inbox/approvals/{{{one.kind}}}", "article.call", 820) for one in SAMPLES),
    Picture("call-shell-dark", "/inbox/approvals/{shell}", "article.call", 820, "dark"),
    Picture("call-amount-narrow", "/inbox/approvals/{amount}", "article.call", 390),
)


async def made_of(world: World) -> dict[str, str]:
    """What each picture is made of: the style sheet, and the tags and classes of its page."""
    async with httpx.AsyncClient(base_url=world.url, follow_redirects=True) as client:
        await client.post("/inbox/login", data={"user": OPERATOR, "password": PASSWORD})
        pages = {one.name: (await client.get(one.address.format(**world.ids))).text for one in PICTURES}
    return {"inbox.css": _digest(_CSS.read_text()), **{name: _digest(_skeleton(page)) for name, page in pages.items()}}


def written(found: Mapping[str, str]) -> str:
    """It as it stands in the file."""
    return "".join(f"{name} {digest}\n" for name, digest in found.items())


def _skeleton(page: str) -> str:
    """The tags with their classes, where several alike follow each other one of them."""
    body = page[page.index("<body") :]
    tags = [f"{tag} {''.join(_CLASS.findall(rest))}" for tag, rest in _TAG.findall(body)]
    return "\n".join(tag for at, tag in enumerate(tags) if tag not in tags[max(0, at - 8) : at])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


async def _page(browser: Browser, world: World, picture: Picture) -> Page:
    looks = {"color_scheme": picture.scheme, "viewport": {"width": picture.width, "height": 844}}
    page = await (await browser.new_context(reduced_motion="reduce", **looks)).new_page()  # type: ignore[arg-type]
    await page.goto(f"{world.url}/inbox/login")
    await page.fill("#user", OPERATOR)
    await page.fill("#password", PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{world.url}/inbox")
    return page


async def main(target: Path) -> None:
    """Take all of them."""
    executable = chromium()
    assert executable is not None, "Chromium is not installed (apt-get install chromium)"
    with tempfile.TemporaryDirectory() as directory:
        policy = Path(directory) / "bighub_policy.yaml"
        policy.write_text(POLICY)
        plane, clock = ControlPlane.open(sqlite_url(Path(directory) / "bighub.db"), policy, sealing=SEALING), Clock()
        plane.clock = clock
        async with inhabited_inbox(plane, clock) as world, browsing(executable) as browser:
            pages: dict[tuple[int, str], Page] = {}
            for picture in PICTURES:
                look = (picture.width, picture.scheme)
                page = pages[look] = pages.get(look) or await _page(browser, world, picture)
                await page.goto(world.url + picture.address.format(**world.ids))
                for frame in await page.locator("iframe").all() if picture.part else ():
                    await frame.scroll_into_view_if_needed()
                    await frame.content_frame.locator("body").wait_for()
                shown = page.locator(picture.part) if picture.part else page
                await shown.screenshot(path=target / f"{picture.name}.png")
            (target / MADE_OF).write_text(written(await made_of(world)))
        plane.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]) if sys.argv[1:] else IMAGES))
