"""The methods of the translation handler that a subclass may override, with the signatures of their first release.

The first release collected one task a text (`…_and_create_tasks`), later ones collect lists (`…_text_and_images`). Both
ways go on working, and overriding either changes what happens: then each item goes through the override, and what
stands around the items (instructions, metadata, …) is still found by our own walk.

They say with task mappings, which are tuples, where a text came from.
"""

from __future__ import annotations

from collections.abc import Awaitable, Collection, Sequence
from functools import cache
from typing import Any, Final, cast

from litellm.llms.openai.responses.guardrail_translation.handler import OpenAIResponsesHandler as BuiltIn

from litellm_bighub.checks.contract import Guardrail
from litellm_bighub.checks.text_check import InputType, TextQuestion, check, discard
from litellm_bighub.domain.payload import JsonObject, Payload
from litellm_bighub.errors import PayloadError
from litellm_bighub.formats.payload import fields
from litellm_bighub.formats.payload.slots import Found, Slot, TextKind, Where, render, rewrite
from litellm_bighub.formats.registry import format_named
from litellm_bighub.gateway.hooks.translation.format_handler import FormatHandler
from litellm_bighub.gateway.hooks.translation.guardrail_calls import ToolCallChunks
from litellm_bighub.gateway.hooks.translation.guardrail_exchange import Extracted, Mappings
from litellm_bighub.gateway.pipeline.request_scope import enter, request_scope

WIRE_FORMAT: Final = "responses"
"""The format of LiteLLM's handler whose methods may be overridden. The other formats have no such methods."""


