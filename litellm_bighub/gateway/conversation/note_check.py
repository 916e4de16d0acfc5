"""What a person writes to the agent passes the text checks of the request, as every text does that reaches a model.

It is checked once, with the decision that brings it, wherever it goes then: into the notice of a denied call, into the
request that tells the model of it, or beside the result that a later request brings.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

from litellm_bighub.domain.decision import Allow, Block, Decision
from litellm_bighub.wording import Wording

logger = logging.getLogger(__name__)
NoteCheck: TypeAlias = Callable[[str], Awaitable[str]]
"""A person's text as the text guardrails leave it; raises what they raise to refuse it."""


async def checked_notes(decisions: Sequence[Decision], check: NoteCheck, wording: Wording) -> list[Decision]:
    """The decisions, with what people write to the agent as the guardrails leave it.

    A decision stands whatever becomes of its note. A text that was refused is not said, and the agent hears that.
    """
    return [await _checked(each, check, wording) for each in decisions]


async def _checked(decision: Decision, check: NoteCheck, wording: Wording) -> Decision:
    if not isinstance(decision, Allow | Block) or not decision.told:
        return decision
    try:
        told = await check(decision.told)
    except Exception as error:  # noqa: BLE001 - guardrails refuse with errors of any kind, and what none has passed is not said
        logger.warning("what a person wrote to the agent was withheld by a text check: %s", type(error).__name__)
        told = wording.note_withheld
    if told == decision.told:
        return decision
    if isinstance(decision, Allow):
        return replace(decision, told=told, remembered=False)
    return replace(decision, told=told)
