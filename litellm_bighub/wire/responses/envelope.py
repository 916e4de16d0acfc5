"""The whole response as it stands in `response.created`, `response.completed` and the like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from pydantic import BaseModel

from litellm_bighub.wire.copies import with_fields
from litellm_bighub.wire.fields import get
from litellm_bighub.wire.responses.held import HeldItem
from litellm_bighub.wire.responses.items import is_call


def output_of(event: object) -> Sequence[object] | None:
    """The output items of the response that the event carries, `None` if it carries none."""
    output: object = get(get(event, "response"), "output")
    return cast("Sequence[object]", output) if isinstance(output, list | tuple) else None


def rewritten(event: object, copies: Mapping[int, HeldItem]) -> object:
    """The event with every withheld or edited call replaced; itself if there is none."""
    changed = {index: held for index, held in copies.items() if held.rewrites}
    if not changed:
        return event
    response: object = get(event, "response")
    output = list(output_of(event) or ())
    for index, held in changed.items():
        output[index] = held.copy_in_envelope(output[index])
    return with_fields(event, response=with_fields(response, output=output))


def carries_call(event: object) -> bool:
    """Whether a field of an event of unknown type is a call, or a list with one."""
    return any(is_call(value) for field in _values(event) for value in (field if isinstance(field, list) else [field]))


def _values(event: object) -> list[Any]:
    if isinstance(event, BaseModel):
        return list({**event.__dict__, **(event.__pydantic_extra__ or {})}.values())
    return list(cast("Mapping[str, object]", event).values()) if isinstance(event, Mapping) else []
