"""Only the server's report of an error of ours is shortened; other errors keep their tracebacks."""

from __future__ import annotations

import logging
import traceback

import pytest

from litellm_bighub.errors import BighubError, ConfigurationError
from litellm_bighub.gateway.setup.failed_start import tell_in_one_line


@pytest.fixture
def server(monkeypatch):
    """The server's logger, whoever configured it before, and what it says."""
    logger, told = logging.getLogger("uvicorn.error"), []
    handler = logging.Handler()
    handler.emit = lambda record: told.append(record.getMessage())
    monkeypatch.setattr(logger, "filters", [])
    monkeypatch.setattr(logger, "handlers", [handler])
    monkeypatch.setattr(logger, "level", logging.INFO)
    monkeypatch.setattr(logger, "disabled", False)
    logger.manager._clear_cache()
    tell_in_one_line()
    tell_in_one_line()
    assert len(logger.filters) == 1
    yield logger, told
    logger.manager._clear_cache()


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


def test_an_error_of_ours_is_one_line(server):
    logger, told = server
    logger.error(_report(ConfigurationError("bighub.policy", "100 % wrong")))

    assert told == ["litellm_bighub: bighub.policy: 100 % wrong"]


@pytest.mark.parametrize("error", [RuntimeError("litellm_bighub.errors.ConfigurationError: no"), OSError("full")])
def test_another_error_stays_what_it_is(server, error):
    logger, told = server
    logger.error("%s", _report(error))

    [said] = told
    assert said.startswith("Traceback")
    assert "failed_start" in said


def test_an_error_of_ours_that_caused_another_stays_with_it(server):
    logger, told = server
    try:
        try:
            _raise(BighubError("policy: is gone"))
        except BighubError as error:
            raise OSError("full") from error
    except OSError:
        logger.error("%s", traceback.format_exc())  # noqa: TRY400 - as the server prints it

    assert "BighubError" in told[0]
    assert "OSError: full" in told[0]
