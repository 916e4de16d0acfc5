"""Only the server's report of an error of ours is shortened; other errors keep their tracebacks."""

from __future__ import annotations

import logging
import traceback

import pytest

from litellm_bighub.errors import BighubError, ConfigurationError
from litellm_bighub.gateway.setup.failed_start import tell_in_one_line


@pytest.fixture
def server(caplog):
    logger = logging.getLogger("uvicorn.error")
    before = list(logger.filters)
    tell_in_one_line()
    tell_in_one_line()
    assert len(logger.filters) <= len(before) + 1
    yield logger
    logger.filters[:] = before


def _report(error: Exception) -> str:
    try:
        try:
            {}["policy"]
        except KeyError:
            raise error  # noqa: B904 - as errors come out of a start, one during another
    except Exception:  # noqa: BLE001 - any error is reported
        return traceback.format_exc()


def _raise(error: Exception) -> None:
    raise error


def test_an_error_of_ours_is_one_line(server, caplog):
    server.error(_report(ConfigurationError("bighub.policy", "100 % wrong")))

    assert caplog.messages == ["litellm_bighub: bighub.policy: 100 % wrong"]


@pytest.mark.parametrize("error", [RuntimeError("litellm_bighub.errors.ConfigurationError: no"), OSError("full")])
def test_another_error_stays_what_it_is(server, caplog, error):
    server.error("%s", _report(error))

    [told] = caplog.messages
    assert told.startswith("Traceback")
    assert "failed_start" in told


def test_an_error_of_ours_that_caused_another_stays_with_it(server, caplog):
    try:
        try:
            _raise(BighubError("policy: is gone"))
        except BighubError as error:
            raise OSError("full") from error
    except OSError:
        server.error("%s", traceback.format_exc())

    assert "BighubError" in caplog.text
    assert "OSError: full" in caplog.text
