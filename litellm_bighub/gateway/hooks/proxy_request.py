"""`ProxyRequest`: a request that comes through the proxy, or through LiteLLM's callbacks in code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import litellm
from litellm.integrations.custom_guardrail import CustomGuardrail
from litellm.proxy._types import UserAPIKeyAuth

from litellm_bighub.domain.call import CallContext
from litellm_bighub.domain.event import UnapprovedResult
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.formats.format import Format
from litellm_bighub.formats.registry import DEFAULT
from litellm_bighub.gateway.conversation.identity import call_context, previous_response_id
from litellm_bighub.gateway.conversation.stored_responses import is_stored
from litellm_bighub.gateway.hooks.text_guardrail import TextGuardrail
from litellm_bighub.gateway.pipeline.answer_format import refuse_streamed_batch
from litellm_bighub.gateway.pipeline.next_answer import next_answer
from litellm_bighub.gateway.pipeline.request_log import log_results, logged_decisions
from litellm_bighub.gateway.routes.route_formats import governed_format
from litellm_bighub.settings import GuardrailSettings
from litellm_bighub.telemetry.telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class ProxyRequest:
    """A request as a guardrail's hooks are given it.

    Attributes:
        guardrail: in whose name decisions are logged with LiteLLM.
        settings: the guardrail's.
        telemetry: counts the streams that are held.
        data: the request.
        key: who asks, as authenticated; `None` in code.
        wire_format: its format.
    """

    guardrail: CustomGuardrail
    settings: GuardrailSettings
    telemetry: Telemetry
    data: JsonObject
    key: UserAPIKeyAuth | None = None
    wire_format: Format | None = None

    @property
    def where(self) -> str:
        """The route."""
        return (self.key.request_route or "") if self.key is not None else ""

    @property
    def is_whole(self) -> bool:
        """In code, LiteLLM has made its own arguments out of the caller's."""
        return self.key is not None

    @property
    def is_open(self) -> bool:
        """Whether the operator has opened the route, whose format is unknown."""
        return bool(self.where) and self.wire_format in {None, DEFAULT} and governed_format(self.where) is None

    @property
    def can_ask_model(self) -> bool:
        """LiteLLM's callbacks have no model to ask, and a stored answer has no next one."""
        return self.key is not None and not is_stored(self.where)

    @property
    def keep_alive_seconds(self) -> float:
        """As the operator has it."""
        return self.settings.keep_alive_seconds

    @property
    def counts_client_approvals(self) -> bool:
        """The setting. In code the caller is not authenticated."""
        return self.settings.client_approvals and self.key is not None

    @property
    def previous_response_id(self) -> str:
        """The proxy hands ids out encrypted."""
        return previous_response_id(self.data, encrypted=self.key is not None)

    def context(self, response: object = None, heard: Sequence[object] = ()) -> CallContext:
        """Who asks, by the gateway's authentication."""
        asked = self.settings
        return call_context(
            self.key,
            self.data,
            response,
            actor=asked.actor,
            domain=asked.domain,
            actor_from=asked.actor_from,
            heard=heard,
            extent=asked.context,
        )

    async def receive(self) -> None:
        """Refuse what cannot be answered."""
        if self.wire_format is not None and self.wire_format.batches and self.key is not None:
            refuse_streamed_batch(self.data)

    def logged_request(self) -> AbstractContextManager[None]:
        """Logs decisions with LiteLLM."""
        return logged_decisions(
            self.guardrail, self.data, names_blocked=self._names_blocked, note_check=self._note_check
        )

    def logged_answer(self) -> AbstractContextManager[None]:
        """Logs decisions with LiteLLM, and in the guardrail's span if there is one."""
        spans = self.telemetry.spans if self.settings.guardrail_spans else None
        return logged_decisions(
            self.guardrail, self.data, names_blocked=self._names_blocked, spans=spans, note_check=self._note_check
        )

    async def _note_check(self, told: str) -> str:
        """What a person writes to the agent, as the text guardrails of the request leave it, in their order."""
        for callback in litellm.callbacks:
            if isinstance(callback, TextGuardrail):
                told = await callback.check_note(self.data, told)
        return told

    @property
    def _names_blocked(self) -> bool:
        """Whether the caller reads a notice of each blocked call. Otherwise only the model reads of it."""
        return self.settings.on_block != "continue"

    def log_results(self, results: Sequence[UnapprovedResult]) -> None:
        """Logs decisions with LiteLLM."""
        log_results(self.guardrail, self.data, results)

    def held_stream(self) -> Callable[[], AbstractContextManager[None]]:
        """The gauge of held streams."""
        return self.telemetry.stream().waiting

    async def ask_model(self, data: JsonObject, wire_format: Format | None) -> object:
        """Through the proxy's router, and the guardrails that stand before ours."""
        return None if self.key is None else await next_answer(self.guardrail, self.key, data, wire_format)
