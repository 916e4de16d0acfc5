"""LiteLLM as the model client of an agent: any model that it reaches, by the name that it knows it by."""

from __future__ import annotations

import litellm

from litellm_bighub.domain.payload import Payload


class LiteLLMClient:
    """Has `.responses.create`, as the official client does.

    Args:
        api_key: for the model's provider; by default what LiteLLM finds in the environment.
    """

    def __init__(self, *, api_key: str | None = None) -> None:
        self.responses = _Responses(api_key)


class _Responses:
    def __init__(self, api_key: str | None) -> None:
        self._api_key = api_key

    async def create(self, **arguments: Payload) -> Payload:
        """A response, or its events where `stream` is true."""
        if self._api_key is not None:
            arguments.setdefault("api_key", self._api_key)
        # The agent retries; LiteLLM's own retries would multiply with it.
        return await litellm.aresponses(**{"max_retries": 0, **arguments})
