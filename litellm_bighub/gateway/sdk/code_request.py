"""`CodeRequest`: a request that a function of ours makes in code."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from litellm_bighub.domain.actor import POSES, is_marked
from litellm_bighub.domain.call import CallContext
from litellm_bighub.domain.event import UnapprovedResult
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.errors import ConfigurationError
from litellm_bighub.formats.format import Format
from litellm_bighub.gateway.conversation.identity import call_context, previous_response_id
from litellm_bighub.gateway.pipeline.next_answer import ask_again, send_function
from litellm_bighub.gateway.sdk.reentrancy import begin_call, governed_in_code

if TYPE_CHECKING:
    from litellm.router import Router

CheckAnswer: TypeAlias = Callable[[Any], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class CodeRequest:
    """A request in code. It logs nothing, since LiteLLM's logging of guardrails knows only guardrails.

    Attributes:
        data: the arguments of LiteLLM's function.
        wire_format: its format.
        router: sends it in place of LiteLLM's function.
        check_answer: checks the texts of a whole answer.
        actor: on whose behalf the calls would run.
        domain: their business domain.

    Raises:
        ConfigurationError: the actor poses as one whom the gateway has authenticated.
    """

    data: JsonObject
    wire_format: Format
    router: Router | None
    check_answer: CheckAnswer
    actor: str
    domain: str

    is_whole = True
    is_open = False
    can_ask_model = True
    counts_client_approvals = False
    keep_alive_seconds = math.inf

    def __post_init__(self) -> None:
        if is_marked(self.actor):
            raise ConfigurationError("actor", POSES)

    @property
    def where(self) -> str:
        """The function that is called."""
        return f"litellm_bighub.{self.wire_format.in_code.governed}"

    @property
    def previous_response_id(self) -> str:
        """The id as LiteLLM gives it to code."""
        return previous_response_id(self.data, encrypted=False)

    def context(self, response: object = None, heard: Sequence[object] = ()) -> CallContext:
        """Who asks, by what the caller says."""
        return call_context(
            None, self.data, response, actor=self.actor, domain=self.domain, surface=self.where, heard=heard
        )

    async def receive(self) -> None:
        """A call begins in this task."""
        begin_call()

    def logged_request(self) -> AbstractContextManager[None]:
        """Nobody is told."""
        return nullcontext()

    def logged_answer(self) -> AbstractContextManager[None]:
        """Nobody is told."""
        return nullcontext()

    def log_results(self, results: Sequence[UnapprovedResult]) -> None:
        """Nobody is told."""

    def held_stream(self) -> Callable[[], AbstractContextManager[None]]:
        """Nobody counts."""
        return nullcontext

    async def ask_model(self, data: JsonObject, wire_format: Format | None) -> object:
        """The way of the first request, and its texts checked as the first answer's are."""
        if wire_format is None:
            return None
        with governed_in_code():
            answer = await ask_again(send_function(wire_format, self.router), data, wire_format)
        return None if answer is None else await self.check_answer(answer)
