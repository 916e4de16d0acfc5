"""An authenticator app, and a browser that logs in with it."""

from __future__ import annotations

import base64
import html
import re
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from tests.control_plane.inbox.conftest import PASSWORD

PAGE = "/inbox/people/totp"


class App:
    """Shows codes of a secret."""

    def __init__(self, secret, clock):
        self._totp = TOTP(base64.b32decode(secret), 6, SHA1(), 30)
        self._clock = clock

    @classmethod
    def of_address(cls, address, clock):
        return cls(parse_qs(urlsplit(address).query)["secret"][0], clock)

    def code(self, drift=0):
        return self._totp.generate(int(self._clock() + drift)).decode()


def field(page, name):
    """What a form of the page holds."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found, page.text
    return html.unescape(found[1])


async def enrolled(client, clock, password=PASSWORD):
    """Enrols whoever is logged in; gives their app and recovery codes."""
    page = await client.get(PAGE)
    app = App(re.search(r"<code>([A-Z2-7]{32})</code>", page.text)[1], clock)
    form = {"csrf": field(page, "csrf"), "candidate": field(page, "candidate")}
    done = await client.post(PAGE, data={**form, "password": password, "code": app.code()})
    return app, re.findall(r"<code>([a-z2-7-]{19})</code>", done.text)
