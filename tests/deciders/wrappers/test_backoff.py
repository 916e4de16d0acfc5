"""How long a failed attempt waits, and when it is repeated."""

from __future__ import annotations

import pytest

from litellm_bighub.deciders.wrappers.backoff import Backoff, repeated

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
