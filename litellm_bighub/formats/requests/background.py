"""What a request and its answer tell of why a call was made, in whichever of the formats that hold a conversation.

Nothing is decided by it, so it is read by its shape alone, and what cannot be read is left out: a payload that nobody
expects must not fail a decision. A conversation is read from its end, as far as there is room for it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias, cast

from litellm_bighub.domain.call import ToolCall
from litellm_bighub.domain.call_background import HEAD, TAIL, BackgroundExtent, CallBackground, Utterance
from litellm_bighub.domain.payload import JsonMapping, Payload
from litellm_bighub.formats.payload.copies import plain, text
from litellm_bighub.formats.payload.fields import elements, get, is_object

_CONVERSATIONS: Final = ("messages", "input")
_TEXTS: Final = frozenset({"text", "input_text", "output_text", "refusal"})
_UNTOLD: Final = frozenset({"thinking", "redacted_thinking", "reasoning", "item_reference"})
_PAYLOADS: Final = ("arguments", "input", "action", "operation")
_OUTPUTS: Final = ("output", "content")
_PLACE: Final = re.compile(r"(?:\[(\d+)\]\.)?(?:choices|output|content)\[(\d+)\]")
_DATA: Final = b"data:"
_LONGEST_NAME: Final = 200

Step: TypeAlias = "tuple[Utterance, str]"
"""A step of a conversation, with the id of its call if it is one or the result of one."""


def read_background(
    call: ToolCall,
    request: JsonMapping,
    answer: object = None,
    heard: Sequence[object] = (),
    extent: BackgroundExtent = "last_turn",
    names: Mapping[str, str] | None = None,
) -> CallBackground:
    """The background of a call.

    Args:
        call: stands in the answer.
        request: as it was sent on.
        answer: whole.
        heard: the events of a streamed answer so far.
        extent: how much of it.
        names: the tools of earlier calls by their ids, where the request brings their results and not them.
    """
    if extent == "none":
        return CallBackground()
    if call.place == "mcp":  # LiteLLM makes a message out of the call itself
        schema: Payload = plain(get(request, "mcp_input_schema"))
        return CallBackground((), text(request, "mcp_tool_description"), schema if isinstance(schema, dict) else {})
    answered = [*_answered(call, answer), *_heard(heard)]
    asked = next((found for name in _CONVERSATIONS if (found := get(request, name))), ())
    items = [asked] if isinstance(asked, str) else elements(asked)
    said = _Conversation(extent, names=dict(names or {}))
    said.hear(answered)
    for item in reversed(items):
        if said.is_over:
            break
        said.hear(list(_steps(item)))
    return CallBackground(said.told(), *_tool(call, request))


_ROOM: Final[dict[BackgroundExtent, tuple[int, int]]] = {
    "none": (0, 0),
    "last_turn": (30, 20_000),
    "conversation": (80, 60_000),
}
"""So many steps, and characters of them, are kept beside the user's last words."""


@dataclass
class _Conversation:
    """The steps of a conversation, told from its end."""

    extent: BackgroundExtent
    kept: list[Step] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    characters: int = 0
    is_full: bool = False
    user_spoke: bool = False
    user_was_before: bool = False

    @property
    def is_over(self) -> bool:
        """Whether nothing that stands before is kept."""
        return self.user_spoke and (self.is_full or self.user_was_before)

    def hear(self, steps: Sequence[Step]) -> None:
        """Take in the steps of one item."""
        for step in reversed(steps):
            if self.is_over:
                return
            self._hear(step)

    def _hear(self, step: Step) -> None:
        said, call_id = step
        is_user = said.speaker == "user"
        if said.speaker == "call" and call_id:
            self.names.setdefault(call_id, said.tool)
        if self.user_spoke and not is_user and self.extent == "last_turn":
            self.user_was_before = True
            return
        most, room = _ROOM[self.extent]
        length = min(len(said.text), HEAD + TAIL)
        fits = not self.is_full and len(self.kept) < most and self.characters + length <= room
        if fits or (is_user and not self.user_spoke):
            self.kept.append(step)
            self.characters += length
        else:
            self.is_full = True
            last, last_id = self.kept[-1]  # the first always fits
            self.kept[-1] = (replace(last, skipped=last.skipped + 1), last_id)
        self.user_spoke = self.user_spoke or is_user

    def told(self) -> tuple[Utterance, ...]:
        """What was kept, the oldest first, each result with the name of its call's tool."""
        named = (
            replace(said, tool=self.names[call_id])
            if said.speaker == "result" and not said.tool and call_id in self.names
            else said
            for said, call_id in reversed(self.kept)
        )
        return tuple(named)


