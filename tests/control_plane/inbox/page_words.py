"""A page as it is read: its words without markup."""

from __future__ import annotations

import html
import re

import httpx


def words(page: httpx.Response) -> str:
    """The words of the main part, with single blanks between them."""
    main = page.text[page.text.index("<main") :]
    text = " ".join(html.unescape(re.sub(r"<[^>]*>", " ", main)).split())
    return re.sub(r" (?=[,.:;])", "", text)
