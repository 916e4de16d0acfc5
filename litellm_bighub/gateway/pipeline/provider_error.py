"""Errors of LiteLLM and of providers, sanitized: their messages may quote an answer that was not decided on."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from enum import Enum
from typing import Any, Final, cast

import httpx
import openai
from fastapi import HTTPException
from litellm.exceptions import (
    APIResponseValidationError,
    AuthenticationError,
    BlockedPiiEntityError,
    BudgetExceededError,
    ContentPolicyViolationError,
    ContextWindowExceededError,
    GuardrailRaisedException,
    LiteLLMUnknownProvider,
    ModifyResponseException,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    Timeout,
    UnsupportedParamsError,
)
from litellm.proxy._types import ProxyException
from litellm.types.router import RouterRateLimitError, RouterRateLimitErrorBasic

from litellm_bighub.domain.payload import Payload
from litellm_bighub.errors import BighubError
from litellm_bighub.formats.answers.error_text import harmless, known_name
from litellm_bighub.gateway.pipeline.gated_stream import close_stream
from litellm_bighub.gateway.routes.provider_headers import passes
from litellm_bighub.wording import ENGLISH, Wording

logger = logging.getLogger(__name__)

_PEOPLES: Final = (HTTPException, ProxyException)
"""Errors that the gateway or a guardrail words itself, unless a provider's error caused them."""

_LITELLMS: Final = (
    BighubError,
    RouterRateLimitError,
    RouterRateLimitErrorBasic,
    BudgetExceededError,
    UnsupportedParamsError,
    LiteLLMUnknownProvider,
    GuardrailRaisedException,
    BlockedPiiEntityError,
    ModifyResponseException,
)
"""Errors that are raised before a provider is asked, or by guardrails that look at its answer."""

_SANITIZED: Final = "_litellm_bighub_sanitized"
"""Marks an error that is sanitized already, since each of our guardrails gets it."""

_PROVIDERS: Final = (openai.OpenAIError, httpx.HTTPError)
_KEPT: Final = frozenset({"model", "llm_provider", "num_retries", "max_retries", "request", "_request"})
_CODE: Final = re.compile(r"""["']code["']: ?["'](\w+)["']""", re.ASCII)
"""An error code in the body that LiteLLM has copied into its message."""

_SENTENCES: Final = (
    (AuthenticationError, "provider_credentials"),
    (PermissionDeniedError, "provider_permission"),
    (NotFoundError, "provider_not_found"),
    (Timeout, "provider_timeout"),
    (RateLimitError, "provider_rate_limit"),
    (ContextWindowExceededError, "provider_too_long"),
    (ContentPolicyViolationError, "provider_content_policy"),
    (APIResponseValidationError, "provider_unreadable"),
    (openai.APITimeoutError, "provider_timeout"),
    (openai.BadRequestError, "provider_refused"),
    (openai.UnprocessableEntityError, "provider_refused"),
    (openai.APIConnectionError, "provider_unreachable"),
)


def sanitized_error(error: Exception, *, alone: bool = False, wording: Wording = ENGLISH) -> Exception:
    """Sanitize an error: of a provider's error only its class, its status and known names are left.

    Args:
        error: changed in place, so that its class stays what callers expect.
        alone: whether its cause and context are removed too.
        wording: in which it is told.

    Returns:
        The same error, or an `HTTPException` if it cannot be changed.
    """
    if _is_own(error) or _SANITIZED in vars(error):
        return error
    logger.debug("an error is sanitized: %s", error, exc_info=error)
    status = _status(error)
    said = _sentence(error, status, wording)
    for name, value in list(vars(error).items()):
        if name not in _KEPT:
            setattr(error, name, _passing(name, value, said, status))
    error.args = (said,)
    if isinstance(error, httpx.HTTPStatusError):
        error.response = _response(error.response, said, status)
    if getattr(error, "__notes__", None):
        error.__notes__ = []  # type: ignore[attr-defined,unused-ignore]  # since Python 3.11
    if alone:
        error.__cause__ = error.__context__ = None
    if said in str(error):
        setattr(error, _SANITIZED, True)
        return error
    return HTTPException(status_code=status, detail={"error": said})


class SanitizedStream:
    """A stream whose errors are sanitized, both raised errors and error events."""

    def __init__(self, events: AsyncIterator[Any], wording: Wording = ENGLISH) -> None:
        self._events = events
        self._wording = wording

    def __aiter__(self) -> SanitizedStream:
        return self

    async def __anext__(self) -> Payload:
        try:
            return harmless(await anext(self._events), self._wording)
        except StopAsyncIteration:
            raise
        except Exception as error:  # noqa: BLE001 - any error may quote the answer
            raise sanitized_error(error, wording=self._wording)  # noqa: B904 - nearly always the same error

    async def aclose(self) -> None:
        """Close the inner stream."""
        await close_stream(self._events)


def _is_own(error: BaseException) -> bool:
    if isinstance(error, BighubError):
        return True
    if isinstance(error, _PEOPLES):
        return not any(isinstance(cause, _PROVIDERS) and not _is_own(cause) for cause in _causes(error))
    return isinstance(error, _LITELLMS)


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen = {id(error)}
    cause = error.__cause__ or error.__context__
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__


def _status(error: Exception) -> int:
    for value in (
        getattr(error, "status_code", None),
        getattr(error, "code", None),
        getattr(getattr(error, "response", None), "status_code", None),
    ):
        number = int(value) if isinstance(value, str) and value.isdecimal() else value
        if isinstance(number, int) and 400 <= number <= 599:
            return number
    return 500


def _sentence(error: Exception, status: int, wording: Wording) -> str:
    name = type(error).__name__
    error_name = f"litellm.{name}" if type(error).__module__.startswith("litellm") else name
    known = (name for kind, name in _SENTENCES if isinstance(error, kind))
    problem: str = getattr(wording, next(known, "provider_unknown")).format(status=status)
    codes = [getattr(error, "code", None), *_CODE.findall(str(error))]
    code = next((name for name in map(known_name, codes) if name is not None and not name.isdecimal()), "")
    return wording.provider_error.format(error=error_name, problem=f"{problem} ({code})" if code else problem)


def _passing(name: str, value: object, said: str, status: int) -> object:
    if value is None or isinstance(value, int | float | Enum):
        return value
    if name in {"message", "detail"}:
        return said
    if name in {"type", "code", "openai_code"}:
        return known_name(value)
    if isinstance(value, httpx.Response):
        return _response(value, said, status)
    if isinstance(value, Mapping | httpx.Headers):
        return _headers(cast("Mapping[object, object]", value)) if "headers" in name else None
    return None


def _response(response: httpx.Response, said: str, status: int) -> httpx.Response:
    request = getattr(response, "_request", None)
    content = json.dumps({"error": {"message": said, "code": status}}).encode()
    headers = {**_headers(response.headers), "content-type": "application/json"}
    return httpx.Response(response.status_code, headers=headers, content=content, request=request)


def _headers(given: Mapping[Any, Any]) -> dict[str, str]:
    return {str(name): str(value) for name, value in given.items() if value is not None and passes(str(name), value)}
