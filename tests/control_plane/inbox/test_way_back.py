from __future__ import annotations

import pytest

from litellm_bighub.control_plane.inbox.way_back import way_back

PAGES = ["/inbox", "/inbox/approvals/apr_1", "/inbox/decisions?tool=a%20b&before=3", "/inbox/charts", "/inbox/policy"]
ELSEWHERE = [
    "",
    "//evil.invalid",
    "https://evil.invalid/inbox",
    "/inbox//evil.invalid",
    "/inbox/../v1",
    "/inbox\\@evil",
]
NO_PAGES = [
    "/inbox/stream",
    "/inbox/logout",
    "/inbox/approvals/apr_1\n",
    "/inbox/approvals/a/b",
    "/inbox?x=\r\nSet-Cookie:",
]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_of_the_inbox_is_gone_back_to(page):
    assert way_back(page) == page


@pytest.mark.parametrize("text", [*ELSEWHERE, *NO_PAGES])
def test_anything_else_leads_to_the_inbox(text):
    assert way_back(text) == "/inbox"
