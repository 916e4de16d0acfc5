"""Decides on the providers' own tools that a request lists. They run before the gateway sees the answer."""

from __future__ import annotations

import logging
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, replace
from typing import Any

from typing_extensions import assert_never

from litellm_bighub.domain.call import Arguments, CallContext
from litellm_bighub.domain.payload import JsonMapping, Payload
from litellm_bighub.domain.secret_patterns import REDACTED
from litellm_bighub.formats.payload.fields import get, is_object, members
from litellm_bighub.formats.requests.hosted_tools import HostedTool, find_own_tools
from litellm_bighub.formats.requests.tool_removal import replace_at, take_out
from litellm_bighub.formats.stream.gate_protocol import Pass, Withhold
from litellm_bighub.gateway.pipeline.enforcement import Enforcement

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HostedTools:
    """Decides on the providers' own tools of requests.

    Attributes:
        enforcement: decides, and says whether a tool that waits for a person is removed or fails the request.
        gateway_mcp: whether each call of an MCP tool that the gateway runs is decided on by itself, so that listing the
            tool needs no decision.
    """

    enforcement: Enforcement
    gateway_mcp: bool = False

    async def govern(self, request: MutableMapping[str, Any], asks: Callable[[], CallContext]) -> None:
        """Decide on each provider's tool that a request lists, and remove the withheld ones.

        A blocked one is taken out with `on_block: error` too: clients list tools that they never use, and none has been
        called. A tool that names our own requests for approval is no server's: some clients take such a request of a
        listed server only, so they list it, and it is taken out.

        Raises:
            ToolCallWithheld: one waits for a person, and the operator wants such a request to fail.
        """
        listed = find_own_tools(request, gateway_mcp=self.gateway_mcp)
        if not listed:
            return
        found = [tool for tool in listed if not tool.asks_for_approval]
        withheld = [tool.path for tool in listed if tool.asks_for_approval]
        decisions = await self.enforcement.decisions([tool.call for tool in found], asks()) if found else []
        listing = replace(self.enforcement.withholding, on_block="replace")
        wording = self.enforcement.tool_decisions.wording
        outcomes = [
            listing.outcome(tool.call, decision, wording=wording)
            for tool, decision in zip(found, decisions, strict=True)
        ]
        for tool, outcome in zip(found, outcomes, strict=True):
            match outcome:
                case Pass(edited=edited):
                    if edited is not None:
                        _edit(request, tool, edited)
                case Withhold(notice=notice):
                    logger.warning("%s was taken out of a request. %s", tool.call.path, notice)
                    withheld.append(tool.path)
                case _:
                    assert_never(outcome)
        if withheld:
            take_out(request, withheld)


def _edit(request: MutableMapping[str, Any], tool: HostedTool, edited: Arguments) -> None:
    """Replace the tool's settings by a person's, and restore the secrets that were redacted for the person."""
    given: Payload = request
    for step in tool.path:
        given = given[step] if isinstance(step, int) else get(given, step)
    secrets: JsonMapping = members(given) if is_object(given) else {}
    settings = {key: secrets.get(key) if value == REDACTED else value for key, value in edited.items()}
    replace_at(request, tool.path, settings)
