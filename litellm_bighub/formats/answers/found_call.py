"""A tool call where it stands in a whole answer, with what it takes to edit or withhold it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from litellm_bighub.domain.call import Arguments, ToolCall
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.formats.stream.gate_protocol import Withhold


def _unsaid(note: str) -> None:
    """The result of the call tells it."""


@dataclass(frozen=True, slots=True)
class FoundCall:
    """A call in an answer.

    Attributes:
        call: what is decided on.
        edit: puts a person's arguments in place of the model's; a note tells the model where nothing else will.
        withhold: puts something else in the call's place.
        say: tells the model of a call that stays as it is, where its result will name no call.
    """

    call: ToolCall
    edit: Callable[[Arguments, str], None]
    withhold: Callable[[Withhold], None]
    say: Callable[[str], None] = _unsaid


@dataclass(frozen=True, slots=True)
class Replacements:
    """How that is made which stands in the places of withheld calls.

    Attributes:
        new_item_id: makes ids for notices where they are items.
        refusals: whether notices are refusals, as the format's `wants_refusals` says of the request.
        as_model: makes a model of an item, where the answer's own items are models.
    """

    new_item_id: Callable[[], str]
    refusals: bool
    as_model: Callable[[JsonObject], object]
