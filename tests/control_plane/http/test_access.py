"""Every page and endpoint, asked by everybody: who may not is refused, who may is not."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from starlette.routing import Mount

from litellm_bighub.control_plane.http.api_keys import make_key
from litellm_bighub.control_plane.http.app import create_app
from litellm_bighub.control_plane.http.sdk_extras import hosted_only
from litellm_bighub.control_plane.inbox.sessions import COOKIE
from litellm_bighub.control_plane.people.accounts import add_user
from litellm_bighub.control_plane.people.roles import AGENT, MEANINGS, ROLES, SCOPES
from litellm_bighub.control_plane.store.tables import keys, logins

PAGE = (Path(__file__).parents[3] / "docs/people.md").read_text()
EVERYBODY = ("nobody", "agent", *ROLES)
STREAM = "/inbox/stream"
FORMS = {
    "/inbox/approvals": {"verdict": "deny", "calls": ["apr_x 0"]},
    "/inbox/approvals/{approval_id}": {"verdict": "deny"},
    "/inbox/people/users/{user_id}": {"verdict": "disable"},
}
"""What a page's form must hold to be looked at."""
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def operations(routes):
    """Method and path of each route, those of routers within routers too."""
    for route in routes:
        within = getattr(route, "original_router", None)
        if within is not None:
            yield from operations(within.routes)
        elif isinstance(route, Mount):
            yield "GET", f"{route.path}/inbox.css"
        else:
            yield from ((method, route.path) for method in route.methods - {"HEAD"})


class Callers:
    """Asks an app as each of them: pages with a session of a user of that role, endpoints with a key of its scopes."""

    def __init__(self, plane):
        self.plane = plane
        self.app = create_app(plane)
        transport = httpx.ASGITransport(app=self.app)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://plane")
        self.users, self.keys = {}, {}

    async def set_up(self):
        _, self.keys["agent"] = await make_key(self.plane, "agent", AGENT, by="test")
        for role, scopes in ROLES.items():
            _, self.keys[role] = await make_key(self.plane, role, scopes, by="test")
            self.users[role] = await add_user(self.plane, role, "", roles=frozenset({role}), by="test")

    async def may(self, who, method, path):
        """Whether the caller is let in, whatever comes of the request then."""
        headers, form = {}, None
        if who in self.keys:
            headers["X-API-Key"] = self.keys[who]
        if who in self.users and path.startswith("/inbox"):
            cookie = await self.plane.write(
                lambda transaction: logins.start(transaction.connection, self.users[who], self.plane.clock())
            )
            session = await self.plane.read(lambda connection: logins.find(connection, cookie, self.plane.clock()))
            headers["Cookie"] = f"{COOKIE}={cookie}"
            form = {"csrf": session.csrf, **FORMS.get(path, {})} if method == "POST" else None
        if (method, path) == ("POST", "/inbox/login"):
            form = {"key": self.keys["auditor"]}
        holder = await self.plane.read(lambda connection: keys.find(connection, self.keys.get(who, "")))
        url = re.sub(r"{\w+}", holder.id if holder and path.endswith("/rotate") else "x", path)
        response = await self.http.request(method, url, headers=headers, data=form)
        if path.endswith("/rotate") and response.status_code == 200:
            self.keys[who] = response.json()["key"]
        to_login = response.status_code == 303 and response.headers["location"].startswith("/inbox/login")
        return response.status_code not in {401, 403} and (not to_login or (path == "/inbox/logout" and bool(form)))


@pytest.fixture
async def callers(open_plane):
    asking = Callers(open_plane("version: 1\nrules: [{name: all, tool: '*'}]\n"))
    await asking.set_up()
    yield asking
    await asking.http.aclose()


def rows(header):
    """The rows of a table of the page on people, by its first column."""
    table = PAGE.partition(f"| {header} |")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]


def documented():
    """Who may use what, as the page says it."""
    return {
        tuple(operation.split()): {who for who in EVERYBODY if f"{who}s" in cell or "everybody" in cell}
        for cell, operations_ in rows("who")
        for operation in re.findall(r"`([^`]+)`", operations_)
    }


def hosted():
    return set(operations(hosted_only.router.routes))


async def test_every_page_and_endpoint_stands_in_the_table(callers):
    assert documented().keys() == set(operations(callers.app.routes)) - hosted()


async def test_everybody_may_use_what_the_table_says_and_nothing_else(callers):
    other = {}
    for (method, path), who in documented().items():
        asked = EVERYBODY if path != STREAM else ("nobody", "agent")  # a stream has no end
        found = {one for one in asked if await callers.may(one, method, path)}
        if found != who & set(asked):
            other[method, path] = found
    assert other == {}


async def test_what_only_the_hosted_one_has_is_refused_to_everybody(callers):
    (method, path), *_ = sorted(hosted())
    assert (await callers.http.request(method, path)).status_code == 501


def test_the_scopes_of_each_role_are_documented(database_url):
    found = {role: set(re.findall(r"`([^`]+)`", scopes)) for role, _, scopes in rows("role")}
    assert found == {role: set(scopes) for role, scopes in ROLES.items()}


def test_every_scope_is_documented_in_the_words_of_the_command(database_url):
    assert [tuple(row) for row in rows("scope")] == [(f"`{scope}`", MEANINGS[scope]) for scope in SCOPES]
