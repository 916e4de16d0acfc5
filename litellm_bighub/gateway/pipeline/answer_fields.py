"""Taking calls out of the fields of a whole answer in which the format has no place for them."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import cast

from litellm_bighub.domain.call import ToolCall
from litellm_bighub.formats.answers.answer_fields import clear
from litellm_bighub.formats.answers.decided_calls import DecidedCalls
from litellm_bighub.formats.registry import format_of_answer
from litellm_bighub.formats.stream.gate_protocol import Outcome

logger = logging.getLogger(__name__)


def clear_answer(answer: object, outcomes: Iterable[tuple[ToolCall, Outcome]]) -> None:
    """Take out every field that tells of a call that does not pass, or of one that nobody decided on, in place.

    Args:
        answer: of any format, or a list of such; one of none is left alone.
        outcomes: what became of its calls.
    """
    decided = DecidedCalls()
    for call, outcome in outcomes:
        decided.add(call, outcome)
    _clear(answer, decided)


def _clear(answer: object, decided: DecidedCalls) -> None:
    if isinstance(answer, list):
        for each in cast("list[object]", answer):
            _clear(each, decided)
        return
    spoken = format_of_answer(answer)
    if spoken is None:
        return
    if changed := clear(answer, spoken.answer_fields, decided):
        logger.warning("fields of an answer told of calls that may not pass and were taken out: %s changed", changed)
