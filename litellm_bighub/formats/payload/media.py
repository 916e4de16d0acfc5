"""Putting another image or file in the place of one, in the shape that its place has.

A guardrail answers with a link, a data URL or bare Base64. Where a type of media stands beside the data, it is written
too; where a link stands in a source that names its type, that becomes one of Base64. Another id means another file,
which only its provider knows.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Final

from litellm_bighub.domain.payload import Payload
from litellm_bighub.formats.payload.fields import get

_DATA_URL: Final = re.compile(r"data:([^;,]+)(?:;[^;,]+)*;base64,(.+)", re.DOTALL | re.IGNORECASE)
_LINK: Final = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_BARE: Final = frozenset({"result", "b64_json", "partial_image_b64"})
"""Fields of bare Base64 beside which no type of media stands."""


def replacement(owner: Payload, key: str | int, before: str, after: str) -> Mapping[str | int, Payload]:
    """The fields to write, with `None` for those that are left out.

    Raises:
        ValueError: it cannot stand there.
    """
    told, is_link = _DATA_URL.fullmatch(after), _LINK.fullmatch(after) is not None
    if key == "file_id":
        raise ValueError("an id")
    if _LINK.match(before) or before[:5].lower() == "data:":
        if told and key == "url" and get(owner, "type") == "url":
            return {"type": "base64", "media_type": told[1], "data": told[2], "url": None}
        if told or is_link:
            return {key: after}
        raise ValueError("no link")
    if told is None:
        base64.b64decode(before, validate=True)
        base64.b64decode(after, validate=True)
        return {key: after}
    for media_type in ("media_type", "mimeType"):
        if get(owner, media_type) is not None:
            return {media_type: told[1], key: told[2]}
    if key == "file_data":
        return {key: after}
    if key in _BARE:
        return {key: told[2]}
    raise ValueError("no type of media")
