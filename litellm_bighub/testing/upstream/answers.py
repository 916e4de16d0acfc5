"""What a scripted upstream can answer: items, an error, or events word for word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from litellm_bighub.testing.upstream.items import Item


@dataclass(frozen=True, slots=True)
class Pace:
    """How a stream comes.

    Attributes:
        delta_size: characters in a delta, at least 1.
        delay_seconds: waited before each delta, or each chunk of chat; what only frames them comes at once.
        cut_after: the connection is cut after that many events; `None` lets the stream end well. A whole answer is cut
            before its first byte, whatever the number.
    """

    delta_size: int = 12
    delay_seconds: float = 0.0
    cut_after: int | None = None


@dataclass(frozen=True, slots=True)
class Output:
    """The model answers with these items, whole or streamed as the client asks.

    Attributes:
        items: made by `litellm_bighub.testing.text`, `function_call` and their like, or written as dicts.
        status: how the response ends.
        pace: how it is streamed.
        headers: sent beside its own.
    """

    items: Sequence[Item]
    status: Literal["completed", "incomplete", "failed"] = "completed"
    pace: Pace = field(default_factory=Pace)
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failure:
    """The upstream refuses with an HTTP status and OpenAI's error body.

    Attributes:
        status_code: the HTTP status.
        message: what the body says.
        code: the error's code in the body.
        headers: as in `{"retry-after": "1"}`.
    """

    status_code: int
    message: str = "scripted failure"
    code: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verbatim:
    """Exactly these events if the client streams, and exactly this body if it does not.

    Attributes:
        events: of a stream.
        body: of a whole answer.
        pace: how the events come.
        form: `stream` or `whole` answers so whatever the client asks for.
        raw: these bytes in place of the events, as they stand.
    """

    events: Sequence[Item] = ()
    body: Item = field(default_factory=dict)
    pace: Pace = field(default_factory=Pace)
    form: Literal["asked", "stream", "whole"] = "asked"
    raw: bytes | None = None


Answer: TypeAlias = Output | Failure | Verbatim
