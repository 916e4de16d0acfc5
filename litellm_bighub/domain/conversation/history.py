"""What came back in a conversation: the tools whose results a model has read, and how conversations are known again.

A history hangs on marks: the ids of answers, of the provider's conversations, and of calls. Each mark holds what had
come back when it was written; a request has what its marks hold together, and what it brings itself. Nothing is ever
taken from a mark. Where rules ask for earlier calls, marks hold facts about these, too (`domain.conversation.fact`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Final, Literal, TypeAlias

from litellm_bighub.domain.call import CallContext
from litellm_bighub.domain.conversation.fact import FollowedCall, Span, facts_of, folded, spans
from litellm_bighub.domain.payload import JsonMapping, JsonObject

UNKNOWN_TOOL: Final = "\t"
"""In place of the tool of a result whose call nobody knows: it may have been any. No name of a tool is that."""
LABEL: Final = ":"
"""What begins with it is a label itself, and no tool; examples and people who try a rule name labels."""

Returned: TypeAlias = Mapping[str, float]
"""The tools whose results came back, each with the last time, POSIX seconds."""


@dataclass(frozen=True, slots=True)
class FreshHistory:
    """What holds for turns that nothing ties to earlier ones.

    Attributes:
        seconds: what came back in all conversations of the same key and user so long ago; 0 for nothing.
        calls: the earlier calls that rules ask for; `None` if none does, and none counts calls by conversation.
        of_caller: whether rules ask for calls of the same key and user, in whichever conversation.
        compared: where the arguments stand of the call that is judged which rules compare with earlier ones.
    """

    seconds: float = 3600.0
    calls: tuple[FollowedCall, ...] | None = None
    of_caller: bool = False
    compared: tuple[tuple[str, ...], ...] = ()

    def as_dict(self) -> JsonObject:
        """As a control plane tells it to gateways that ask over HTTP."""
        calls = None if self.calls is None else [asdict(call) for call in self.calls]
        return {"seconds": self.seconds, "calls": calls, "of_caller": self.of_caller, "compared": self.compared}

    @classmethod
    def from_dict(cls, told: JsonMapping) -> FreshHistory:
        """As a control plane has told it.

        Raises:
            ValueError: it is not what `as_dict` gives. A newer control plane may tell more, which is left out.
        """
        match told:
            case {
                "seconds": int() | float() as seconds,
                "calls": None | list() as calls,
                "of_caller": bool() as of_caller,
                "compared": list() as compared,
            }:
                followed = None if calls is None else tuple(map(_followed, calls))
                return cls(float(seconds), followed, of_caller, tuple(map(_texts, compared)))
            case _:
                raise ValueError("this is no description of a history")


def _followed(told: object) -> FollowedCall:
    match told:
        case {"tools": tools, "fields": names}:
            return FollowedCall(_texts(tools), _texts(names))
        case _:
            raise ValueError("this describes no earlier call")


def _texts(told: object) -> tuple[str, ...]:
    match told:
        case [*texts] if all(isinstance(text, str) for text in texts):
            return tuple(map(str, texts))
        case _:
            raise ValueError("this is no list of texts")


def mark(kind: Literal["answer", "conversation", "call", "caller", "thread"], *names: str) -> str:
    """The mark of a thing, of the same length for all."""
    return hashlib.sha256(json.dumps([kind, *names]).encode()).hexdigest()


def marks_of_place(response_id: str, conversation: str) -> set[str]:
    """The marks of an answer and of a provider's conversation. What they hold goes with them, whoever goes on."""
    marks = {mark("answer", response_id)} if response_id else set[str]()
    return marks | {mark("conversation", conversation)} if conversation else marks


def own_marks(response_id: str, conversation: str, context: CallContext) -> set[str]:
    """Tell an answer and a conversation as this caller's: another's id ties nobody to a clean history."""
    named = (("of answer", response_id), ("of conversation", conversation))
    return {mark("caller", *_owner(context), kind, name) for kind, name in named if name}


def marks_of_calls(call_ids: Iterable[str], context: CallContext) -> set[str]:
    """The marks of a caller's calls: models use such ids again, so another caller's call is another one."""
    return {mark("call", *_owner(context), call_id) for call_id in call_ids if call_id}


def mark_of_caller(context: CallContext) -> str:
    """The mark of everything that a key and user has got back."""
    return mark("caller", *_owner(context))


def spans_of(context: CallContext) -> tuple[Span, ...]:
    """What a call's conversation goes on from; nothing where nobody knows that."""
    return spans(facts_of(context.history) or {})


def marks_of_use(context: CallContext) -> set[str]:
    """The marks under which a call is counted."""
    return {span.mark for span in spans_of(context)} | {mark_of_caller(context)}


def merged(histories: Iterable[Returned]) -> dict[str, float]:
    """What came back in any of them, with the last times."""
    together: dict[str, float] = {}
    for history in {id(each): each for each in histories}.values():  # many are the same one
        for tool, time in history.items():
            if time >= together.get(tool, time):
                together[tool] = time
    return folded(together)


def told(tools: Iterable[str]) -> str:
    """Tools as a call's context has them."""
    return "\n".join(sorted(set(filter(None, tools))))


def as_returned(outputs: str, time: float) -> dict[str, float]:
    """The tools of a call's context as they are remembered."""
    return dict.fromkeys(filter(None, outputs.split("\n")), time)


def _owner(context: CallContext) -> tuple[str, str, str]:
    """A key and its user; whom neither names is told by the actor."""
    named = bool(context.key or context.user)
    return context.key, context.user, "" if named else context.actor