def _steps(item: Payload) -> Iterator[Step]:
    """What an item of a conversation tells."""
    if isinstance(item, str):
        yield from _said("user", item)
        return
    role, kind = text(item, "role"), text(item, "type")
    if role in {"system", "developer"} or kind in _UNTOLD or not is_object(item):
        return
    if role in {"tool", "function"}:
        yield _result(item, text(item, "tool_call_id"), text(item, "name"))
    elif kind.endswith(("_output", "tool_result")):
        yield _result(item, text(item, "call_id") or text(item, "tool_use_id"))
    elif kind.endswith(("_call", "tool_use")):
        yield _call(item, text(item, "call_id") or text(item, "id"), text(item, "name") or kind)
    else:
        yield from _message(item, role)


def _message(message: Payload, role: str) -> Iterator[Step]:
    speaker = "model" if role == "assistant" else "user"
    content: object = get(message, "content")
    parts = [content] if isinstance(content, str) else elements(content)
    for part in parts:
        kind = text(part, "type")
        if isinstance(part, str):
            yield from _said(speaker, part)
        elif kind in _TEXTS:
            yield from _said(speaker, text(part, "text") or text(part, "refusal"))
        elif kind.endswith(("tool_use", "tool_result")) or kind in _UNTOLD:
            yield from _steps(part)
        elif kind:
            yield from _said(speaker, f"[{kind[:_LONGEST_NAME]}]")
    for call in elements(get(message, "tool_calls")):
        inner: object = get(call, "function") or get(call, "custom") or call
        yield _call(inner, text(call, "id"), text(inner, "name"))
    legacy: object = get(message, "function_call")
    if is_object(legacy):
        yield _call(legacy, "", text(legacy, "name"))


def _said(speaker: str, said: str) -> Iterator[Step]:
    if said.strip():
        yield Utterance("model" if speaker == "model" else "user", said), ""


def _call(holder: object, call_id: str, name: str) -> Step:
    payload = next((found for key in _PAYLOADS if (found := get(holder, key)) is not None), "")
    return Utterance("call", _as_text(payload), name[:_LONGEST_NAME]), call_id


def _result(item: object, call_id: str, name: str = "") -> Step:
    output: object = next((found for key in _OUTPUTS if (found := get(item, key)) is not None), "")
    if isinstance(output, list | tuple):
        output = "\n".join(
            part if isinstance(part, str) else text(part, "text") or f"[{text(part, 'type')[:_LONGEST_NAME]}]"
            for part in elements(output)
        )
    return Utterance("result", _as_text(output), name[:_LONGEST_NAME]), call_id


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return value
    try:
        return json.dumps(plain(value), ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return ""


def _answered(call: ToolCall, answer: object) -> Iterator[Step]:
    """What a whole answer tells before the call."""
    place = _PLACE.match(call.place)
    if place is None:
        return
    if isinstance(answer, list) and place[1] is not None:
        several = cast("list[object]", answer)
        answer = several[int(place[1])] if int(place[1]) < len(several) else None
    choices: object = get(answer, "choices")
    at = int(place[2])
    if isinstance(choices, list | tuple):
        for choice in elements(choices)[at : at + 1]:
            yield from (step for step in _message(get(choice, "message"), "assistant") if step[0].speaker != "call")
        return
    for item in elements(get(answer, "output") or get(answer, "content"))[:at]:
        kind = text(item, "type")
        yield from _said("model", text(item, "text")) if kind in _TEXTS else _steps(item)


def _heard(events: Sequence[object]) -> Iterator[Step]:
    """What the model has said in a stream so far."""
    yield from _said("model", "".join(map(_delta, _objects(events))))


def _objects(events: Iterable[object]) -> Iterator[object]:
    """The events; those that come as lines of bytes or text are read."""
    raw = bytearray()
    for event in events:
        if isinstance(event, bytes | str):
            raw += event if isinstance(event, bytes) else event.encode(errors="replace")
        else:
            yield event
    for line in raw.splitlines():
        if line.startswith(_DATA):
            try:
                yield json.loads(line.removeprefix(_DATA))
            except (ValueError, RecursionError):
                continue


def _delta(event: object) -> str:
    kind = text(event, "type")
    if kind in {"response.output_text.delta", "response.refusal.delta"}:
        return text(event, "delta")
    if kind == "content_block_delta":
        return text(get(event, "delta"), "text")
    first = next(iter(elements(get(event, "choices"))), None)
    return text(get(first, "delta"), "content")


def _tool(call: ToolCall, request: JsonMapping) -> tuple[str, JsonMapping]:
    """What the request says of the call's tool: its description, and the schema of its arguments."""
    for name in ("tools", "functions"):
        for tool in elements(get(request, name)):
            inner: object = get(tool, "function") or get(tool, "custom") or tool
            if text(inner, "name") == call.name:
                schema: Payload = plain(get(inner, "parameters") or get(inner, "input_schema") or {})
                return text(inner, "description"), schema if isinstance(schema, dict) else {}
    return "", {}
