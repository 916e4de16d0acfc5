"""`McpTexts`: what a `TextGuardrail` is to MCP calls that go through the gateway.

LiteLLM lets a guardrail rewrite the result of an MCP call in one way only, through `apply_guardrail`, which guardrails
with hooks of their own do not have. So this second one, of the same name, runs on MCP events and on no others. LiteLLM
finds the texts: in a call's arguments, in its result with its structured content, in descriptions of listed tools. What
else a result holds (embedded resources, links to some) is found here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

import litellm
from litellm.integrations.custom_guardrail import CustomGuardrail
from litellm.llms import load_guardrail_translation_mappings
from litellm.types.guardrails import GuardrailEventHooks
from litellm.types.utils import CallTypes

from litellm_bighub.checks.second_look import Parts
from litellm_bighub.checks.text_check import InputType
from litellm_bighub.domain.payload import JsonMapping, JsonObject, Payload
from litellm_bighub.formats.payload import fields
from litellm_bighub.formats.payload.file_texts import file_text
from litellm_bighub.formats.payload.slots import Slot, TextKind, Where, rewrite
from litellm_bighub.gateway.setup.guardrail_mode import events_of

MCP_EVENTS: Final = frozenset({GuardrailEventHooks.pre_mcp_call, GuardrailEventHooks.post_mcp_call})

CheckTexts = Callable[[JsonObject, object, Sequence[str], InputType, Sequence[Parts]], Awaitable[Sequence[str]]]

_OPAQUE: Final = frozenset({"type", "data", "mimeType", "mime_type"})
"""Fields of a result's content that hold no text."""

_BLOB: Final = "blob"


class McpTexts(CustomGuardrail):
    """Checks the texts of MCP calls.

    Args:
        owner: the guardrail that it belongs to; when LiteLLM drops that one, this one no longer runs.
        check: answers with one text for each, in order, or raises.
        **litellms: LiteLLM's parameters of the owner.
    """

    def __init__(self, owner: CustomGuardrail, check: CheckTexts, **litellms: Payload) -> None:
        super().__init__(**litellms)
        self._owner = owner
        self._check = check

    def should_run_guardrail(self, data: JsonObject, event_type: GuardrailEventHooks) -> bool:
        """Whether it is an event of MCP, and one on which the owner would run."""
        return (
            event_type in MCP_EVENTS
            and any(callback is self._owner for callback in litellm.callbacks)
            and self._owner.should_run_guardrail(data, event_type)
        )

    async def apply_guardrail(
        self, inputs: Payload, request_data: JsonObject, input_type: InputType, logging_obj: Payload = None
    ) -> Payload:
        """Check the texts that LiteLLM found. Those in one list of the arguments are looked at together, too."""
        count = len(inputs.get("texts") or ())
        parts = argument_parts(request_data, count) if input_type == "request" else ()
        return await self.checked(inputs, request_data, logging_obj, input_type, parts)

    async def checked(
        self,
        inputs: Payload,
        request_data: JsonObject,
        logging_obj: Payload,
        input_type: InputType,
        parts: Sequence[Parts],
    ) -> Payload:
        """Check texts, of which some stand one behind the other."""
        texts = inputs.get("texts")
        if not texts:
            return inputs
        return {**inputs, "texts": list(await self._check(request_data, logging_obj, texts, input_type, parts))}

    async def check_rest(self, response: object, request_data: JsonObject, logging_obj: object) -> None:
        """Check what LiteLLM does not find in a result, in place."""
        slots = [slot for item in _content(response) for slot in _slots(item, None) if not _is_told(item, slot)]
        if slots:
            texts = [slot.text for slot in slots]
            rewrite(slots, await self._check(request_data, logging_obj, texts, "response", ()))


class McpResult:
    """The guardrail of one result: it knows how many of the texts stand one behind the other.

    Args:
        texts: checks them.
        response: the result.
    """

    def __init__(self, texts: McpTexts, response: object) -> None:
        self._texts = texts
        self._parts = [Parts(range(sum(_text(item) is not None for item in _content(response))))]

    async def apply_guardrail(
        self, inputs: Payload, request_data: JsonObject, input_type: InputType, logging_obj: Payload = None
    ) -> Payload:
        """Check the texts that LiteLLM found; those of the content come first."""
        return await self._texts.checked(inputs, request_data, logging_obj, input_type, self._parts)


