"""Where the texts of a Responses request, answer or item are.

One walk over the payload, whatever it is made of (dicts, models of openai or LiteLLM, all mixed), finds every text with
its place. Nothing is copied and nothing is changed, with one exception: a tuple has to become a list, since nothing can
be put back into a tuple.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, MutableMapping, Sequence, Set as AbstractSet
from typing import Any, Literal, cast

from pydantic import BaseModel

from litellm_bighub.domain.payload import Payload
from litellm_bighub.errors import PayloadError
from litellm_bighub.formats.payload import fields
from litellm_bighub.formats.payload.field_rules import FieldRule
from litellm_bighub.formats.payload.nested import nested
from litellm_bighub.formats.payload.slots import Found, Slot, TextKind, Where, render
from litellm_bighub.formats.payload.text_walk import TextWalk
from litellm_bighub.formats.responses.texts.field_rules import UNKNOWN, VOCABULARY

_MESSAGE = frozenset({"role", "content", "type", "id", "status", "phase"})
_OUTPUT_TEXT = frozenset({"type", "text", "annotations", "logprobs"})
_AROUND = frozenset({"prompt", "text", "tools", "metadata", "user", "previous_response_id", "conversation"})
"""The fields beside `input` and `instructions` in which a request may hold, or stand for, a text."""
_BESIDE_INPUT = _AROUND | {"instructions"}
_CHOICES = frozenset(
    {
        *("model", "input", "include", "store", "stream", "stream_options", "background", "temperature", "top_p"),
        *("top_logprobs", "max_output_tokens", "max_tool_calls", "parallel_tool_calls", "tool_choice", "truncation"),
        *("reasoning", "service_tier", "prompt_cache_retention", "partial_images", "text_format", "timeout"),
        *("custom_llm_provider", "context_management"),
    }
)
"""The other fields that the API knows: numbers, and words out of which a caller chooses one."""
_KNOWN = _BESIDE_INPUT | _CHOICES
_SPEAKERS = frozenset({"user", "assistant"})
_INPUT: Where = (None, "input")
_FIRST_CONTENT: Where = ((_INPUT, 0), "content")
_OUTPUT: Where = (None, "output")
_HISTORY = ("previous_response_id", "conversation")


def find_in_request(
    data: MutableMapping[str, Any],
    *,
    skip_roles: Collection[str] = (),
    tools: Collection[int] | Literal["all"] = (),
    unsent: AbstractSet[str] = frozenset(),
) -> Found:
    """Find everything a caller, a tool or an earlier turn wrote into a request.

    Args:
        data: the keyword arguments of `responses.create`, as LiteLLM hands them to a hook.
        skip_roles: roles whose messages are out of the guardrail's scope; `instructions` count as `system`.
        tools: which of `tools`, by index, to take texts from; the others are handed over as they are.
        unsent: names of fields that no provider gets. What stands under any other name that the API does not know, as
            in `extra_body` or `extra_headers`, is text.

    Raises:
        PayloadError: `input`, one of its items or a tool is nothing that the Responses API knows.
    """
    walk = _Walk(skip_roles)
    if "system" not in skip_roles:
        walk.field(data, "instructions", data.get("instructions"), FieldRule.TEXT, None)
    walk.input(data)
    for key in sorted(data.keys() - _KNOWN - unsent):
        walk.field(data, key, data[key], FieldRule.FREE, None)
    walk.names.update(dict.fromkeys(_chosen(data.get("tool_choice"))))
    if _AROUND.isdisjoint(data):
        return walk.finish()
    prompt = data.get("prompt")
    if prompt is not None and not isinstance(prompt, str):
        where: Where = ((None, "prompt"), "variables")
        variables = fields.get(prompt, "variables")
        for key, value in list(fields.members(variables).items()):  # every name is the caller's own
            rule = FieldRule.TEXT if fields.get(value, "type") else FieldRule.FREE
            walk.field(variables, key, value, rule, where)
    text_format = fields.get(data.get("text"), "format")
    if text_format is not None:
        where = ((None, "text"), "format")
        walk.field(text_format, "description", fields.get(text_format, "description"), FieldRule.TEXT, where)
        name = "schema_" if isinstance(text_format, BaseModel) else "schema"
        walk.schema(fields.get(text_format, name), (where, "schema"))
        walk.field(text_format, "name", fields.get(text_format, "name"), FieldRule.NAME, where)
    walk.tools(data.get("tools"), tools)
    metadata = data.get("metadata")
    if isinstance(metadata, MutableMapping):
        for key, value in metadata.items():
            if isinstance(value, str):  # the API knows only strings; LiteLLM keeps its own records here, nested
                walk.names[key] = None
                walk.field(metadata, key, value, FieldRule.TEXT, (None, "metadata"))
    walk.field(data, "user", data.get("user"), FieldRule.TEXT, None)
    walk.found.hidden.extend(key for key in _HISTORY if data.get(key))
    return walk.finish()


def find_in_response(response: object) -> Found:
    """Find everything the model wrote into an answer, in `output` and in a dict's `output_text` convenience field.

    Args:
        response: a response as a dict, a LiteLLM `ResponsesAPIResponse` or an openai `Response`.
    """
    walk = _Walk()
    walk.items(response, "output", fields.get(response, "output"), None)
    if isinstance(response, MutableMapping):
        walk.field(response, "output_text", response.get("output_text"), FieldRule.TEXT, None)
    return walk.finish()


def in_scope(item: object, skip_roles: Collection[str]) -> bool:
    """Whether an item is to be looked into. Only a message is somebody's: elsewhere a `role` says nothing."""
    if not skip_roles or fields.get(item, "type") not in (None, "message"):
        return True
    role = fields.get(item, "role")
    return not isinstance(role, str) or role.lower() not in skip_roles


