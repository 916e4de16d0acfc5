"""The calls of a whole answer in any format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, cast

from openai.types.responses import ResponseOutputMessage
from openai.types.responses.response_output_item import McpApprovalRequest
from pydantic import BaseModel

from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.formats.answers.found_call import FoundCall, Replacements
from litellm_bighub.formats.registry import format_of_answer

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


def _as_model(item: JsonObject) -> object:
    return _MODELS[item["type"]].model_validate(item)
