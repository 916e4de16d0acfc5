"""`RequestScope`: what our hooks know of the current request.

LiteLLM's signatures have no place for it, so one context variable carries it. A task inherits the scope in which it was
started, and its changes stay its own. Code that sets a field for a while resets only that field, since other code may
have changed the other fields meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from starlette.types import Receive

from litellm_bighub.checks.text_check import InputType
from litellm_bighub.deciders.ledger.conversation_history import FollowedConversation
from litellm_bighub.domain.event import DecisionEvent
from litellm_bighub.domain.payload import JsonMapping, JsonObject

if TYPE_CHECKING:
    from litellm_bighub.gateway.conversation.note_check import NoteCheck
    from litellm_bighub.gateway.hooks.translation.stream_scan import StreamScan
    from litellm_bighub.gateway.pipeline.server_side_calls import ServerSideCalls

CallName: TypeAlias = "tuple[str, str, str]"
"""A call's id, tool and digest."""


@dataclass(slots=True)
class ScopedConversation:
    """What is known of a request's conversation. All tasks that the request starts share it, and add to it."""

    known: FollowedConversation


class RequestScope(NamedTuple):
    """The scope of one request. It is a tuple, which is changed twice as fast as a dataclass: streams change it often.

    Attributes:
        connection: receives the message that the client has left.
        calls_in_code: whether a governed function decides on the tool calls, so that callbacks do not.
        texts_in_code: whether a governed function checks the texts, so that callbacks do not.
        decisions: collects decisions for LiteLLM's logging.
        note_check: checks what people write to the agent, with the text guardrails of the request.
        server_side_calls: the server-side calls of the stream whose next event is awaited.
        released: the tool calls that the last call in code has released.
        stream_scans: what guardrails have seen of streams on LiteLLM's unified path, by the identity of their events.
        turn: a request, and what its answer goes on from, as in `CallContext`.
        conversation: what came back in the conversation; `None` if nobody looked.
        calls: the tools of earlier calls of which results may stand in the request, by the calls' ids.
        extraction: the request and the side that an override point extracts texts for.
    """

    connection: Receive | None = None
    calls_in_code: bool = False
    texts_in_code: bool = False
    decisions: list[DecisionEvent] | None = None
    note_check: NoteCheck | None = None
    server_side_calls: ServerSideCalls | None = None
    released: frozenset[CallName] = frozenset()
    stream_scans: dict[int, StreamScan] | None = None
    turn: tuple[JsonMapping, str] | None = None
    conversation: ScopedConversation | None = None
    calls: Mapping[str, str] | None = None
    extraction: tuple[JsonObject, InputType] | None = None

    @property
    def outputs(self) -> str | None:
        """The tools whose results came back in the conversation, as in `CallContext`; `None` if nobody looked."""
        return None if self.conversation is None else self.conversation.known.outputs

    @property
    def history(self) -> str:
        """Facts about the calls of the conversation, as in `CallContext`."""
        return "" if self.conversation is None else self.conversation.known.history


_NOTHING: Final = RequestScope()
_scope: ContextVar[RequestScope] = ContextVar("litellm_bighub_request_scope", default=_NOTHING)


def request_scope() -> RequestScope:
    """The scope of the current task."""
    return _scope.get()


def enter(scope: RequestScope) -> None:
    """Replace the scope of the current task."""
    _scope.set(scope)
