"""Retries and the breaker before the provider: by themselves on a clock of their own, and over a real connection."""

from __future__ import annotations

from types import SimpleNamespace

import httpx
import openai
import pytest

from litellm_bighub.agent.model.resilience import Resilience, is_transient, retry_after
from litellm_bighub.deciders.wrappers.circuit import Circuit
from litellm_bighub.deciders.wrappers.retry import Backoff
from litellm_bighub.errors import ProviderResponseError
from litellm_bighub.testing import Failure, Output, Pace, function_call, text
from tests.agent.harness import DONE

REQUEST = httpx.Request("POST", "http://127.0.0.1/v1/responses")


def status(code, headers=None, body=None):
    response = httpx.Response(code, headers=headers, request=REQUEST)
    kind = {429: openai.RateLimitError, 400: openai.BadRequestError, 401: openai.AuthenticationError}
    return kind.get(code, openai.InternalServerError)("no", response=response, body=body)


DOWN = status(503)
WRONG = status(400)
WAITS = {"retries": 2, "first_seconds": 0.25, "longest_seconds": 2.0, "jitter_seconds": 0.5}


class Line:
    """A provider that fails as told, then answers; and a clock that moves only by sleeping."""

    def __init__(self, *failures, **options):
        self.failures = list(failures)
        self.asked = 0
        self.slept = []
        self.now = 0.0
        failures_to_open = options.pop("breaker", 0)
        self.resilience = Resilience(
            retry=Backoff(**{**WAITS, **options}),
            breaker=Circuit(failures=failures_to_open, reset_seconds=30.0, clock=lambda: self.now),
            sleep=self.sleep,
            jitter=lambda: 0.5,
            wall_clock=lambda: 1_000_000.0,
        )

    async def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds

    async def answer(self):
        self.asked += 1
        if self.failures:
            raise self.failures.pop(0)
        return "ok"

    async def ask(self):
        return await self.resilience.run(self.answer)


async def test_transient_failures_are_tried_again_after_growing_waits():
    line = Line(DOWN, DOWN, DOWN, DOWN, retries=4, first_seconds=0.25, longest_seconds=1.0)
    assert await line.ask() == "ok"
    assert line.slept == [0.5, 0.75, 1.25, 1.25]


async def test_the_last_failure_comes_through():
    line = Line(DOWN, DOWN, DOWN, retries=2)
    with pytest.raises(openai.InternalServerError):
        await line.ask()
    assert line.asked == 3


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        pytest.param(openai.APIConnectionError(request=REQUEST), True, id="connection"),
        pytest.param(openai.APITimeoutError(request=REQUEST), True, id="timeout"),
        pytest.param(status(429), True, id="429"),
        pytest.param(status(429, body={"code": "insufficient_quota"}), False, id="no-quota"),
        pytest.param(status(500), True, id="500"),
        pytest.param(status(503), True, id="503"),
        pytest.param(status(400), False, id="400"),
        pytest.param(status(401), False, id="401"),
        pytest.param(ValueError("bug"), False, id="bug"),
    ],
)
async def test_only_what_may_pass_is_tried_again(error, transient):
    assert is_transient(error) is transient
    line = Line(error)
    if transient:
        assert await line.ask() == "ok"
    else:
        with pytest.raises(type(error)):
            await line.ask()
        assert line.asked == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({"retry-after": "7"}, 7.0, id="seconds"),
        pytest.param({"retry-after-ms": "1500"}, 1.5, id="milliseconds"),
        pytest.param({"retry-after": "Mon, 12 Jan 1970 13:46:45 GMT"}, 5.0, id="date"),
        pytest.param({"retry-after": "-3"}, 0.0, id="past"),
        pytest.param({"retry-after": "soon"}, None, id="unreadable"),
        pytest.param({}, None, id="none"),
    ],
)
def test_retry_after_is_read(headers, seconds):
    assert retry_after(status(429, headers), 1_000_000.0) == seconds


async def test_the_provider_says_how_long_to_wait():
    line = Line(status(429, {"retry-after": "7"}))
    await line.ask()
    assert line.slept == [7.0]


async def test_nobody_waits_for_an_hour():
    line = Line(status(429, {"retry-after": "3600"}))
    with pytest.raises(openai.RateLimitError):
        await line.ask()
    assert line.slept == []


async def test_the_breaker_opens_after_transient_failures_in_a_row_and_probes_once():
    line = Line(DOWN, DOWN, breaker=2, retries=0)
    for _ in range(2):
        with pytest.raises(openai.InternalServerError):
            await line.ask()
    with pytest.raises(ProviderResponseError, match="breaker"):
        await line.ask()
    assert line.asked == 2
    line.now += 30
    assert await line.ask() == "ok"
    assert await line.ask() == "ok"


