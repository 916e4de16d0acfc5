"""Where a person was when their session ended: a page of the inbox, and nothing else."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlencode

from fastapi import Request

LOGIN: Final = "/inbox/login"
_PAGE: Final = re.compile(
    r"/inbox(?:/(?:approvals|decisions)(?:/[\w-]+)?|/charts|/kill-switch|/people(?:/totp)?|/policy(?:/explain)?)?(?:\?[\w%.~+=&:-]*)?",
    re.ASCII,
)


def way_back(text: str) -> str:
    """The page of the inbox that a text names; the inbox itself if it names none."""
    return text if _PAGE.fullmatch(text) else "/inbox"


def login_for(request: Request) -> str:
    """The login that leads back to what was asked for. An answer to a call, and a look at it, lead back to the call."""
    path = request.url.path.removesuffix("/show")
    query = request.url.query if request.method == "GET" else ""
    page = way_back(f"{path}?{query}" if query else path)
    return LOGIN if page == "/inbox" else f"{LOGIN}?{urlencode({'next': page})}"
