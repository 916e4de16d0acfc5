"""Takes the pictures of the documentation: `python -m tests.control_plane.inbox.screenshots docs/images`."""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path

from litellm_bighub.control_plane.http.api_keys import make_key
from litellm_bighub.control_plane.http.app import create_app
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.database import sqlite_url
from litellm_bighub.domain.call import CallContext, ToolCall
from tests.control_plane.inbox.browser import browsing, chromium, log_in
from tests.control_plane.inbox.conftest import PERSON, POLICY
from tests.control_plane.serving import serving


class Later:
    """A clock that can be set back, so that there is a day to look at."""

    def __init__(self) -> None:
        self.back = 0.0

    def __call__(self) -> float:
        return time.time() - self.back


async def fill(plane: ControlPlane, clock: Later) -> None:
    """A day of a billing agent and its colleagues."""
    chance = random.Random(7)
    for hour in range(23, -1, -1):
        clock.back = hour * 3600.0 + 60
        for _ in range(chance.randint(1, 14)):
            tool = chance.choice(["refund", "lookup_order", "lookup_customer", "delete_account"])
            amount = chance.choice([20, 45, 120, 8000])
            call = ToolCall("call", "function", tool, {"amount": amount, "order": "A-1023"}, value=amount)
            await plane.decide(call, CallContext(actor="billing-agent", domain="customer_transactions"))
    clock.back = 0
    context = CallContext(
        "billing-agent", "customer_transactions", user="kim", model="gpt-5.2", surface="/v1/responses"
    )
    arguments = {"amount": 1250, "order": "A-1023", "reason": "arrived broken", "card_number": "4111 1111 1111 1111"}
    await plane.decide(ToolCall("call_7", "function", "refund", arguments, value=1250, target="A-1023"), context)
    people = CallContext("hr-agent", "hr", user="sam", model="gpt-5.2")
    call = ToolCall("call_8", "function", "update_salary", {"employee": "E-77", "monthly": 5400, "from": "2027-01-01"})
    await plane.decide(call, people)


async def main(target: Path) -> None:
    with tempfile.TemporaryDirectory() as directory:
        policy = Path(directory) / "bighub_policy.yaml"
        policy.write_text(POLICY)
        plane = ControlPlane.open(sqlite_url(Path(directory) / "bighub.db"), policy)
        clock = Later()
        plane.clock = clock
        await fill(plane, clock)
        _, secret = await make_key(plane, "ann", PERSON, by="screenshots")
        executable = chromium()
        assert executable is not None
        async with serving(create_app(plane)) as url, browsing(executable) as browser:
            for scheme in ("light", "dark"):
                page = await log_in(browser, url, secret, color_scheme=scheme, viewport={"width": 1100, "height": 800})
                for name in ("inbox", "decisions", "policy", "charts"):
                    path = "/inbox" if name == "inbox" else f"/inbox/{name}"
                    await page.goto(url + path)
                    await page.screenshot(path=target / f"{name}-{scheme}.png", full_page=name != "decisions")
            page = await log_in(browser, url, secret, viewport={"width": 390, "height": 844})
            await page.screenshot(path=target / "inbox-narrow.png")
            await page.click("a:has-text('Details') >> nth=-1")
            await page.screenshot(path=target / "decision-narrow.png")
        plane.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
