"""A Responses stream that goes on no further tells of it in both of OpenAI's ways."""

from __future__ import annotations

import pytest

from litellm_bighub.formats.responses.format import failed_stream
from litellm_bighub.formats.stream.stream_failure import StreamFailure


def test_a_stream_that_has_not_begun_is_one_error():
    [error] = failed_stream(StreamFailure("guardrail", "blocked", 400))

    assert (error["type"], error["code"], error["message"]) == ("error", "400", "blocked")
    assert (error["error"]["type"], error["sequence_number"]) == ("guardrail", 1)


@pytest.mark.parametrize(("status", "code"), [(400, "invalid_prompt"), (503, "server_error")])
def test_one_that_has_begun_fails_its_response_too(status, code):
    begun = {"id": "r1", "status": "in_progress", "output": [{"type": "message"}]}
    failure = StreamFailure("guardrail", "blocked", status, last={"sequence_number": 4}, begun=begun)
    error, failed = failed_stream(failure)

    assert (error["sequence_number"], failed["type"], failed["sequence_number"]) == (5, "response.failed", 6)
    told = {"id": "r1", "status": "failed", "error": {"code": code, "message": "blocked"}, "output": []}
    assert failed["response"] == told
