"""The whole response as it stands in `response.created`, `response.completed` and the like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from litellm_bighub.formats.payload.copies import with_fields
from litellm_bighub.formats.payload.fields import get
from litellm_bighub.formats.payload.nested import holds_call, nested
from litellm_bighub.formats.responses.item_kinds import is_call
from litellm_bighub.formats.responses.stream.held_item import HeldItem


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
    """Whether anything in an event of unknown type is a call."""
    return holds_call(event) or any(is_call(value) for value in nested(event) if value is not event)
