"""Asking a guardrail about all of a payload at once, and writing its answer back: everything, or nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Any

from litellm_bighub.checks.contract import Guardrail, name_of
from litellm_bighub.checks.text_check import TextAnswer, TextQuestion, check, discard, gather
from litellm_bighub.domain.payload import JsonObject, Payload
from litellm_bighub.errors import GuardrailAnswerError, PayloadError
from litellm_bighub.formats.payload.slots import Found, Slot, TextKind, rewrite, stands_in
from litellm_bighub.gateway.hooks.tool_call_chunks import ToolCallChunks

Mappings = list[tuple[Any, ...]]


class Extracted:
    """What override points extracted: texts to check or tasks that check them, and where each came from."""

    __slots__ = ("images", "mappings", "slots", "tasks", "texts")

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.images: list[str] = []
        self.tasks: list[Awaitable[str]] = []
        self.mappings: Mappings = []
        self.slots: list[Slot] = []


async def ask(
    guardrail: Guardrail, question: TextQuestion, extracted: Extracted, *, each: bool, limit: int
) -> tuple[TextAnswer, Sequence[str]]:
    """Run all checks at once.

    Args:
        guardrail: of either contract.
        question: may be an empty one.
        extracted: may bring checks of its own.
        each: as for `check`.
        limit: how many calls may be under way at once.

    Returns:
        The guardrail's answer, and the texts that answer the mappings of override points.
    """
    batch = _nothing() if question.is_empty else check(guardrail, question, each=each, limit=limit)
    if not extracted.tasks:
        answer = await batch
        return answer, answer.texts[-len(extracted.texts) :] if extracted.texts else ()
    responses: list[str] = []

    async def tasks() -> TextAnswer:
        responses.extend(await gather(extracted.tasks, limit))
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


def context_of(found: Found, model: object, calls: ToolCallChunks, **more: list[Payload]) -> JsonObject:
    """What a guardrail is handed with the texts: only what there is."""
    given: JsonObject = {"images": found.images, "files": found.files, "model": model, **more}
    context = {key: value for key, value in given.items() if value}
    if calls.chunks:
        context["tool_calls"] = calls.handed_over()
    return context


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
    """
    writes: list[tuple[Slot, str]] = list(zip(slots, answer.texts, strict=False))
    rewritten = [slot for slot, text in writes if text != slot.text]
    changed = {(id(slot.owner), slot.key) for slot in rewritten}
    for slot, text in (*calls.rewrites(answer.tool_calls, name_of(guardrail)), *more):
        is_inside = slot.kind is TextKind.OBJECT and any(stands_in(each, slot) for each in rewritten)
        if (id(slot.owner), slot.key) not in changed and not is_inside:
            writes.append((slot, text))
    with as_answer_error(guardrail):
        rewrite([slot for slot, _ in writes], [text for _, text in writes])


def texts_and_calls(asked: Sequence[str], answer: TextAnswer, calls: ToolCallChunks, guardrail: Guardrail) -> list[str]:
    """The answer to texts of a stream, with what the guardrail changed in the calls that they belong to.

    Raises:
        GuardrailAnswerError: it changed something else of a call than a text that was asked about.
    """
    texts = list(answer.texts)
    for slot, text in calls.rewrites(answer.tool_calls, name_of(guardrail)):
        if slot.kind is TextKind.OBJECT and texts != list(asked):
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