def lone_text_in_request(data: MutableMapping[str, Any], *, unsent: AbstractSet[str] = frozenset()) -> Slot | None:
    """The text of a request that holds one, in a message of a user or an assistant, and nothing else that counts.

    A quick look at what most requests are; `None` says only that this is not one of them.
    """
    if not _BESIDE_INPUT.isdisjoint(data) or data.keys() - _CHOICES - unsent:
        return None
    value = data.get("input")
    if type(value) is str:
        return Slot(data, "input", value, TextKind.TEXT, _INPUT) if value else None
    if type(value) is not list or len(cast("list[Payload]", value)) != 1:
        return None
    item: Payload = value[0]
    if not fields.is_plain_message(item) or item.get("role") not in _SPEAKERS or not item["content"]:
        return None
    return Slot(item, "content", item["content"], TextKind.TEXT, _FIRST_CONTENT)


def lone_text_in_response(response: object) -> Slot | None:
    """The text of an answer that is one message with one text; `None` says only that it is none of these."""
    if fields.is_mapping(response):
        return None
    output = getattr(response, "output", None)
    if type(output) is not list or len(cast("list[Payload]", output)) != 1 or not fields.is_object(output[0]):
        return None
    slots = _simple_message(output[0], _OUTPUT, 0)
    return slots[0] if slots and len(slots) == 1 else None


def find_in_item(item: object, where: Where = None) -> Found:
    """Find the texts of one input item, output item or content part."""
    walk = _Walk()
    walk.item(item, where)
    return walk.finish()


def _chosen(tool_choice: object) -> Iterator[str]:
    """The names of the tools that a model may choose from."""
    for each in nested(tool_choice):
        name = fields.get(each, "name") if fields.is_object(each) else None
        if isinstance(name, str):
            yield name


def _simple_message(item: Payload, where: Where, index: int) -> Sequence[Slot] | None:
    """The short way through the simplest messages, of which most payloads consist. `None`: this is none of them.

    A message is simple if it has one text, or only output texts without annotations, and not a field more.
    """
    message = fields.members(item)
    if not message.keys() <= _MESSAGE or message.get("type", "message") != "message":
        return None
    content = message.get("content")
    here = ((where, index), "content")
    if type(content) is str:
        return (Slot(item, "content", content, TextKind.TEXT, here),) if content else ()
    if type(content) is not list:
        return None
    slots: list[Slot] = []
    for number, part in enumerate(cast("list[Payload]", content)):
        present = fields.members(part)
        text = present.get("text")
        if type(text) is not str or present.get("type") != "output_text" or present.get("annotations"):
            return None
        if not present.keys() <= _OUTPUT_TEXT:
            return None
        if text:
            slots.append(Slot(part, "text", text, TextKind.OUTPUT_TEXT, ((here, number), "text")))
    return slots


class _Walk(TextWalk):
    """One walk; collects into `found`."""

    def __init__(self, skip_roles: Collection[str] = ()) -> None:
        super().__init__(VOCABULARY)
        self._skip_roles = skip_roles

    def input(self, data: MutableMapping[str, Any]) -> None:
        value = data.get("input")
        if isinstance(value, str):
            self.field(data, "input", value, FieldRule.TEXT, None)
        elif fields.is_object(value):
            if in_scope(value, self._skip_roles):
                self.item(value, (None, "input"))
        elif value is not None:
            self.items(data, "input", value, None)

    def items(self, owner: Payload, key: str, value: object, where: Where) -> None:
        """A list of items, each an object or a bare string."""
        if value is None:
            return
        where = (where, key)
        if isinstance(value, tuple):
            value = list(cast("tuple[Any, ...]", value))
            fields.put(owner, key, value)
        if not isinstance(value, list):
            raise PayloadError(render(where), f"is a {type(value).__name__}, not a text or a list of items")
        items = cast("list[Payload]", value)
        for index, item in enumerate(items):
            if isinstance(item, str):
                if item:
                    self._string(items, index, item, FieldRule.TEXT, (where, index))
            elif not fields.is_object(item):
                raise PayloadError(render((where, index)), f"is a {type(item).__name__}, not an item")
            elif not self._skip_roles or in_scope(item, self._skip_roles):
                self._item(item, where, index)

    def _item(self, item: Payload, where: Where, index: int) -> None:
        slots = _simple_message(item, where, index)
        if slots is None:
            self.item(item, (where, index))
            return
        for slot in slots:
            self.found.add(slot.owner, slot.key, slot.text, slot.kind, slot.where)

    def tools(self, tools: object, as_texts: Collection[int] | Literal["all"]) -> None:
        """The texts of some tools, and of the others what no chat form of a tool has a place for."""
        if tools is None:
            return
        if not isinstance(tools, (list, tuple)):
            raise PayloadError("tools", f"is a {type(tools).__name__}, not a list of tools")
        for index, tool in enumerate(cast("Sequence[Payload]", tools)):
            where: Where = ((None, "tools"), index)
            if not fields.is_object(tool):
                raise PayloadError(render(where), f"is a {type(tool).__name__}, not a tool")
            if as_texts == "all" or index in as_texts:
                self.item(tool, where, untyped=UNKNOWN)
            else:
                self.schema(fields.get(tool, "output_schema"), (where, "output_schema"))
                handed_over = TextWalk(VOCABULARY)
                handed_over.item(tool, where, untyped=UNKNOWN)
                self.names.update(handed_over.names)
