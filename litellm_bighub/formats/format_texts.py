"""Where the texts of a wire format are, as a part of its record."""

from __future__ import annotations

from collections.abc import Callable, Collection, MutableMapping, Sequence, Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Protocol

from litellm_bighub.domain.payload import Payload
from litellm_bighub.errors import PayloadError
from litellm_bighub.formats.payload.slots import Found, LoneText, Slot, Where
from litellm_bighub.formats.stream.event_texts import EventTexts
from litellm_bighub.formats.stream.text_gate import StreamTextGate
from litellm_bighub.formats.stream.text_part import Mode


class RequestFinder(Protocol):
    """Finds the texts of a request."""

    def __call__(
        self,
        data: MutableMapping[str, Any],
        /,
        *,
        skip_roles: Collection[str] = (),
        unsent: AbstractSet[str] = frozenset(),
    ) -> Found:
        """Everything that a caller, a tool or an earlier turn wrote into it.

        Args:
            data: the arguments of the request.
            skip_roles: roles whose messages are out of the guardrail's scope.
            unsent: names of fields that no provider gets.

        Raises:
            PayloadError: it cannot be read.
        """
        ...


class LoneTextFinder(Protocol):
    """Looks quickly for the only text of a request."""

    def __call__(self, data: MutableMapping[str, Any], /, *, unsent: AbstractSet[str] = frozenset()) -> LoneText | None:
        """The text if it is alone; `None` says only that this request is not so simple."""
        ...


@dataclass(frozen=True, slots=True)
class ScannedCall:
    """A tool call as a guardrail is handed it, with where its name and arguments are written back.

    Attributes:
        call_id: the call's id, whatever the payload says it is.
        name: of the tool, or of the kind of call.
        arguments: a text.
        named: where the name stands, `None` if the call has none.
        told: where the arguments stand, `None` if they are no text there.
    """

    call_id: Payload
    name: str
    arguments: str
    named: Slot | None
    told: Slot | None


def _everything(item: object, skip_roles: Collection[str]) -> bool:
    del item, skip_roles
    return True


def _not_alone(payload: object, /, *, unsent: AbstractSet[str] = frozenset()) -> LoneText | None:
    del payload, unsent
    return None


def _no_event(event: object) -> EventTexts:
    raise PayloadError("stream", f"is none of this format, in which a {type(event).__name__} is no event")


def _no_stream(mode: Mode) -> StreamTextGate:
    raise PayloadError("stream", f"is none of this format, of which {type(mode).__name__} could hold nothing back")


def _no_calls(items: object, root: str) -> Sequence[ScannedCall]:
    del items, root
    return ()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class FormatTexts:
    """Where the texts of a format's requests, answers and streams are.

    Attributes:
        call_types: LiteLLM's names of the requests that hold texts.
        in_request: finds the texts of a request.
        in_answer: finds the texts of a whole answer.
        in_item: finds the texts of one item (message, block) that stands at a place.
        in_scope: whether an item is to be looked into when messages of some roles are not.
        lone_in_request: the quick way to the only text of a request.
        lone_in_answer: the quick way to the only text of an answer.
        calls: the tool calls in a list of items that stands in the named field, for guardrails that want calls.
        read: what an event of a stream tells of texts.
        gate: a new gate for a stream.
        settle: puts right what stands beside the texts of an answer, after some of them were rewritten.
        answer_items: the field of an answer in whose items its calls are.
        has_chat_items: whether conversation and tools have the form that guardrails know, that of chat completions.
    """

    call_types: Sequence[str]
    in_request: RequestFinder
    in_answer: Callable[[object], Found]
    in_item: Callable[[object, Where], Found]
    in_scope: Callable[[object, Collection[str]], bool] = _everything
    lone_in_request: LoneTextFinder = _not_alone
    lone_in_answer: Callable[[object], LoneText | None] = _not_alone
    calls: Callable[[object, str], Sequence[ScannedCall]] = _no_calls
    read: Callable[[object], EventTexts] = _no_event
    gate: Callable[[Mode], StreamTextGate] = _no_stream
    settle: Callable[[object, Found], None] | None = None
    answer_items: str = "output"
    has_chat_items: bool = False
