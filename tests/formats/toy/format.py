"""A wire format that no provider speaks: an answer is a list of turns, each of which says something or acts.

```
request   {"talk": ["pay", {"did": "a1", "with": "done"}]}
answer    {"turns": [{"say": "I pay."}, {"act": "pay", "id": "a1", "with": {"amount": 7}}]}
stream    {"turn": {"say": "I pay."}}, {"turn": {"act": …}}, {"end": "now"}
```

Its texts are what is said, in strings of a request and in turns.

```
```
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from litellm_bighub.domain.call import Arguments, ToolCall
from litellm_bighub.errors import UnreadableAnswerError
from litellm_bighub.formats.answers.answer_fields import FieldKind, FieldShape
from litellm_bighub.formats.answers.found_call import FoundCall, Replacements
from litellm_bighub.formats.format import Format, InCode
from litellm_bighub.formats.format_texts import FormatTexts
from litellm_bighub.formats.payload.fields import get
from litellm_bighub.formats.payload.slots import Found, Slot, TextKind, Where
from litellm_bighub.formats.requests.approval_note import approval_note
from litellm_bighub.formats.requests.repair import RequestRepair
from litellm_bighub.formats.requests.results import FoundResult, RequestResults
from litellm_bighub.formats.stream.event_texts import CarriedText, EventTexts, LastTexts, ToldTexts
from litellm_bighub.formats.stream.gate_protocol import (
    STREAM_ENDED,
    Ask,
    AskedCall,
    CallKey,
    Hold,
    Leaving,
    Outcome,
    Pass,
    Release,
    StreamGate,
    Withhold,
)
from litellm_bighub.formats.stream.listed_fields_gate import ListedFieldsGate
from litellm_bighub.formats.stream.text_gate import TextGate

_TURN = FieldShape(
    {
        **dict.fromkeys(("id", "act"), FieldKind.CALL),
        "say": FieldKind.TEXT,
        "with": FieldKind.CALL,
    }
)
_ANSWER = FieldShape({"turns": _TURN, "id": FieldKind.WORD})
_EVENT = FieldShape({"turn": _TURN, "end": FieldKind.WORD})


def _is_answer(response: object) -> bool:
    return get(response, "turns") is not None


def _check_answer(response: object) -> None:
    if not isinstance(get(response, "turns"), list):
        raise UnreadableAnswerError("turns is no list")


def _read_call(turn: Mapping[str, Any], path: str) -> ToolCall:
    return ToolCall(turn["id"], "function", turn["act"], turn["with"], path=path)


def _find_calls(response: object, _: Replacements) -> list[FoundCall]:
    turns = get(response, "turns")
    return [
        FoundCall(_read_call(turn, f"turns[{at}]"), partial(_edit, turns, at), partial(_withhold, turns, at))
        for at, turn in enumerate(turns)
        if "act" in turn
    ]


def _edit(turns: list[Any], at: int, arguments: Arguments) -> None:
    turns[at] = {**turns[at], "with": dict(arguments)}


def _withhold(turns: list[Any], at: int, withheld: Withhold) -> None:
    turns[at] = {"say": withheld.notice}


class _ToyGate:
    """Events leave in their order; a call is whole in one event, and what stands behind it waits for it."""

    def __init__(self, leaving: Leaving) -> None:
        self._leaving = leaving
        self._waiting: list[tuple[object, CallKey | None]] = []
        self._outcomes: dict[CallKey, Outcome] = {}
        self._asked = 0

    @property
    def unanswered(self) -> frozenset[CallKey]:
        return frozenset(key for _, key in self._waiting if key is not None and key not in self._outcomes)

    def feed(self, event: object) -> Release | Ask | Hold:
        turn = get(event, "turn")
        if turn is None and get(event, "end") is None:
            raise UnreadableAnswerError("an event is neither a turn nor the end")
        if turn is None or "act" not in turn:
            self._waiting.append((event, None))
            return self._drained()
        key = CallKey(self._asked)
        self._asked += 1
        self._waiting.append((event, key))
        return Ask((AskedCall(key, _read_call(turn, f"turn {key}")),))

    def answer(self, outcomes: Mapping[CallKey, Outcome]) -> Release:
        self._outcomes.update(outcomes)
        return self._drained()

    def finish(self, notice: str = STREAM_ENDED) -> Release:
        return self.answer(dict.fromkeys(self.unanswered, Withhold(notice)))

    def keep_alive(self) -> Release:
        return Release()

    def _drained(self) -> Release:
        out: list[object] = []
        while self._waiting and (self._waiting[0][1] is None or self._waiting[0][1] in self._outcomes):
            event, key = self._waiting.pop(0)
            made = event if key is None else self._made(event, self._outcomes[key])
            out += [] if made is None else [self._leaving(made)]
        return Release(tuple(out))

    def _made(self, event: object, outcome: Outcome) -> object:
        match outcome:
            case Pass(edited=edited):
                turn = get(event, "turn")
                return event if edited is None else {"turn": {**turn, "with": dict(edited)}}
            case Withhold(notice=notice):
                return None if outcome.vanishes else {"turn": {"say": notice}}


def _gate(_request: object, _new_item_id: Callable[[], str]) -> StreamGate:
    return ListedFieldsGate(_ToyGate, _EVENT)


class _ToyJoinedStream:
    """The next answer's turns stand before the one end."""

    def __init__(self) -> None:
        self._turns: list[object] = []
        self._ended = False
        self._following: object = None

    def hear(self, event: object) -> None:
        if get(event, "turn") is None:
            self._ended = True
        else:
            self._turns.append(get(event, "turn"))

    def heard(self) -> object:
        return {"turns": self._turns} if self._ended else None

    def accepts(self, answer: object) -> bool:
        return _is_answer(answer)

    def follow(self, answer: object) -> None:
        self._following = answer

    def in_place(self, withheld: Withhold) -> Withhold:
        del withheld
        return Withhold("")

    def passed(self, event: object) -> Sequence[object]:
        if get(event, "end") is None or self._following is None:
            return (event,)
        return [*({"turn": turn} for turn in get(self._following, "turns")), event]