class OverridePoints(FormatHandler, BuiltIn):
    """The built-in handler with its documented override points, old and new, over our own walk."""

    def __init__(self) -> None:
        super().__init__(format_named(WIRE_FORMAT))

    async def _extract_input_text_and_create_tasks(
        self,
        message: Payload,
        msg_idx: int,
        tasks: list[Awaitable[str]],
        task_mappings: Mappings,
        guardrail_to_apply: Guardrail,
    ) -> None:
        """Append a task for each text of an input item, and where its answer belongs."""
        self._create_tasks(message, "input", msg_idx, tasks, task_mappings, guardrail_to_apply)

    async def _extract_output_text_and_create_tasks(
        self,
        output_item: Payload,
        output_idx: int,
        tasks: list[Awaitable[str]],
        task_mappings: Mappings,
        guardrail_to_apply: Guardrail,
    ) -> None:
        """Append a task for each text of an output item, and where its answer belongs."""
        self._create_tasks(output_item, "output", output_idx, tasks, task_mappings, guardrail_to_apply)

    def _extract_input_text_and_images(
        self,
        message: Payload,
        msg_idx: int,
        texts_to_check: list[str],
        images_to_check: list[str],
        task_mappings: Payload,
    ) -> None:
        """Append the texts and images of an input item, and where each text's answer belongs."""
        self._collect(message, "input", msg_idx, texts_to_check, images_to_check, task_mappings)

    def _extract_output_text_and_images(
        self,
        output_item: Payload,
        output_idx: int,
        texts_to_check: list[str],
        images_to_check: list[str],
        task_mappings: Payload,
        tool_calls_to_check: list[Payload] | None = None,
    ) -> None:
        """Append the texts, images and tool calls of an output item, and where each text's answer belongs."""
        self._collect(output_item, "output", output_idx, texts_to_check, images_to_check, task_mappings)
        if tool_calls_to_check is not None:
            tool_calls_to_check.extend(ToolCallChunks(self._texts.calls([output_item], "output")).chunks)

    async def _apply_guardrail_responses_to_input(
        self, messages: Payload, responses: Sequence[str], task_mappings: Sequence[tuple[Any, ...]]
    ) -> None:
        """Write the answers into the input items. `responses` pairs with `task_mappings`."""
        rewrite([slot_at(messages, mapping, "input") for mapping in task_mappings], responses)

    async def _apply_guardrail_responses_to_output(
        self, response: Payload, responses: Sequence[str], task_mappings: Sequence[tuple[Any, ...]]
    ) -> None:
        """Write the answers into the output items. `responses` pairs with `task_mappings`."""
        output = fields.get(response, "output") or []
        rewrite([slot_at(output, mapping, "output") for mapping in task_mappings], responses)

    def _has_text_content(self, response: Payload) -> bool:
        """Whether an answer has any text. Where a subclass says no, its texts are not checked."""
        return bool(_rewritable(self._texts.in_answer(response)))

    def _create_tasks(
        self,
        item: Payload,
        root: str,
        index: int,
        tasks: list[Awaitable[str]],
        mappings: Mappings,
        guardrail: Guardrail,
    ) -> None:
        # The signature of an override point, which is older, has no place for the request.
        request_data, input_type = request_scope().extraction or ({}, _side(root))
        for slot in _rewritable(self._texts.in_item(item, ((None, root), index))):
            question = TextQuestion([slot.text], {}, None, request_data, input_type)
            tasks.append(_one_text(guardrail, question))
            mappings.append(TaskMapping.of(slot, index))

    def _collect(
        self, item: Payload, root: str, index: int, texts: list[str], images: list[str], mappings: Mappings
    ) -> None:
        found = self._texts.in_item(item, ((None, root), index))
        slots = _rewritable(found)
        texts.extend(slot.text for slot in slots)
        images.extend(found.images)
        mappings.extend(TaskMapping.of(slot, index) for slot in slots)

    @classmethod
    @cache
    def _overrides(cls, name: str) -> bool:
        return getattr(cls, name) is not getattr(OverridePoints, name)

    @classmethod
    @cache
    def _overrides_items(cls, root: str) -> bool:
        """Whether the items of a request (`input`) or answer (`output`) have to go through an override."""
        return any(
            cls._overrides(name)
            for name in (
                f"_extract_{root}_text_and_create_tasks",
                f"_extract_{root}_text_and_images",
                f"_apply_guardrail_responses_to_{root}",
            )
        )

    async def _extract(
        self,
        items: list[Payload],
        root: str,
        guardrail: Guardrail,
        request_data: JsonObject,
        skip_roles: Collection[str],
    ) -> Extracted:
        """Send each item through the override points.

        Raises:
            PayloadError: an override collected texts that it has no mapping for, or the other way round.
        """
        extracted = Extracted()
        try:
            await self._extract_into(extracted, items, root, guardrail, request_data, skip_roles)
        except BaseException:
            await discard(extracted.tasks)
            raise
        return extracted

    async def _extract_into(
        self,
        extracted: Extracted,
        items: list[Payload],
        root: str,
        guardrail: Guardrail,
        request_data: JsonObject,
        skip_roles: Collection[str],
    ) -> None:
        as_tasks = self._overrides(f"_extract_{root}_text_and_create_tasks")
        enter(request_scope()._replace(extraction=(request_data, _side(root))))
        for index, item in enumerate(items):
            if isinstance(item, str) or not self._texts.in_scope(item, skip_roles):
                continue
            if as_tasks:
                create = getattr(self, f"_extract_{root}_text_and_create_tasks")
                await create(item, index, extracted.tasks, extracted.mappings, guardrail)
            else:
                collect = getattr(self, f"_extract_{root}_text_and_images")
                collect(item, index, extracted.texts, extracted.images, extracted.mappings)
        collected = len(extracted.tasks) + len(extracted.texts)
        if collected != len(extracted.mappings):
            raise PayloadError(root, f"an override collected {collected} texts and {len(extracted.mappings)} mappings")
        extracted.slots = [slot_at(items, mapping, root) for mapping in extracted.mappings]

    async def _write(self, owner: Payload, root: str, extracted: Extracted, responses: Sequence[str]) -> None:
        """Write answers back: through the override where its mappings are such as its first release knew.

        `owner` is the list of items of a request, or the answer.
        """
        classic: list[tuple[tuple[Any, ...], str]] = []
        for mapping, slot, text in zip(extracted.mappings, extracted.slots, responses, strict=True):
            if isinstance(mapping, TaskMapping) and not mapping.is_classic:
                rewrite([slot], [text])
            else:
                classic.append((mapping, text))
        if not classic:
            return
        mappings, texts = [mapping for mapping, _ in classic], [text for _, text in classic]
        if root == "input":
            await self._apply_guardrail_responses_to_input(owner, texts, mappings)
        else:
            await self._apply_guardrail_responses_to_output(owner, texts, mappings)


