"""What the upstream saw: each request as it arrived."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from litellm_bighub.testing.upstream.items import Item

_PROMPTS: Final = ("input", "messages", "prompt", "query")


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it arrived.

    Attributes:
        method: `GET` or `POST`.
        path: as in `/v1/responses`.
        headers: with lower-case names.
        body: the JSON object that was sent, empty if there was none.
        query: behind the path, still escaped.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: Item
    query: str = ""

    @property
    def model(self) -> str:
        """The model that was asked for."""
        return str(self.body.get("model", ""))

    @property
    def stream(self) -> bool:
        """Whether the client asked for a stream."""
        return self.body.get("stream") is True

    @property
    def prompt(self) -> str:
        """The last text that the model was given: the user's, or a tool's output when that came last."""
        given = next((self.body[key] for key in _PROMPTS if key in self.body), "")
        last = given[-1] if isinstance(given, list) and given else given
        return _text(last)

    @property
    def input_items(self) -> list[Item]:
        """The input of a Responses request as items; a text alone is the user's message."""
        given = self.body.get("input", "")
        items = given if isinstance(given, list) else [{"role": "user", "content": given}]
        return [_message(item) if "role" in item else item for item in items]

    @property
    def raw(self) -> str:
        """The whole body as text, to look for what must not have come through."""
        return json.dumps(self.body, ensure_ascii=False)


def _message(item: Item) -> Item:
    said = item.get("content")
    parts = [{"type": "input_text", "text": said}] if isinstance(said, str) else said
    return {"type": "message", **item, "content": parts}


def _text(value: Any) -> str:
    """All text of an input item, whichever key its type keeps it under."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return " ".join(filter(None, map(_text, value)))
    if isinstance(value, dict):
        return next((_text(value[key]) for key in ("content", "text", "output") if value.get(key)), "")
    return ""
