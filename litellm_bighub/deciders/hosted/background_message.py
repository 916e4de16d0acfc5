"""Telling our own control plane why a call was made that people are asked about, over HTTP.

The conversation goes nowhere else: the hosted BIGHUB has no field for it, and what is allowed or blocked needs none. It
is sent behind the question, so that only a call for which people are asked costs its reading, and once the decision is
had: outside of all that limits and repeats questions, to which a slow telling would look like a missing decision.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Final, TypeAlias

import anyio

from litellm_bighub.deciders.hosted.hosted_approvals import is_path_segment
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.call_background import CallBackground, cleaned
from litellm_bighub.domain.decision import RequireApproval
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.domain.redaction import Redactor, hidden_texts

logger = logging.getLogger(__name__)

GATE_VERSION: Final = "litellm-bighub"
"""By this our own control plane is known."""
_SECONDS: Final = 1.0
"""So long the call waits for it; people decide without it then."""

Send: TypeAlias = Callable[[str, JsonObject], Awaitable[object]]
"""Posts a body to a path."""


async def tell_background(
    send: Send, decision: RequireApproval, call: ToolCall, context: CallContext, redactor: Redactor
) -> None:
    """Tell the control plane why the call was made, if it is ours. Whether it hears is never a failure.

    Args:
        send: posts it.
        decision: the control plane's, which asks people.
        call: that was asked about.
        context: reads the background.
        redactor: takes secrets out of it.
    """
    read = context.background
    if read is None or decision.basis.gate_version != GATE_VERSION or not is_path_segment(decision.approval_id):
        return

    def background() -> CallBackground:
        hidden = list(hidden_texts(call.arguments, redactor.redact(call.arguments)))
        return cleaned(read(call), redactor.redact, hidden)

    try:
        with anyio.move_on_after(_SECONDS):
            told = await asyncio.to_thread(background)
            if told:
                await send(f"/approvals/{decision.approval_id}/context", asdict(told))
    except Exception as error:  # noqa: BLE001 - people then decide without it, whatever has failed
        logger.warning("people are not told why a call was made: %s", type(error).__name__)
