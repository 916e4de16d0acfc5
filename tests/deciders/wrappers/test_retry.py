"""Retry: again only for what may pass, and never longer than anybody waits."""

from __future__ import annotations

import pytest

from litellm_bighub.deciders.wrappers.retry import Backoff, Retry, repeated
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Allow
from litellm_bighub.errors import DecisionRefused, DecisionUnavailable, DecisionUnreadable
from litellm_bighub.testing import ScriptedDecider

CALL = ToolCall(id="c", type="function", name="pay")


@pytest.mark.parametrize(
    ("error", "asked"),
    [
        pytest.param(DecisionUnavailable("x", transient=True), 3, id="passing"),
        pytest.param(DecisionRefused("x", transient=True), 3, id="passing refusal"),
        pytest.param(DecisionUnavailable("x"), 1, id="lasting"),
        pytest.param(DecisionRefused("x"), 1, id="refusal"),
        pytest.param(DecisionUnreadable("x"), 1, id="unreadable"),
        pytest.param(ConnectionError("a bug of the decider's"), 1, id="anything else"),
        pytest.param(DecisionUnavailable("x", transient=True, retry_after=0), 3, id="at once"),
        pytest.param(DecisionUnavailable("x", transient=True, retry_after=5), 1, id="too late"),
    ],
)
async def test_what_is_tried_again(error, asked):
    decider = ScriptedDecider(otherwise=error)
    with pytest.raises(type(error)) as raised:
        await Retry(decider, attempts=3, patience=5).decide(CALL, CallContext())
    assert raised.value is error
    assert len(decider.asked) == asked


async def test_the_first_answer_ends_it():
    class Recovering(ScriptedDecider):
        async def decide(self, call, context):
            self.otherwise = Allow("back") if self.asked else DecisionUnavailable("x", transient=True)
            return await super().decide(call, context)

    assert await Retry(Recovering(), attempts=3, patience=5).decide(CALL, CallContext()) == Allow("back")


async def test_closing_closes_the_decider():
    decider = ScriptedDecider()
    await Retry(decider, attempts=1, patience=1).aclose()
    assert decider.closed == 1


BACKOFF = Backoff(retries=4, first_seconds=1.0, longest_seconds=5.0, jitter_seconds=0.5)


@pytest.mark.parametrize(("failures", "seconds"), [(1, 1.0), (2, 2.0), (3, 4.0), (4, 5.0), (5, None)])
def test_waits_double_up_to_the_longest(failures, seconds):
    assert BACKOFF.wait(failures, jitter=0.0) == seconds


def test_jitter_is_added():
    assert BACKOFF.wait(1, jitter=1.0) == 1.5
    assert 1.0 <= BACKOFF.wait(1) <= 1.5


def test_the_wait_that_was_asked_for_holds():
    assert BACKOFF.wait(1, asked=30.0, jitter=1.0) == 30.0
    assert BACKOFF.wait(5, asked=30.0) is None


class Service:
    """Fails with each of the errors, then answers."""

    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)
        self.waited: list[float] = []

    async def attempt(self) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return "answer"

    async def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)

    async def run(self) -> str:
        return await repeated(self.attempt, lambda _, failures: BACKOFF.wait(failures, jitter=0.0), sleep=self.sleep)


async def test_it_is_repeated_until_it_succeeds():
    service = Service(OSError("a"), OSError("b"))

    assert await service.run() == "answer"
    assert service.waited == [1.0, 2.0]


async def test_the_last_error_goes_out():
    service = Service(*(OSError(str(number)) for number in range(9)))

    with pytest.raises(OSError, match="4"):
        await service.run()
    assert service.waited == [1.0, 2.0, 4.0, 5.0]


async def test_an_end_is_no_failure():
    service = Service(KeyboardInterrupt())

    with pytest.raises(KeyboardInterrupt):
        await service.run()
    assert service.waited == []
