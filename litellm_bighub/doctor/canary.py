"""The canaries: a tool call and secrets that must not reach the client, and how they are recognised."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

TOOL: Final = "litellm_bighub_canary"
HOSTED_TOOL: Final = "litellm_bighub_canary_tool"
"""A provider's own tool that there is not; the proof's policy blocks it by name."""

UNIT: Final = "q7zXwv"
"""The arguments are nothing but this, again and again: the smallest piece of them that a stream delivers holds it."""

ARGUMENTS: Final[Mapping[str, str]] = {"path": UNIT * 8}
PROMPT: Final = "litellm-bighub doctor asks for a canary"

SECRETS: Final[Mapping[str, str]] = {
    "an AWS access key": "AKIAIOSFODNN7QCANARY",
    "an e-mail address": "canary.q7@example.com",
    "a card number": "4111 1111 1111 1111",
    "a social security number": "536-90-4399",
    "a phone number": "+1 415 555 0132",
}
"""Made up, in the forms that guardrails look for."""

_TEXT_KEYS = frozenset({"delta", "content", "text", "partial_json", "output_text"})


def holds_call(received: bytes) -> bool:
    """Whether a piece of the canary's arguments came through."""
    return UNIT.encode() in received


def holds_secret(received: bytes, secret: str) -> bool:
    """Whether the secret came through, in one piece or in the deltas of a stream."""
    return any(each.encode() in received for each in spellings(secret)) or secret in "".join(_texts(received))


def spellings(secret: str) -> frozenset[str]:
    """The text as it stands in a payload: as it is, and as JSON writes it."""
    return frozenset({secret, *(json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False))})


def _texts(received: bytes) -> Iterator[str]:
    """All text in a stream's events, in order."""
    for line in received.splitlines():
        if line.startswith(b"data:"):
            try:
                event: Any = json.loads(line[5:])
            except ValueError:
                continue
            yield from _strings(event)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, child in value.items():
            if isinstance(child, str):
                if key in _TEXT_KEYS:
                    yield child
            else:
                yield from _strings(child)
    elif isinstance(value, list):
        for child in value:
            yield from _strings(child)
