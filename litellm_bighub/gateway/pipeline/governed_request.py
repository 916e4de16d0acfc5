"""`GovernedRequest`: the port between the pipeline and the source of a request, which is the proxy or code.

It says who asks, how decisions are logged, and how the model is asked again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from litellm_bighub.domain.call import CallContext
from litellm_bighub.domain.event import UnapprovedResult
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.formats.format import Format


class GovernedRequest(Protocol):
    """One request that the pipeline governs."""

    @property
    def data(self) -> JsonObject:
        """The request's body; the pipeline changes it in place."""
        ...

    @property
    def wire_format(self) -> Format | None:
        """Its format; `None` if it is in none of ours."""
        ...

    @property
    def where(self) -> str:
        """The route or function, for errors."""
        ...

    @property
    def is_whole(self) -> bool:
        """Whether it is the caller's own request; LiteLLM makes inner requests out of some."""
        ...

    @property
    def is_open(self) -> bool:
        """Whether the operator has opened its route, so that unreadable events pass."""
        ...

    @property
    def can_ask_model(self) -> bool:
        """Whether the model can be asked again."""
        ...

    @property
    def keep_alive_seconds(self) -> float:
        """After so many seconds of silence a stream sends a keep-alive event."""
        ...

    @property
    def counts_client_approvals(self) -> bool:
        """Whether the caller's answer to a request for approval takes effect."""
        ...

    @property
    def previous_response_id(self) -> str:
        """The upstream's id of the response that the request continues."""
        ...

    def context(self, response: object = None, heard: Sequence[object] = ()) -> CallContext:
        """Who asks; with the answer's id and model if a response is given, and what its stream has told so far."""
        ...

    async def receive(self) -> None:
        """Called after the body is merged: does what only this source of requests needs."""
        ...

    def logged_request(self) -> AbstractContextManager[None]:
        """Logs the decisions made inside, before the model is asked."""
        ...

    def logged_answer(self) -> AbstractContextManager[None]:
        """Logs the decisions made inside, after the model has answered."""
        ...

    def log_results(self, results: Sequence[UnapprovedResult]) -> None:
        """Logs results that nobody approved."""
        ...

    def held_stream(self) -> Callable[[], AbstractContextManager[None]]:
        """A context that is open while calls of one stream are held back."""
        ...

    async def ask_model(self, data: JsonObject, wire_format: Format | None) -> object:
        """Ask the model again. Returns its answer with texts checked, or `None` if the model cannot be asked."""
        ...
