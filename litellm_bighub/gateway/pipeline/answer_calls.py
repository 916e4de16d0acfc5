"""The calls of a whole answer in any format: where they stand, and what else of the answer tells of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Final, cast

from openai.types.responses import ResponseOutputMessage
from openai.types.responses.response_output_item import McpApprovalRequest
from pydantic import BaseModel

from litellm_bighub.domain.call import ToolCall
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.formats.answers.answer_fields import clear
from litellm_bighub.formats.answers.decided_calls import DecidedCalls
from litellm_bighub.formats.answers.found_call import FoundCall, Replacements
from litellm_bighub.formats.registry import format_of_answer
from litellm_bighub.formats.stream.gate_protocol import Outcome

logger = logging.getLogger(__name__)

_MODELS: Final[Mapping[str, type[BaseModel]]] = {
    "message": ResponseOutputMessage,
    "mcp_approval_request": McpApprovalRequest,
}
"""The models of items that stand in the places of calls, by the items' types."""


def calls_of(response: object, *, new_item_id: Callable[[], str], refusals: bool) -> list[FoundCall]:
    """Find the calls of an answer.

    Args:
        response: of any format, as a dict or model, or a list of such; an answer of none has no calls.
        new_item_id: makes ids for notices.
        refusals: whether notices are refusals, as the format's `wants_refusals` says of the request.

    Raises:
        PayloadError: the answer cannot be read.
    """
    if isinstance(response, list):
        return [
            replace(found, call=replace(found.call, path=f"[{index}].{found.call.path}"))
            for index, each in enumerate(cast("list[object]", response))
            for found in calls_of(each, new_item_id=new_item_id, refusals=refusals)
        ]
    spoken = format_of_answer(response)
    return [] if spoken is None else spoken.find_calls(response, Replacements(new_item_id, refusals, _as_model))


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


def _as_model(item: JsonObject) -> object:
    return _MODELS[item["type"]].model_validate(item)


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
