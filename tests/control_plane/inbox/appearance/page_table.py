"""Every page, by the route that answers it, in each state in which people see it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from playwright.async_api import Page, expect

from tests.control_plane.inbox.appearance.inhabited_inbox import FACTORED, World
from tests.control_plane.inbox.conftest import PASSWORD
from tests.control_plane.inbox.second_factor.authenticator import App

Reach: TypeAlias = Callable[[Page, World], Awaitable[object]]
"""Brings a browser to a page."""


@dataclass(frozen=True, slots=True)
class PageState:
    """A page in one state.

    Attributes:
        name: of the state.
        reach: brings a browser to it.
        logged_in: whether the browser is one that is.
        without: a selector of what other states show alike; it would cost minutes to look at it again.
    """

    name: str
    reach: Reach
    logged_in: bool = True
    without: str = ""


def _at(address: str) -> Reach:
    """The address, with ids of the world in braces."""

    async def reach(page: Page, world: World) -> None:
        await page.goto(world.url + address.format(**world.ids))

    return reach


def _sent(action: str, start: str = "/inbox", **fields: str) -> Reach:
    """What answers a form that is sent from a page."""

    async def reach(page: Page, world: World) -> None:
        await page.goto(world.url + start)
        found = page.locator("input[name=csrf]").first
        csrf = await found.input_value() if await found.count() else ""
        form = [action.format(**world.ids), {"csrf": csrf, **fields}]
        async with page.expect_navigation():
            await page.evaluate(_SEND, form)

    return reach


_SEND: Final = """([action, fields]) => {
  const form = Object.assign(document.createElement("form"), { method: "post", action });
  for (const [name, value] of Object.entries(fields)) {
    form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
  }
  document.body.append(form);
  form.submit();
}"""


async def _with_gone_server(page: Page, world: World) -> None:
    await page.route("**/inbox/stream?*", lambda route: route.abort())
    await page.route("**/inbox?*fragment=true*", lambda route: route.abort())
    await page.goto(f"{world.url}/inbox")
    await expect(page.locator("#gone")).to_be_visible()
    await page.unroute_all()


async def _with_provider_down(page: Page, world: World) -> None:
    world.provider.is_down = True
    await page.goto(f"{world.url}/inbox/login/provider")
    world.provider.is_down = False


async def _let_in_by_the_provider(page: Page, world: World) -> None:
    await page.route(f"{world.url}/inbox", lambda route: route.fulfill(status=204))  # it leads on at once
    await page.goto(f"{world.url}/inbox/login/provider")
    await expect(page.get_by_role("link", name="Go on")).to_be_visible()


async def _asked_for_a_code(page: Page, world: World) -> None:
    await page.goto(f"{world.url}/inbox/login")
    await page.fill("#user", FACTORED)
    await page.fill("#password", PASSWORD)
    async with page.expect_navigation():
        await page.keyboard.press("Enter")


async def _with_recovery_codes(page: Page, world: World) -> None:
    await _asked_for_a_code(page, world)  # not yet: she is enrolled below
    await page.goto(f"{world.url}/inbox/people/totp")
    world.secrets[FACTORED] = await page.locator("details code").text_content() or ""
    await page.fill("#password", PASSWORD)
    await page.fill("#code", App(world.secrets[FACTORED], world.clock).code())
    await page.keyboard.press("Enter")
    await expect(page.locator(".codes li")).not_to_have_count(0)


async def _with_a_wrong_code(page: Page, world: World) -> None:
    await _asked_for_a_code(page, world)
    await page.fill("#code", "123456")
    async with page.expect_navigation():
        await page.keyboard.press("Enter")


async def _with_a_second_factor(page: Page, world: World) -> None:
    await _asked_for_a_code(page, world)
    world.clock.now += 60  # a code counts once
    await page.fill("#code", App(world.secrets[FACTORED], world.clock).code())
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{world.url}/inbox")
    await page.goto(f"{world.url}/inbox/people/totp")


PAGES: Final[Mapping[str, tuple[PageState, ...]]] = {
    "GET /inbox/login": (PageState("name and password", _at("/inbox/login"), logged_in=False),),
    "POST /inbox/login": (
        PageState("wrong", _sent("/inbox/login", "/inbox/login", user="kim", password="no"), logged_in=False),
    ),
    "GET /inbox/login/provider": (PageState("provider down", _with_provider_down, logged_in=False),),
    "GET /inbox/login/provider/callback": (
        PageState("refused", _at("/inbox/login/provider/callback?code=x&state=y"), logged_in=False),
        PageState("let in", _let_in_by_the_provider, logged_in=False),
    ),
    "GET /inbox": (
        PageState("every kind of call, a kill switch", _at("/inbox")),
        PageState("a group, a note", _at("/inbox?tool=post_message&actor=key:status-agent&rule=&note=approved")),
        PageState("nothing found, too late", _at("/inbox?q=is-nowhere&note=refused_expired")),
        PageState("server gone", _with_gone_server, without="article.call"),
    ),
    "GET /inbox/approvals/{approval_id}": (
        *(PageState(kind, _at(f"/inbox/approvals/{{{kind}}}")) for kind in ("amount", "half")),
        PageState("no such call", _at("/inbox/approvals/x")),
    ),
    "POST /inbox/approvals/{approval_id}": (
        PageState(
            "answer missing",
            _sent("/inbox/approvals/{text}", verdict="respond", comment="as typed"),
            without="article.call:not(:has(.comment[value]:not([value=''])))",
        ),
        PageState(
            "gone, with what was typed",
            _sent("/inbox/approvals/apr_x", verdict="deny", comment="as typed"),
            without="article.call",
        ),
    ),
    "POST /inbox/approvals/{approval_id}/show": (
        PageState("shown", _sent("/inbox/approvals/{votes}/show", argument="iban")),
        PageState("refused", _sent("/inbox/approvals/{votes}/show", argument="none")),
    ),
    "GET /inbox/decisions": (
        PageState("all", _at("/inbox/decisions")),
        PageState("none", _at("/inbox/decisions?tool=none")),
    ),
    "GET /inbox/decisions/{decision_id}": tuple(
        PageState(name, _at(f"/inbox/decisions/{{{name}}}")) for name in ("used", "denied", "waiting", "blocked")
    ),
    "GET /inbox/decisions/{decision_id}/always": tuple(
        PageState(name, _at(f"/inbox/decisions/{{{name}}}/always")) for name in ("waiting", "denied")
    ),
    "POST /inbox/decisions/{decision_id}/always": (
        PageState("changed meanwhile", _sent("/inbox/decisions/{waiting}/always", shown="x")),
    ),
    "GET /inbox/charts": (
        PageState("a day", _at("/inbox/charts")),
        PageState("90 days", _at("/inbox/charts?span=90d")),
    ),
    "GET /inbox/policy": (PageState("in force", _at("/inbox/policy")),),
    "GET /inbox/policy/explain": (
        PageState("empty", _at("/inbox/policy/explain")),
        PageState("a decision", _at("/inbox/policy/explain?decision={waiting}")),
    ),
    "POST /inbox/policy/explain": (
        PageState("refused", _sent("/inbox/policy/explain", tool="x", type="function", arguments="{")),
        PageState(
            "explained",
            _sent("/inbox/policy/explain", tool="shell", type="shell", arguments='{"action": {"command": ["ls"]}}'),
        ),
    ),
    "GET /inbox/kill-switch": (PageState("one on", _at("/inbox/kill-switch")),),
    "POST /inbox/kill-switch": (PageState("no reason", _sent("/inbox/kill-switch", scope="global", reason=" ")),),
    "GET /inbox/people": (PageState("users and sessions", _at("/inbox/people")),),
    "POST /inbox/people/password": (
        PageState("wrong", _sent("/inbox/people/password", old="no", new="long enough to count")),
    ),
    "GET /inbox/people/totp": (PageState("to enrol", _at("/inbox/people/totp")),),
    "POST /inbox/people/totp": (
        PageState("refused", _sent("/inbox/people/totp", code="1")),
        PageState("recovery codes", _with_recovery_codes, logged_in=False),
    ),
    "POST /inbox/login/code": (
        PageState("asked", _asked_for_a_code, logged_in=False),
        PageState("wrong", _with_a_wrong_code, logged_in=False),
        PageState("late", _sent("/inbox/login/code", "/inbox/login", code="1"), logged_in=False),
    ),
    "POST /inbox/people/totp/remove": (
        PageState("has one", _with_a_second_factor, logged_in=False),
        PageState("refused", _sent("/inbox/people/totp/remove", code="1")),
    ),
    "GET /docs": (PageState("API", _at("/docs"), without="section.card:nth-of-type(n+9)"),),
}
NO_PAGES: Final = {
    "GET /": "leads to the inbox",
    "GET /health/live": "data",
    "GET /health/ready": "data",
    "GET /inbox/stream": "events",
    "GET /inbox/decisions/export": "a file",
    "POST /inbox/approvals": "leads back with a note",
    "POST /inbox/logout": "leads to the login",
    "POST /inbox/kill-switch/{switch_id}": "leads back with a note",
    "POST /inbox/people/users/{user_id}": "leads back with a note",
    "POST /inbox/people/sessions/{session_id}": "leads back with a note",
}
"""What else the app answers beside its HTTP API, and why nobody looks at it."""
