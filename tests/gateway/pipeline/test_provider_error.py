"""Errors of every class that LiteLLM has, and of those that it lets through: nothing of them quotes an answer."""

from __future__ import annotations

import enum
import inspect
import json
from typing import Any

import httpx
import litellm
import openai
import pytest
from fastapi import HTTPException
from litellm import exceptions
from litellm.proxy._types import ProxyException, UserAPIKeyAuth
from pydantic import BaseModel, ValidationError

from litellm_bighub import BighubGuardrail, TextGuardrail, acompletion, amessages, aresponses
from litellm_bighub.deciders.tool_decisions import ToolDecisions
from litellm_bighub.errors import PayloadError
from litellm_bighub.gateway.pipeline.enforcement_modes import ToolCallWithheld
from litellm_bighub.gateway.pipeline.provider_error import SanitizedStream, sanitized_error
from litellm_bighub.testing import Failure

CANARY = "delete_everything"
REQUEST = httpx.Request("POST", "http://127.0.0.1/v1/chat/completions")
BODY = {"error": {"message": f"could not parse {CANARY}", "code": "tool_use_failed", "failed_generation": CANARY}}
HEADERS = {
    "retry-after": "7",
    "x-request-id": "req_1",
    "x-echo": CANARY,
    "x-ratelimit-remaining-tokens": f"{CANARY} (1",
}
OWN = {"GuardrailRaisedException", "BlockedPiiEntityError", "ModifyResponseException", "BudgetExceededError"}
OWN |= {"UnsupportedParamsError", "LiteLLMUnknownProvider"}


def response(status: int = 400) -> httpx.Response:
    return httpx.Response(status, headers=HEADERS, json=BODY, request=REQUEST)


def argument(parameter: inspect.Parameter) -> Any:
    """Something of the argument's kind with the canary in it."""
    named = {
        "response": response(),
        "status_code": 418,
        "exception_status_code": 418,
        "request": REQUEST,
        "body": BODY,
        "headers": HEADERS,
    }
    named |= {"num_retries": 1, "max_retries": 2, "request_data": BODY}
    named |= {"failures": [{"vector_store_id": CANARY, "error": CANARY}], "original_exception": ValueError(CANARY)}
    named |= {"model": "gpt-4.1", "llm_provider": "openai", "is_pre_first_chunk": False, "current_cost": 1.0}
    return named.get(parameter.name, CANARY)


def classes() -> list[type[Exception]]:
    found = [kind for _, kind in inspect.getmembers(exceptions, inspect.isclass) if issubclass(kind, Exception)]
    return [kind for kind in found if kind.__module__ == "litellm.exceptions" and kind.__name__ not in OWN]


def made(kind: type[Exception]) -> Exception:
    parameters = [*inspect.signature(kind.__init__).parameters.values()][1:]
    parameters = [each for each in parameters if each.kind not in {each.VAR_KEYWORD, each.VAR_POSITIONAL}]
    known = {each.name: argument(each) for each in parameters}
    for name, value in known.items():  # enumerations take their own members alone
        if inspect.isclass(value) and issubclass(value, enum.Enum):
            known[name] = next(iter(value))
    try:
        return kind(**known)
    except (AttributeError, TypeError, ValueError):
        required = {each.name: known[each.name] for each in parameters if each.default is each.empty}
        return kind(**required)


def told(error: BaseException) -> str:
    """All that an error could tell anybody."""
    parts = [str(error), repr(error), repr(error.args)]
    for name, value in vars(error).items():
        parts.append(
            f"{name}={value.text, value.headers}" if isinstance(value, httpx.Response) else f"{name}={value!r}"
        )
    return "\n".join(parts)


@pytest.mark.parametrize("kind", classes(), ids=lambda kind: kind.__name__)
def test_no_class_of_litellms_quotes_an_answer(kind):
    """Whichever attributes a release gives to it; class and status stay."""
    error = made(kind)
    if CANARY not in told(error):  # a class whose constructor takes nothing
        error.args = (CANARY,)
    status = getattr(error, "status_code", None)
    quiet = sanitized_error(error)
    assert quiet is error
    assert CANARY not in told(quiet)
    assert getattr(quiet, "status_code", None) == status
    assert "withheld" in str(quiet)


def unreadable(value: object) -> Exception:
    class Answer(BaseModel):
        number: int

    try:
        Answer.model_validate(value)
    except ValidationError as error:
        return error
    raise AssertionError


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


PROVIDERS = [
    pytest.param(openai.BadRequestError(CANARY, response=response(), body=BODY), 400, id="openai's own"),
    pytest.param(openai.APIError(CANARY, REQUEST, body=BODY), 500, id="in a chat stream"),
    pytest.param(httpx.HTTPStatusError(CANARY, request=REQUEST, response=response(429)), 429, id="httpx's own"),
    pytest.param(json.JSONDecodeError("Expecting value", CANARY, 0), 500, id="a stream where JSON was wanted"),
    pytest.param(KeyError(CANARY), 500, id="a field that is missing"),
    pytest.param(RuntimeError(CANARY, {"body": CANARY}), 500, id="anything"),
    pytest.param(caused(HTTPException(502, {"error": CANARY}), made(litellm.BadGatewayError)), 502, id="HTTP's"),
    pytest.param(
        caused(ProxyException(CANARY, "x", CANARY, 400, provider_specific_fields=BODY), made(litellm.APIError)),
        400,
        id="the proxy's, of a provider's",
    ),
    pytest.param(unreadable({"number": CANARY}), 500, id="pydantic's, which cannot be changed"),
]