def around(found: Found, items: list[Payload], root: str, extracted: Extracted) -> Found:
    """What was found in a payload, less the texts of the items that override points looked into.

    An item that is nothing but a string has no shape that an override point could look at. Images, files and what is
    hidden stay: the first override points knew nothing of them.
    """
    slots = [slot for slot in found.slots if slot.owner is items or root_of(slot) != root]
    images = [*found.images, *(image for image in extracted.images if image not in found.images)]
    return Found(slots, images, found.files, found.image_slots, found.file_slots, found.hidden)


def _rewritable(found: Found) -> list[Slot]:
    """The texts less the names, which are asked about with what stands around the items: nothing takes their place."""
    return [slot for slot in found.slots if slot.kind is not TextKind.NAME]


def _side(root: str) -> InputType:
    return "request" if root == "input" else "response"


def root_of(slot: Slot) -> str | int | None:
    """The field of a payload that a text stands in."""
    where, key = slot.where, None
    while where is not None:
        where, key = where
    return key


async def _one_text(guardrail: Guardrail, question: TextQuestion) -> str:
    return (await check(guardrail, question, each=False, limit=1)).texts[0]


class TaskMapping(tuple[Any, ...]):  # noqa: SLOT001 - a tuple with slots can hold no attribute
    """`(item index, content index)`, `(item index, None)` for an item's only text, or `(item index, path)`.

    A tuple like those of the first release, which also remembers its slot.
    """

    slot: Slot

    @classmethod
    def of(cls, slot: Slot, index: int) -> TaskMapping:
        """The place of a slot found in the item at `index`."""
        place = cls((index, _second(slot.where)))
        place.slot = slot
        return place

    @property
    def is_classic(self) -> bool:
        """Whether the first release's override points would know what it means."""
        return not isinstance(self[1], str)


def _second(where: Where) -> int | str | None:
    match where:
        case ((_, "content"), int(part)), "text":
            return part
        case (_, int()), "content":
            return None
        case _:
            return render(where)


def slot_at(items: Sequence[Payload], mapping: tuple[Any, ...], root: str) -> Slot:
    """The slot that a mapping means, also one that a subclass made by hand.

    Raises:
        PayloadError: the mapping means no text.
    """
    if isinstance(mapping, TaskMapping):
        return mapping.slot
    match mapping:
        case int(index), int() | None as part:
            pass
        case _:
            raise PayloadError(root, "a task mapping is no pair of an item's index and a part's")
    where: Where = (((None, root), index), "content")
    item = _element(items, index)
    content = fields.get(item, "content")
    if part is None:
        if isinstance(content, str):
            return Slot(item, "content", content, TextKind.TEXT, where)
        raise PayloadError(f"{root}[{index}].content", "a task mapping points here, but there is no text")
    owner = _element(content, part)
    text = fields.get(owner, "text")
    if not isinstance(text, str):
        raise PayloadError(f"{root}[{index}].content[{part}]", "a task mapping points here, but there is no text")
    kind = TextKind.OUTPUT_TEXT if fields.get(owner, "type") == "output_text" else TextKind.TEXT
    return Slot(owner, "text", text, kind, ((where, part), "text"))


def _element(elements: object, index: int) -> Payload:
    if not isinstance(elements, (list, tuple)) or not 0 <= index < len(cast("Sequence[Payload]", elements)):
        return None
    return cast("Sequence[Payload]", elements)[index]