def argument_parts(request_data: JsonMapping, count: int) -> Sequence[Parts]:
    """Which texts of a call's arguments stand one behind the other: their places differ by indices in lists alone.

    Args:
        request_data: the call, as LiteLLM describes it.
        count: of all its texts. Those of the arguments are the last, behind those that describe the tool.
    """
    places = list(_places(request_data.get("mcp_arguments") or request_data.get("arguments"), ()))
    together: dict[tuple[object, ...], list[int]] = {}
    for index, place in enumerate(places, start=count - len(places)):
        together.setdefault(place, []).append(index)
    return [Parts(indices) for indices in together.values() if len(indices) > 1 and indices[0] >= 0]


def _places(value: object, place: tuple[object, ...]) -> Iterator[tuple[object, ...]]:
    """The places of all texts, in LiteLLM's order, without the indices in lists."""
    if isinstance(value, str):
        yield place
    elif isinstance(value, dict):
        for key, child in cast("dict[object, object]", value).items():
            yield from _places(child, (*place, key))
    elif isinstance(value, list):
        for child in cast("list[object]", value):
            yield from _places(child, (*place, None))


def _content(response: object) -> Sequence[Payload]:
    content = fields.get(response, "content")
    return cast("list[Payload]", content) if isinstance(content, list) else ()


def _text(item: object) -> str | None:
    """The text of content of which LiteLLM finds one."""
    text = fields.get(item, "text")
    return text if isinstance(text, str) else None


def _is_told(item: object, slot: Slot) -> bool:
    """Whether LiteLLM finds this text."""
    return slot.owner is item and slot.key == "text"


def _slots(value: Payload, where: Where) -> Iterator[Slot]:
    """The texts of an item: of a text, a resource, or a link to one."""
    for key, child in fields.members(value).items():
        if key in _OPAQUE or child is None:
            continue
        read = file_text(value, key, child) if key == _BLOB and isinstance(child, str) else None
        if read is not None:
            yield Slot(value, key, read, TextKind.FILE, (where, key))
        elif isinstance(child, str):
            if key != _BLOB:
                yield Slot(value, key, child, TextKind.TEXT, (where, key))
        elif fields.is_object(child):
            yield from _slots(child, (where, key))


def _read_whole_results() -> None:
    """Make LiteLLM's handler of MCP calls hand us the whole result; it finds only some of its texts."""
    mappings = load_guardrail_translation_mappings()  # type: ignore[no-untyped-call] # LiteLLM left it untyped
    known: Any = mappings.get(CallTypes.call_mcp_tool)  # a class of LiteLLM's that moves from release to release
    if known is None or getattr(known, "reads_whole_results", False):
        return

    class McpResultHandler(known):  # type: ignore[misc] # as above
        """LiteLLM's handler, with a second look at the parts of a result and a look at what it does not find."""

        reads_whole_results = True

        async def process_output_response(
            self, response: Payload, guardrail_to_apply: Payload, *arguments: Payload, **options: Payload
        ) -> Payload:
            if not isinstance(guardrail_to_apply, McpTexts):
                return await super().process_output_response(response, guardrail_to_apply, *arguments, **options)
            request: Mapping[str, Any] = options.get("request_data") or {}
            await guardrail_to_apply.check_rest(response, {**request}, options.get("litellm_logging_obj"))
            result = McpResult(guardrail_to_apply, response)
            return await super().process_output_response(response, result, *arguments, **options)

    mappings[CallTypes.call_mcp_tool] = McpResultHandler


def check_mcp_texts(owner: CustomGuardrail, check: CheckTexts, litellms: JsonMapping) -> None:
    """Have the texts of MCP calls checked, if the `mode` among LiteLLM's parameters names an event of MCP."""
    if not events_of(litellms.get("event_hook")) & {event.value for event in MCP_EVENTS}:
        return
    _read_whole_results()
    texts = McpTexts(owner, check, **litellms)
    litellm.callbacks[:] = [each for each in litellm.callbacks if not _is_of(each, texts.guardrail_name)]
    litellm.callbacks.append(texts)


def _is_of(callback: object, name: str | None) -> bool:
    return isinstance(callback, McpTexts) and callback.guardrail_name == name
