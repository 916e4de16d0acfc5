"""Where the texts of a Responses request, answer or item are.

One walk over the payload, whatever it is made of (dicts, models of openai or LiteLLM, all mixed), finds every text with
its place. Nothing is copied and nothing is changed, with one exception: a tuple has to become a list, since nothing can
be put back into a tuple.
"""

from __future__ import annotations

from collections.abc import Collection, MutableMapping, Sequence, Set as AbstractSet
from typing import Any, cast

from litellm_bighub.domain.payload import Payload
from litellm_bighub.errors import PayloadError
from litellm_bighub.formats.payload import fields
from litellm_bighub.formats.payload.field_rules import FieldRule, Rules
from litellm_bighub.formats.payload.request_walk import RequestWalk
from litellm_bighub.formats.payload.slots import Found, LoneText, Slot, TextKind, Where, render
from litellm_bighub.formats.responses.texts.field_rules import ANSWER, COMMON, REQUEST, UNKNOWN, VOCABULARY

_MESSAGE = frozenset({"role", "content", "type", "id", "status", "phase"})
_OUTPUT_TEXT = frozenset({"type", "text", "annotations", "logprobs"})
_BESIDE_INPUT = frozenset(
    {"instructions", "prompt", "text", "tools", "metadata", "user", "previous_response_id", "conversation"}
)
"""The fields beside `input` in which a request may hold, or stand for, a text."""
_CHOICES = frozenset(
    {
        *("model", "input", "include", "store", "stream", "background", "temperature", "top_p", "top_logprobs"),
        *("max_output_tokens", "max_tool_calls", "parallel_tool_calls", "truncation", "service_tier"),
        *("prompt_cache_retention", "partial_images", "text_format", "timeout", "custom_llm_provider"),
    }
)
"""The other fields that the API knows: numbers, and words out of which a caller chooses one."""
_CHOSEN = frozenset({"auto", "none", "required"})
_INSTRUCTIONS = "instructions"
_METADATA = "metadata"
_LAID_OVER = "extra_body"
_SPEAKERS = frozenset({"user", "assistant"})
_FIRST_ITEM: Where = ((None, "input"), 0)
_OUTPUT: Where = (None, "output")
_HISTORY = ("previous_response_id", "conversation")


def find_in_request(
    data: MutableMapping[str, Any],
    *,
    skip_roles: Collection[str] = (),
    unsent: AbstractSet[str] = frozenset(),
) -> Found:
    """Find everything a caller, a tool or an earlier turn wrote into a request.

    Args:
        data: the keyword arguments of `responses.create`, as LiteLLM hands them to a hook.
        skip_roles: roles whose messages are out of the guardrail's scope; `instructions` count as `system`.
        unsent: names of fields that no provider gets. What stands under any other name that the API does not know, as
            in `extra_body` or `extra_headers`, is text.

    Raises:
        PayloadError: `input`, one of its items or a tool is nothing that the Responses API knows.
    """
    walk = _Walk(skip_roles)
    walk.request(data, None, unsent)
    walk.found.hidden.extend(key for key in _HISTORY if data.get(key))
    return walk.finish()


def find_in_response(response: object) -> Found:
    """Find everything in an answer that a model, a tool or a provider wrote, and what it tells of its request.

    Args:
        response: a response as a dict, a LiteLLM `ResponsesAPIResponse` or an openai `Response`.
    """
    walk = _Walk()
    walk.items(response, "output", fields.get(response, "output"), None)
    walk.beside_output(response)
    return walk.finish()


def in_scope(item: object, skip_roles: Collection[str]) -> bool:
    """Whether an item is to be looked into. Only a message is somebody's: elsewhere a `role` says nothing."""
    if not skip_roles or fields.get(item, "type") not in (None, "message"):
        return True
    role = fields.get(item, "role")
    return not isinstance(role, str) or role.lower() not in skip_roles


def lone_text_in_request(data: MutableMapping[str, Any], *, unsent: AbstractSet[str] = frozenset()) -> LoneText | None:
    """The text of a request that holds one, in a message of a user or an assistant, and nothing else that counts.

    A quick look at what most requests are; `None` says only that this is not one of them.
    """
    if not _BESIDE_INPUT.isdisjoint(data) or data.keys() - _CHOICES - unsent:
        return None
    value = data.get("input")
    if type(value) is str:
        return (value, (data, "input", TextKind.TEXT, None, None, None)) if value else None
    if type(value) is not list or len(cast("list[Payload]", value)) != 1:
        return None
    item: Payload = value[0]
    if not fields.is_plain_message(item) or item.get("role") not in _SPEAKERS or not item["content"]:
        return None
    return item["content"], (item, "content", TextKind.TEXT, _FIRST_ITEM, None, None)


