"""The gate through which a stream of each format leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from litellm_bighub.gateway.surface import Format
from litellm_bighub.wire.chat.gate import Gate as ChatGate
from litellm_bighub.wire.gating import StreamGate
from litellm_bighub.wire.messages.gate import Gate as MessagesGate
from litellm_bighub.wire.responses.gate import Gate as ResponsesGate
from litellm_bighub.wire.responses.notice import wants_refusals


def gate_of(spoken: Format, request: Mapping[str, Any], *, new_item_id: Callable[[], str]) -> StreamGate:
    """A new gate.

    Args:
        spoken: the stream's format.
        request: says whether notices are to be refusals.
        new_item_id: makes ids for notices where they are items.
    """
    match spoken:
        case Format.RESPONSES:
            return ResponsesGate(new_item_id=new_item_id, refusals=wants_refusals(request))
        case Format.CHAT:
            return ChatGate()
        case Format.MESSAGES:
            return MessagesGate()
