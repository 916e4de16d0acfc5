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


def sent_from(request: Request) -> str:
    """The page whose form a request sends; empty if there is none but the inbox."""
    page = way_back(_page_of(request)) if request.method == "POST" else "/inbox"
    return "" if page == "/inbox" else page


def _page_of(request: Request) -> str:
    return request.url.path.removesuffix("/show")


def login_for(request: Request) -> str:
    """The login that leads back to what was asked for. An answer to a call, and a look at it, lead back to the call."""
    query = request.url.query if request.method == "GET" else ""
    page = way_back(f"{_page_of(request)}?{query}" if query else _page_of(request))
    return LOGIN if page == "/inbox" else f"{LOGIN}?{urlencode({'next': page})}"