def lone_text_in_response(response: object) -> LoneText | None:
    """The text of an answer that is one message with one text; `None` says only that it is none of these."""
    if fields.is_mapping(response):
        return None
    output = getattr(response, "output", None)
    if type(output) is not list or len(cast("list[Payload]", output)) != 1 or not fields.is_object(output[0]):
        return None
    slots = _simple_message(output[0], _OUTPUT, 0)
    if slots is None or len(slots) != 1:
        return None
    walk = _Walk()
    walk.beside_output(response)
    if walk.finish().slots:
        return None
    slot = slots[0]
    return slot.text, (slot.owner, slot.key, slot.kind, slot.where and slot.where[0], None, None)


def find_in_item(item: object, where: Where = None, *, rules: Rules | None = None) -> Found:
    """Find the texts of one input item, output item or content part, or of what has rules of its own."""
    walk = _Walk()
    walk.item(item, where, placed=rules)
    return walk.finish()


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
        if type(text) is not str or present.get("type") != "output_text":
            return None
        if present.get("annotations") or present.get("logprobs") or not present.keys() <= _OUTPUT_TEXT:
            return None
        if text:
            slots.append(Slot(part, "text", text, TextKind.OUTPUT_TEXT, ((here, number), "text")))
    return slots


class _Walk(RequestWalk):
    """One walk; collects into `found`."""

    def __init__(self, skip_roles: Collection[str] = ()) -> None:
        super().__init__(VOCABULARY, REQUEST, lambda _: COMMON, skip_roles)

    def request(self, data: Payload, where: Where, unsent: AbstractSet[str]) -> None:
        """A request, or what is laid over one."""
        if "system" not in self._skip_roles:
            self.field(data, _INSTRUCTIONS, fields.get(data, _INSTRUCTIONS), FieldRule.TEXT, where)
        self.input(data, where)
        own = fields.members(data)
        for key in sorted((own.keys() - _CHOICES - unsent) | (own.keys() & _BESIDE_INPUT)):
            self.field_name(key)
            if key == _LAID_OVER and fields.is_object(own[key]):
                self.request(own[key], (where, key), frozenset())
            elif key == "tools" and own[key] is not None:
                self.tools(own[key], where)
            elif key not in {_INSTRUCTIONS, _METADATA}:
                self._beside(data, key, own[key], REQUEST.get(key, FieldRule.FREE), where)
        self.metadata(data, where)

    def beside_output(self, response: Payload) -> None:
        """The fields of an answer but its output."""
        for key, value in fields.members(response).items():
            if key != "output":
                self._beside(response, key, value, ANSWER.get(key, FieldRule.FREE), None)

    def _beside(self, owner: Payload, key: str, value: object, rule: FieldRule | Rules, where: Where) -> None:
        """A field beside the conversation. In code, a format may be a class, whose words are the caller's."""
        if not value or isinstance(value, (bool, int, float, type)):
            return
        if key == "tool_choice" and isinstance(value, str) and value in _CHOSEN:
            return
        self.ruled(owner, key, value, rule, where)
        if key == "prompt" and fields.is_object(value):
            self._prompt_variables(value, (where, key))

    def _prompt_variables(self, prompt: Payload, where: Where) -> None:
        """What a stored prompt is filled with. Every name is the caller's own."""
        variables = fields.get(prompt, "variables")
        if not fields.is_object(variables):
            self.field(prompt, "variables", variables, FieldRule.FREE, where)
            return
        where = (where, "variables")
        for key, value in list(fields.members(variables).items()):
            self.names[str(key)] = None
            rule = FieldRule.TEXT if fields.get(value, "type") else FieldRule.FREE
            self.field(variables, key, value, rule, where)

    def input(self, data: Payload, where: Where) -> None:
        """The conversation: a text, an item or a list of items."""
        value = fields.get(data, "input")
        if isinstance(value, str):
            self.field(data, "input", value, FieldRule.TEXT, where)
        elif fields.is_object(value):
            if in_scope(value, self._skip_roles):
                self.item(value, (where, "input"))
        elif value is not None:
            self.items(data, "input", value, where)

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

    def tools(self, tools: object, where: Where) -> None:
        """What tools say."""
        where = (where, "tools")
        if not isinstance(tools, (list, tuple)):
            raise PayloadError(render(where), f"is a {type(tools).__name__}, not a list of tools")
        for index, tool in enumerate(cast("Sequence[Payload]", tools)):
            if not fields.is_object(tool):
                raise PayloadError(render((where, index)), f"is a {type(tool).__name__}, not a tool")
            self.item(tool, (where, index), untyped=UNKNOWN)
