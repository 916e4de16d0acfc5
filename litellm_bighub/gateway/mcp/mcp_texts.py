"""`McpTexts`: what a `TextGuardrail` is to MCP calls that go through the gateway.

LiteLLM lets a guardrail rewrite the result of an MCP call in one way only, through `apply_guardrail`, which guardrails
with hooks of their own do not have. So this second one, of the same name, runs on MCP events and on no others. LiteLLM
finds the texts: in a call's arguments, in its result with its structured content, in descriptions of listed tools. What
else a result holds (embedded resources, links to some) is found here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any, Final, cast

import litellm
from litellm.integrations.custom_guardrail import CustomGuardrail
from litellm.llms import load_guardrail_translation_mappings
from litellm.types.guardrails import GuardrailEventHooks
from litellm.types.utils import CallTypes

from litellm_bighub.checks.second_look import Parts
from litellm_bighub.checks.text_check import InputType
from litellm_bighub.domain.payload import JsonMapping, JsonObject, Payload
from litellm_bighub.errors import GuardrailAnswerError
from litellm_bighub.formats.payload import fields
from litellm_bighub.formats.payload.file_texts import file_text
from litellm_bighub.formats.payload.nested import nested
from litellm_bighub.formats.payload.slots import Slot, TextKind, Where, rewrite
from litellm_bighub.formats.registry import MCP_FORMATS
from litellm_bighub.gateway.mcp.mcp_messages import CheckMessage
from litellm_bighub.gateway.setup.guardrail_mode import events_of

MCP_EVENTS: Final = frozenset({GuardrailEventHooks.pre_mcp_call, GuardrailEventHooks.post_mcp_call})

CheckTexts = Callable[[JsonObject, object, Sequence[str], InputType, Sequence[Parts]], Awaitable[Sequence[str]]]

_OPAQUE: Final = frozenset({"type", "data", "mimeType", "mime_type"})
"""Fields of a result's content that hold no text."""

_BLOB: Final = "blob"
_REWRITTEN: Final = "rewrote a key or a number of an MCP call's arguments, which mean something only as they stand"


class McpTexts(CustomGuardrail):
    """Checks the texts of MCP calls.

    Args:
        owner: the guardrail that it belongs to; when LiteLLM drops that one, this one no longer runs.
        check: answers with one text for each, in order, or raises.
        check_message: checks an MCP message in place.
        **litellms: LiteLLM's parameters of the owner.
    """

    def __init__(
        self, owner: CustomGuardrail, check: CheckTexts, check_message: CheckMessage, **litellms: Payload
    ) -> None:
        super().__init__(**litellms)
        self._owner = owner
        self._check = check
        self._check_message = check_message

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
        """Check the texts that LiteLLM found. Those in one list of the arguments are looked at together, too.

        Raises:
            GuardrailAnswerError: a key or number of the arguments was rewritten, of which LiteLLM finds none.
        """
        if input_type != "request":
            return await self.checked(inputs, request_data, logging_obj, input_type, ())
        texts = inputs.get("texts") or ()
        parts = argument_parts(request_data, len(texts))
        labels = "\n".join(_labels(_arguments(request_data)))
        if not labels:
            return await self.checked(inputs, request_data, logging_obj, input_type, parts)
        asked = {**inputs, "texts": [*texts, labels]}
        *answered, last = (await self.checked(asked, request_data, logging_obj, input_type, parts))["texts"]
        if last != labels:
            raise GuardrailAnswerError(self.guardrail_name or type(self).__name__, _REWRITTEN)
        return {**inputs, "texts": answered}

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

    async def check_tool(self, data: JsonObject) -> None:
        """Check a tool that is listed: its name, its description and its whole schema, at once."""
        names = {"name": "mcp_tool_name", "description": "mcp_tool_description", "inputSchema": "mcp_input_schema"}
        tool = {name: deepcopy(data.get(key)) for name, key in names.items()}
        await self._check_message({"result": {"tools": [tool]}}, MCP_FORMATS[0], "request")
        data.update({names[name]: value for name, value in tool.items() if names[name] in data})


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
    places = list(_places(_arguments(request_data), ()))
    together: dict[tuple[object, ...], list[int]] = {}
    for index, place in enumerate(places, start=count - len(places)):
        together.setdefault(place, []).append(index)
    return [Parts(indices) for indices in together.values() if len(indices) > 1 and indices[0] >= 0]


def _arguments(request_data: JsonMapping) -> Payload:
    return request_data.get("mcp_arguments") or request_data.get("arguments")


def _labels(value: Payload) -> Iterator[str]:
    """What arguments tell in their keys and numbers."""
    for each in nested(value):
        if isinstance(each, dict):
            yield from map(str, cast("dict[object, object]", each))
        elif isinstance(each, (int, float)) and not isinstance(each, bool):
            yield str(each)


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


def _read_more() -> None:
    """Make LiteLLM's handler of MCP hand us whole results and whole tools; it finds only some of their texts."""
    mappings = load_guardrail_translation_mappings()  # type: ignore[no-untyped-call] # LiteLLM left it untyped
    called, listed = (mappings.get(known) for known in (CallTypes.call_mcp_tool, CallTypes.list_mcp_tools))
    if called is not None and not getattr(called, "reads_more", False):
        mappings[CallTypes.call_mcp_tool] = _reading_results(called)
    if listed is not None and not getattr(listed, "reads_more", False):
        mappings[CallTypes.list_mcp_tools] = _reading_tools(listed)


def _reading_results(known: Any) -> type:  # a class of LiteLLM's that moves from release to release
    class McpResultHandler(known):  # type: ignore[misc] # as above
        """LiteLLM's handler, with a second look at the parts of a result and a look at what it does not find."""

        reads_more = True

        async def process_output_response(
            self, response: Payload, guardrail_to_apply: Payload, *arguments: Payload, **options: Payload
        ) -> Payload:
            if not isinstance(guardrail_to_apply, McpTexts):
                return await super().process_output_response(response, guardrail_to_apply, *arguments, **options)
            request: Mapping[str, Any] = options.get("request_data") or {}
            await guardrail_to_apply.check_rest(response, {**request}, options.get("litellm_logging_obj"))
            result = McpResult(guardrail_to_apply, response)
            return await super().process_output_response(response, result, *arguments, **options)

    return McpResultHandler


def _reading_tools(known: Any) -> type:  # as above
    class McpListHandler(known):  # type: ignore[misc] # as above
        """LiteLLM's handler of a listed tool, which finds descriptions, and neither values nor names of a schema."""

        reads_more = True

        async def process_input_messages(
            self, data: JsonObject, guardrail_to_apply: Payload, *arguments: Payload, **options: Payload
        ) -> Payload:
            if isinstance(guardrail_to_apply, McpTexts):
                await guardrail_to_apply.check_tool(data)
                return data
            return await super().process_input_messages(data, guardrail_to_apply, *arguments, **options)

    return McpListHandler


def check_mcp_texts(
    owner: CustomGuardrail, check: CheckTexts, check_message: CheckMessage, litellms: JsonMapping
) -> None:
    """Have the texts of MCP calls checked, if the `mode` among LiteLLM's parameters names an event of MCP."""
    if not events_of(litellms.get("event_hook")) & {event.value for event in MCP_EVENTS}:
        return
    _read_more()
    texts = McpTexts(owner, check, check_message, **litellms)
    litellm.callbacks[:] = [each for each in litellm.callbacks if not _is_of(each, texts.guardrail_name)]
    litellm.callbacks.append(texts)


def _is_of(callback: object, name: str | None) -> bool:
    return isinstance(callback, McpTexts) and callback.guardrail_name == name
