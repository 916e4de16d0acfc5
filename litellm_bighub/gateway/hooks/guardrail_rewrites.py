"""Writing a guardrail's answer into a payload: everything, or nothing."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager

from litellm_bighub.checks.contract import Guardrail, name_of
from litellm_bighub.checks.text_check import TextAnswer
from litellm_bighub.errors import GuardrailAnswerError, PayloadError
from litellm_bighub.formats.payload.slots import Slot, rewrite
from litellm_bighub.gateway.hooks.tool_call_chunks import ToolCallChunks


def write(slots: Sequence[Slot], answer: TextAnswer, calls: ToolCallChunks, guardrail: Guardrail) -> None:
    """Write texts and tool calls, or raise and have written nothing."""
    writes: list[tuple[Slot, str]] = list(zip(slots, answer.texts, strict=False))
    changed = {(id(slot.owner), slot.key) for slot, text in writes if text != slot.text}
    for slot, text in calls.rewrites(answer.tool_calls, name_of(guardrail)):
        if (id(slot.owner), slot.key) not in changed:
            writes.append((slot, text))
    with as_answer_error(guardrail):
        rewrite([slot for slot, _ in writes], [text for _, text in writes])


@contextmanager
def as_answer_error(guardrail: Guardrail) -> Generator[None]:
    """What cannot be written back is the fault of the guardrail's answer."""
    try:
        yield
    except PayloadError as error:
        raise GuardrailAnswerError(name_of(guardrail), str(error)) from error