@pytest.mark.lesson("after the reset all waiting calls go out at once")
def test_half_open_lets_one_probe_through():
    """Old sin: all waiting calls went out at once after the reset."""
    now = [0.0]
    circuit = Circuit(failures=1, reset_seconds=30.0, clock=lambda: now[0])
    circuit.admit().failed()
    now[0] = 30.0
    probe = circuit.admit()
    assert circuit.admit() is None
    probe.failed()
    assert circuit.admit() is None
    now[0] = 60.0
    circuit.admit().abandoned()
    circuit.admit().succeeded()
    assert circuit.admit()


@pytest.mark.lesson("one caller's 400s open the breaker for all")
async def test_a_callers_own_mistakes_open_nothing():
    """Old sin: one caller's 400s opened the breaker for all."""
    line = Line(WRONG, WRONG, WRONG, WRONG, breaker=2)
    for _ in range(4):
        with pytest.raises(openai.BadRequestError):
            await line.ask()
    assert await line.ask() == "ok"


def agent(driver, **options):
    guard = driver.guard(**options)
    guard.tool("double", lambda n: n, parameters_schema={"type": "object", "properties": {}}, strict=False)
    return guard


@pytest.mark.lesson("429s multiply with the client's own retries", row="stream")
@pytest.mark.lesson("429s multiply with the client's own retries", row="whole")
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_one_budget_with_the_clients_own_retries(driver, model, stream):
    """Old sins: 429s multiplied to 9 requests, and streams were not retried at all."""
    upstream = model(Failure(429, "slow down"))
    with pytest.raises(openai.RateLimitError):
        (driver.stream if stream else driver.run)(agent(driver, provider_max_retries=2))
    assert len(upstream.requests) == 3


@pytest.mark.lesson("streams are not retried", row="stream")
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_passing_failure_is_not_seen(driver, model, stream):
    model(Failure(503), Failure(429), DONE)
    told = (driver.stream if stream else driver.run)(agent(driver, provider_max_retries=2))
    payload = told[-1]["response"] if stream else told
    assert payload["output_text"] == "done"


def test_a_stream_is_not_tried_again_once_it_spoke(driver, model):
    upstream = model(Output([text("a long answer, cut")], pace=Pace(cut_after=4)), DONE)
    with pytest.raises((openai.APIError, httpx.TransportError, ProviderResponseError)):
        driver.stream(agent(driver, provider_max_retries=2))
    assert len(upstream.requests) == 1


@pytest.mark.lesson("streams do not know the breaker", row="stream")
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_the_breaker_guards_streams_too(driver, model, stream):
    upstream = model(Failure(503))
    guard = agent(driver, provider_max_retries=0, provider_circuit_breaker_failures=1)
    ask = driver.stream if stream else driver.run
    with pytest.raises(openai.InternalServerError):
        ask(guard)
    with pytest.raises(ProviderResponseError, match="breaker"):
        ask(guard)
    assert len(upstream.requests) == 1


def test_a_retry_in_a_later_turn_runs_no_tool_twice(driver, model):
    model([function_call("double", {})], Failure(503), DONE)
    ran = []
    guard = driver.guard()
    guard.tool("double", lambda: ran.append(1), parameters_schema={"type": "object", "properties": {}})
    assert driver.run(guard)["output_text"] == "done"
    assert ran == [1]


def test_every_setting_of_the_provider_arrives_where_it_works(driver, model):
    guard = driver.guard(
        provider_max_retries=5,
        provider_retry_backoff_seconds=0.5,
        provider_retry_max_backoff_seconds=7,
        provider_retry_jitter_seconds=0.25,
        provider_circuit_breaker_failures=4,
        provider_circuit_breaker_reset_seconds=11,
    )
    made = guard._performer.resilience
    assert made.retry == Backoff(5, first_seconds=0.5, longest_seconds=7, jitter_seconds=0.25)
    assert (made.breaker.failures, made.breaker.reset_seconds) == (4, 11)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_every_attempt_has_the_timeout_of_the_provider(driver, stream):
    seen = []
    answer = {"id": "resp_1", "status": "completed", "output": []}
    create = SimpleNamespace(create=lambda **asked: seen.append(asked["timeout"]) or answer)
    guard = agent(driver, model_client=SimpleNamespace(responses=create), provider_timeout_seconds=7)
    (driver.stream if stream else driver.run)(guard)
    assert seen == [7]
