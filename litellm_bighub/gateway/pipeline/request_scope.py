"""`RequestScope`: what our hooks know of the request that is being served.

LiteLLM's signatures have no place for it, so one context variable carries it. A task that is started within a scope
inherits it, and what that task changes is its own. Whoever opens a part of the scope for a while closes that part
alone, since others may have changed theirs meanwhile.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from starlette.types import Receive

from litellm_bighub.checks.text_check import InputType
from litellm_bighub.domain.event import DecisionEvent
from litellm_bighub.domain.payload import JsonObject

if TYPE_CHECKING:
    from litellm_bighub.gateway.hooks.stream_scan import StreamScan
    from litellm_bighub.gateway.pipeline.server_side_calls import ServerSideCalls

CallName: TypeAlias = "tuple[str, str, str]"
"""A call's id, tool and digest."""


class RequestScope(NamedTuple):
    """One request's. A tuple is changed in less than half of a dataclass's time, and a stream changes it often.

    Attributes:
        connection: where the server tells that the client has left.
        calls_in_code: whether a function of ours decides on the tool calls, and no callback does.
        texts_in_code: whether a function of ours checks the texts, and no callback does.
        decisions: collects the decisions that LiteLLM's logging is told of.
        server_side_calls: those of the stream whose next event is awaited.
        released: the calls that the last call in code has released.
        stream_scans: what guardrails have seen of streams on LiteLLM's unified path, by the identity of their events.
        extraction: the request and the side that an override point extracts texts for.
    """

    connection: Receive | None = None
    calls_in_code: bool = False
    texts_in_code: bool = False
    decisions: list[DecisionEvent] | None = None
    server_side_calls: ServerSideCalls | None = None
    released: frozenset[CallName] = frozenset()
    stream_scans: dict[int, StreamScan] | None = None
    extraction: tuple[JsonObject, InputType] | None = None


_NOTHING: Final = RequestScope()
_scope: ContextVar[RequestScope] = ContextVar("litellm_bighub_request_scope", default=_NOTHING)


def request_scope() -> RequestScope:
    """The scope of this task."""
    return _scope.get()


def enter(scope: RequestScope) -> None:
    """Put a changed scope in the place of this task's."""
    _scope.set(scope)
