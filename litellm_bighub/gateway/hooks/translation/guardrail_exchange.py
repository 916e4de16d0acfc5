"""Asking a guardrail about all of a payload at once, and writing its answer back: everything, or nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from litellm_bighub.checks.contract import Guardrail, name_of
from litellm_bighub.checks.second_look import Parts, SecondLook, check_again
from litellm_bighub.checks.text_check import TextAnswer, TextQuestion, check, discard, gather
from litellm_bighub.domain.payload import JsonObject, Payload
from litellm_bighub.errors import GuardrailAnswerError, PayloadError
from litellm_bighub.formats.payload.slots import NO_TEXTS, Found, Slot, TextKind, rewrite, stands_in
from litellm_bighub.gateway.hooks.translation.guardrail_calls import ToolCallChunks

Mappings = list[tuple[Any, ...]]

TWICE: Final = "answered with two rewrites, of which one would be lost:"


class Extracted:
    """What override points extracted: texts to check or tasks that check them, and where each came from."""

    __slots__ = ("images", "mappings", "slots", "tasks", "texts")

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.images: list[str] = []
        self.tasks: list[Awaitable[str]] = []
        self.mappings: Mappings = []
        self.slots: list[Slot] = []


class AskMode(NamedTuple):
    """How guardrails are asked.

    Attributes:
        each: as for `check`.
        limit: how many calls may be under way at once.
        second_look: which texts are looked at twice.
    """

    each: bool
    limit: int
    second_look: SecondLook


async def ask(
    guardrail: Guardrail, question: TextQuestion, extracted: Extracted, parts: Sequence[Parts], mode: AskMode
) -> tuple[TextAnswer, Sequence[str]]:
    """Run all checks at once, and then, where there is something to be seen so, the second look.

    Args:
        guardrail: of either contract.
        question: may be an empty one.
        extracted: may bring its own checks.
        parts: which of the texts belong together.
        mode: how it is asked.

    Returns:
        The guardrail's answer, and the texts that answer the mappings of override points.
    """
    batch = _nothing() if question.is_empty else check_twice(guardrail, question, parts, mode)
    if not extracted.tasks:
        answer = await batch
        return answer, answer.texts[-len(extracted.texts) :] if extracted.texts else ()
    responses: list[str] = []

    async def tasks() -> TextAnswer:
        responses.extend(await gather(extracted.tasks, mode.limit))
        return TextAnswer([])

    try:
        answer, _ = await gather((batch, tasks()), 2)
    except BaseException:
        await discard(extracted.tasks)
        raise
    for index, response in enumerate(responses):
        if not isinstance(response, str):  # pyright: ignore[reportUnnecessaryIsInstance] - a subclass made it
            problem = f"answered text {index} with a {type(response).__name__}"
            raise GuardrailAnswerError(name_of(guardrail), problem)
    return answer, responses


def context_of(found: Found, model: object, calls: ToolCallChunks, tools: Sequence[Payload] = ()) -> JsonObject:
    """What a guardrail gets with the texts: only the fields that exist."""
    context: JsonObject = {"images": found.images} if found.images else {}
    if found.files:
        context["files"] = found.files
    if model:
        context["model"] = model
    if tools:
        context["tools"] = tools
    if calls.chunks:
        context["tool_calls"] = calls.handed_over()
    return context


async def check_twice(
    guardrail: Guardrail, question: TextQuestion, parts: Sequence[Parts], mode: AskMode
) -> TextAnswer:
    """Run the checks of a question that is not empty, and then the second look; the arguments are those of `ask`."""
    answer = await check(guardrail, question, each=mode.each, limit=mode.limit)
    views = mode.second_look.views(answer.texts, parts)
    if not views:
        return answer
    return await check_again(guardrail, question, answer, views, each=mode.each, limit=mode.limit)


async def _nothing() -> TextAnswer:
    return TextAnswer([])


def write(
    slots: Sequence[Slot],
    answer: TextAnswer,
    calls: ToolCallChunks,
    guardrail: Guardrail,
    more: Iterable[tuple[Slot, str]] = (),
) -> None:
    """Write texts and tool calls, or raise and have written nothing.

    Args:
        slots: the texts that the guardrail was asked about.
        answer: its own.
        calls: the tool calls that it was handed.
        guardrail: whose answer it is.
        more: what it changed elsewhere. Of two changes to one text, that in `texts` counts: it is exact.

    Raises:
        GuardrailAnswerError: the answer cannot be written back, or a second look changed a text that it changed
            elsewhere too.
    """
    writes: list[tuple[Slot, str]] = list(zip(slots, answer.texts, strict=False))
    elsewhere = [*calls.rewrites(answer.tool_calls, name_of(guardrail)), *more]
    exact = list(zip(slots, answer.exact_texts, strict=False))
    rewritten = [slot for slot, text in exact if text != slot.text]
    found_again = [slot for (slot, text), (_, last) in zip(exact, writes, strict=True) if text == slot.text != last]
    for slot, text in elsewhere:
        is_again = slot.kind in NO_TEXTS or not _is_among(slot, rewritten)
        if is_again and (_is_among(slot, rewritten) or _is_among(slot, found_again)):
            raise GuardrailAnswerError(name_of(guardrail), f"{TWICE} {slot.path}")
        if not _is_among(slot, rewritten):
            writes.append((slot, text))
    with as_answer_error(guardrail):
        rewrite([slot for slot, _ in writes], [text for _, text in writes])


def media_rewrites(found: Found, answer: TextAnswer, guardrail: Guardrail) -> list[tuple[Slot, str]]:
    """The images and files that a guardrail changed, where they stand.

    Raises:
        GuardrailAnswerError: it changed one that an override point has found, whose place is unknown.
    """
    changed: list[tuple[Slot, str]] = []
    for given, slots, answered in (
        (found.images, found.image_slots, answer.images),
        (found.files, found.file_slots, answer.files),
    ):
        for index, (before, after) in enumerate(zip(given, given if answered is None else answered, strict=True)):
            if before != after and index >= len(slots):
                raise GuardrailAnswerError(name_of(guardrail), "answered with another image, whose place nobody knows")
            if before != after:
                changed.append((slots[index], after))
    return changed


def _is_among(slot: Slot, slots: Sequence[Slot]) -> bool:
    """Whether its text is one of these, or holds one."""
    if slot.kind is TextKind.OBJECT and any(stands_in(each, slot) for each in slots):
        return True
    return any(each.owner is slot.owner and each.key == slot.key for each in slots)


def write_found(
    found: Found,
    answer: TextAnswer,
    calls: ToolCallChunks,
    guardrail: Guardrail,
    more: Sequence[tuple[Slot, str]] = (),
) -> None:
    """Write as `write` does. Of texts that were not rewritten, no slots are made."""
    if more or answer.tool_calls is not None:
        write(found.slots, answer, calls, guardrail, more)
    else:
        with as_answer_error(guardrail):
            found.rewrite(answer.texts)


def texts_and_calls(asked: Sequence[str], answer: TextAnswer, calls: ToolCallChunks, guardrail: Guardrail) -> list[str]:
    """The answer to texts of a stream, with what the guardrail changed in the calls that they belong to.

    Raises:
        GuardrailAnswerError: it changed something else of a call than a text that was asked about.
    """
    texts, exact = list(answer.texts), answer.exact_texts
    for slot, text in calls.rewrites(answer.tool_calls, name_of(guardrail)):
        if exact != texts:
            raise GuardrailAnswerError(name_of(guardrail), f"{TWICE} {slot.path}")
        if slot.kind is TextKind.OBJECT and exact != list(asked):
            continue  # what was rewritten in `texts` is exact
        if slot.kind is TextKind.NAME or slot.text not in asked:
            raise GuardrailAnswerError(name_of(guardrail), "answered with a tool call that cannot be written back")
        at = asked.index(slot.text)
        texts[at] = text if texts[at] == asked[at] else texts[at]
    return texts


@contextmanager
def as_answer_error(guardrail: Guardrail) -> Generator[None]:
    """What cannot be written back is the fault of the guardrail's answer."""
    try:
        yield
    except PayloadError as error:
        raise GuardrailAnswerError(name_of(guardrail), str(error)) from error