def _brought(request: Mapping[str, Any]) -> RequestResults:
    results = [
        FoundResult(said["did"], f"talk[{at}]", said)
        for at, said in enumerate(request.get("talk", ()))
        if isinstance(said, Mapping) and "did" in said
    ]
    return RequestResults(tuple(results))


def _repaired(request: Mapping[str, Any], repair: RequestRepair) -> dict[str, Any]:
    notes = [approval_note(call) for call in repair.approved.values()]
    return {"talk": [*request["talk"], *notes]} if notes else {}


def _next_request(request: Mapping[str, Any], response: object, notices: Mapping[str, str]) -> dict[str, Any] | None:
    return {"talk": [*request["talk"], *get(response, "turns"), *notices.values()]}


def _in_request(data: Mapping[str, Any], **_: object) -> Found:
    talk = data.get("talk", [])
    where: Where = (None, "talk")
    said = [(at, turn) for at, turn in enumerate(talk) if isinstance(turn, str)]
    return Found([Slot(talk, at, turn, TextKind.TEXT, (where, at)) for at, turn in said])


def _in_turn(turn: Any, where: Where = None) -> Found:
    said = get(turn, "say")
    return Found([Slot(turn, "say", said, TextKind.TEXT, (where, "say"))] if said else [])


def _in_answer(response: object) -> Found:
    where: Where = (None, "turns")
    turns = [_in_turn(turn, (where, at)).slots for at, turn in enumerate(get(response, "turns"))]
    return Found([slot for slots in turns for slot in slots])


def _read(event: object) -> EventTexts:
    if get(event, "turn") is None:
        return LastTexts([])
    return ToldTexts([CarriedText(("turn", "say"), slot) for slot in _in_turn(get(event, "turn")).slots])


_TEXTS = FormatTexts(
    call_types=("atoy",),
    in_request=_in_request,
    in_answer=_in_answer,
    in_item=_in_turn,
    read=_read,
    gate=lambda mode: TextGate(_read, may_stream=lambda _: False, mode=mode),
)


TOY: Final = Format(
    name="toy",
    conversation="talk",
    routes=("POST /v1/toy",),
    call_types=("atoy",),
    in_code=InCode("atoy", "atoy", "atoy"),
    is_answer=_is_answer,
    check_answer=_check_answer,
    find_calls=_find_calls,
    answer_fields=_ANSWER,
    gate=_gate,
    joined_stream=_ToyJoinedStream,
    failed_stream=lambda failure: [{"error": failure.message}],
    brought=_brought,
    repaired=_repaired,
    next_request=_next_request,
    texts=_TEXTS,
)
