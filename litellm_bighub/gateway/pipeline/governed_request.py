"""`GovernedRequest`: the port between the pipeline and the two places where a request comes from, the proxy and code.

It says who asks, how LiteLLM is told of decisions, and how the model is asked again.
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
    """One request with all that its answer is governed by."""

    @property
    def data(self) -> JsonObject:
        """The request's body, in which the pipeline puts things right."""
        ...

    @property
    def wire_format(self) -> Format | None:
        """Its format, `None` if it is in none that we know."""
        ...

    @property
    def where(self) -> str:
        """The route or function, for errors."""
        ...

    @property
    def is_whole(self) -> bool:
        """Whether it is the caller's request, and not one that LiteLLM made out of it."""
        ...

    @property
    def is_open(self) -> bool:
        """Whether the operator lets pass what cannot be read here."""
        ...

    @property
    def can_ask_model(self) -> bool:
        """Whether the model can be asked again."""
        ...

    @property
    def keep_alive_seconds(self) -> float:
        """A stream that was silent for so long tells that it lives."""
        ...

    @property
    def previous_response_id(self) -> str:
        """The upstream's id of the response that the request goes on from."""
        ...

    def context(self, response: object = None) -> CallContext:
        """Who asks, with what is known of the answer."""
        ...

    async def receive(self) -> None:
        """Does what only this kind of request needs, once its body is merged."""
        ...

    def logged_request(self) -> AbstractContextManager[None]:
        """Tells LiteLLM's logging of the decisions made inside, on the way to the model."""
        ...

    def logged_answer(self) -> AbstractContextManager[None]:
        """Tells LiteLLM's logging of the decisions made inside, on the way back."""
        ...

    def log_results(self, results: Sequence[UnapprovedResult]) -> None:
        """Tells LiteLLM's logging of results that nobody approved."""
        ...

    def held_stream(self) -> Callable[[], AbstractContextManager[None]]:
        """What is open for as long as calls of one stream are held back."""
        ...

    async def ask_model(self, data: JsonObject, wire_format: Format | None) -> object:
        """The model's answer to a request in a format, its texts checked; `None` if it cannot be had."""
        ...