@pytest.mark.parametrize(("error", "status"), PROVIDERS)
def test_errors_that_are_none_of_litellms(error, status):
    quiet = sanitized_error(error)
    assert CANARY not in told(quiet)
    assert getattr(quiet, "status_code", None) in {status, None}
    if not isinstance(error, ValidationError):
        assert quiet is error


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(HTTPException(400, {"error": "a guardrail's reason"}), id="a guardrail's"),
        pytest.param(ToolCallWithheld("a notice", kind="tool_call_blocked"), id="ours"),
        pytest.param(PayloadError("input[0]", "is a int"), id="ours, of a request"),
        pytest.param(ProxyException("Budget has been exceeded", "budget_exceeded", None, 400), id="the proxy's"),
        pytest.param(litellm.UnsupportedParamsError("o1 takes no temperature", "openai", "o1"), id="of a parameter"),
        pytest.param(litellm.BudgetExceededError(2.0, 1.0), id="of a budget"),
        pytest.param(caused(PayloadError("output[0]", "is a int"), made(litellm.APIError)), id="ours, of an answer"),
    ],
)
def test_what_people_say_themselves_stays(error):
    before = told(error)
    assert sanitized_error(error) is error
    assert told(error) == before


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (litellm.AuthenticationError, "credentials"),
        (litellm.NotFoundError, "does not know"),
        (litellm.RateLimitError, "rate limit"),
        (litellm.ContextWindowExceededError, "longer than"),
        (litellm.ContentPolicyViolationError, "content policy"),
        (litellm.Timeout, "in time"),
        (litellm.BadRequestError, "refused the request"),
    ],
)
def test_people_are_told_what_kind_of_error_it_is(kind, words):
    assert words in str(sanitized_error(made(kind)))


def test_known_codes_and_headers_stay():
    """A client waits as long as it is told to, and support finds the request."""
    error = litellm.BadRequestError(f"GroqException - {json.dumps(BODY)}", "m", "groq", response=response())
    assert sanitized_error(sanitized_error(error)) is error, "each of our guardrails is given it"
    assert "(tool_use_failed)" in str(error)
    kept = {"retry-after": "7", "x-request-id": "req_1"}
    assert kept.items() <= dict(error.response.headers).items()
    assert {"x-echo", "x-ratelimit-remaining-tokens"}.isdisjoint(error.response.headers)


async def test_a_stream_that_fails():
    async def failing():
        yield {"choices": [], "error": {"message": CANARY}}
        raise openai.APIError(CANARY, REQUEST, body=BODY)

    events = SanitizedStream(failing())
    assert CANARY not in json.dumps(await anext(events))
    with pytest.raises(openai.APIError) as raised:
        await anext(events)
    assert CANARY not in told(raised.value)


@pytest.mark.parametrize(
    ("route", "quiet"),
    [
        ("/v1/chat/completions", True),
        ("/v1/messages", True),
        ("/v1/responses", True),
        ("/v1/responses/resp_1", True),
        ("/any/route/that/nobody/knows", True),
        ("/v1/embeddings", False),
    ],
)
async def test_the_hook_of_the_proxy(route, quiet, tmp_path):
    (tmp_path / "policy.yaml").write_text("version: 1\ndefault: block\n")
    guardrail = BighubGuardrail(
        policy=str(tmp_path / "policy.yaml"), event_hook=["pre_call", "post_call"], default_on=True
    )
    error = made(litellm.BadRequestError)
    key = UserAPIKeyAuth(request_route=route)
    assert await guardrail.async_post_call_failure_hook({}, error, key) is None
    assert (CANARY not in told(error)) == quiet


async def test_the_hook_of_the_texts():
    """A provider may quote a text on any route, also on those that have no place for a call."""
    guardrail = TextGuardrail(apply=["x"], event_hook=["pre_call", "post_call"], default_on=True)
    for route in ("/v1/responses", "/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/rerank"):
        error = made(litellm.BadRequestError)
        await guardrail.async_post_call_failure_hook({}, error, UserAPIKeyAuth(request_route=route))
        assert CANARY not in told(error)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("ask", [aresponses, acompletion, amessages])
async def test_errors_in_code(ask, stream, upstream):
    """The class is LiteLLM's, so that callers go on catching it; nothing of the provider's words is left on it."""
    upstream.script("go", Failure(400, f"could not parse {CANARY}", CANARY, {"x-echo": CANARY}))
    told_to_model = {"input": "go"} if ask is aresponses else {"messages": [{"role": "user", "content": "go"}]}
    decisions = ToolDecisions(_Nobody())
    with pytest.raises(openai.BadRequestError) as raised:
        await ask(
            model="openai/gpt-4.1", api_base=upstream.base_url, api_key="sk-x", max_tokens=9, max_retries=0,
            stream=stream, tool_decisions=decisions, **told_to_model,
        )  # fmt: skip
    error = raised.value
    assert error.status_code == 400
    assert CANARY not in told(error)
    assert error.__cause__ is None
    assert error.__context__ is None


class _Nobody:
    name = "nobody"

    async def decide(self, call, context):
        raise AssertionError

    async def aclose(self):
        pass
