"""Through the real proxy: LiteLLM's loggers get of a request what the provider and the caller got, and no more."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from litellm_bighub.testing import Failure, Output, Pace, function_call, reasoning, text
from tests.gateway.masking_gateway import ANSWERED, ASKED, MASKED, REFUSED, ROUTES, WITHHELD

pytestmark = pytest.mark.proxy


def answer() -> Output:
    call = function_call("wipe", {"path": WITHHELD})
    return Output([reasoning(f"think {ANSWERED}"), text(f"mail {ANSWERED}"), call], pace=Pace(delta_size=3))


def leaks(line: dict[str, Any], *secrets: str) -> list[str]:
    """Where a logger found a secret."""
    return [where for where, said in line["texts"] if any(secret in said for secret in secrets)]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("path", "model"), ROUTES)
def test_loggers_get_what_the_caller_got(masking, upstream, path, model, stream):
    upstream.script(f"mail {MASKED}", answer())
    answered = masking.ask(path, model, stream=stream)
    assert answered.status_code == 200, answered.text
    line = masking.logged("success")["success"]
    assert leaks(line, ASKED, ANSWERED, WITHHELD) == []
    logged = line["logged"]
    assert MASKED in json.dumps(logged["messages"])
    assert f"mail {MASKED}" in json.dumps(logged["response"])
    assert "has not been run" in json.dumps(logged["response"]) or path == "/v1/completions"
    assert logged["total_tokens"] > 0 or (path == "/v1/completions" and stream)  # LiteLLM does not count those
    assert logged["response_cost"] > 0 or path == "/v1/completions"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("path", "model"), ROUTES)
def test_a_released_call_is_logged(masking, upstream, path, model, stream):
    upstream.script(f"mail {MASKED}", Output([function_call("look", {"q": "weather"})]))
    masking.ask(path, model, stream=stream)
    response = json.dumps(masking.logged("success")["success"]["logged"]["response"])
    assert ("look" in response and "weather" in response) or path == "/v1/completions"


@pytest.mark.parametrize(("path", "model"), ROUTES)
def test_the_request_of_a_failed_call_is_logged_as_it_was_sent(masking, upstream, path, model):
    upstream.script(f"mail {MASKED}", Failure(500, "made up"))
    assert masking.ask(path, model).status_code >= 400
    assert leaks(masking.logged("failure")["failure"], ASKED) == []


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("path", "model"), ROUTES)
def test_no_error_quotes_the_provider(masking, upstream, path, model, stream):
    """Text completions have no place for a call; their errors may quote a text all the same."""
    upstream.script(f"mail {MASKED}", Failure(500, f"the answer was: {ANSWERED}"))
    answered = masking.ask(path, model, stream=stream)
    assert answered.status_code >= 400
    assert ANSWERED not in answered.text + str(answered.headers)


SOUND = ("a.mp3", b"sound", "audio/mpeg")
PLAIN = {
    "/embeddings": {"json": {"model": "gpt", "input": ["x", f"mail {ASKED}"]}},
    "/moderations": {"json": {"model": "gpt", "input": f"mail {ASKED}"}},
    "/images/generations": {"json": {"model": "gpt", "prompt": f"mail {ASKED}"}},
    "/audio/transcriptions": {"data": {"model": "gpt", "prompt": f"mail {ASKED}"}, "files": {"file": SOUND}},
    "/audio/speech": {"json": {"model": "gpt", "input": f"mail {ASKED}", "voice": "alloy"}},
}


@pytest.mark.parametrize("path", PLAIN)
def test_loggers_get_what_was_sent_without_a_conversation(masking, upstream, path):
    upstream.script(lambda _: True, [text(f"mail {ANSWERED} now")])
    answered = masking.post(path, **PLAIN[path])
    assert answered.status_code == 200, answered.text
    line = masking.logged("success")["success"]
    assert leaks(line, ASKED, ANSWERED) == []
    # Of a transcription LiteLLM logs a digest of the file.
    assert MASKED in json.dumps(line["logged"]["messages"]) or path == "/audio/transcriptions"
    if path == "/audio/transcriptions":
        assert line["logged"]["response"]["text"] == f"mail {MASKED} now"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("path", "model"), ROUTES)
def test_nothing_is_logged_of_a_request_that_a_guardrail_refuses(masking, path, model, stream):
    answered = masking.ask(path, model, f"{REFUSED} mail {ASKED}", stream=stream)
    assert answered.status_code >= 400, answered.text
    lines = masking.all_logged()
    assert lines
    assert [where for line in lines for where in leaks(line, ASKED)] == []


@pytest.mark.parametrize("path", ["/embeddings", "/moderations", "/audio/speech"])
def test_nothing_is_logged_of_a_refused_request_without_a_conversation(masking, path):
    asked = PLAIN[path]["json"] | {"input": f"{REFUSED} mail {ASKED}"}
    assert masking.post(path, json=asked).status_code >= 400
    lines = masking.all_logged()
    assert lines
    assert [where for line in lines for where in leaks(line, ASKED)] == []


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("path", "model"), ROUTES)
def test_nothing_is_logged_of_an_answer_that_a_guardrail_refuses(masking, upstream, path, model, stream):
    call = function_call("wipe", {"path": WITHHELD})
    upstream.script(f"mail {MASKED}", Output([text(f"mail {ANSWERED}, {REFUSED}"), call]))
    answered = masking.ask(path, model, stream=stream)
    assert ANSWERED not in answered.text
    for line in masking.all_logged():
        assert leaks(line, ASKED, ANSWERED, WITHHELD) == []


@pytest.mark.parametrize(("path", "model"), ROUTES)
def test_nothing_is_logged_of_a_stream_that_its_client_left(masking, upstream, path, model):
    said = Output([text("One. " * 20), text(f"mail {ANSWERED} " * 20), function_call("wipe", {"path": WITHHELD})])
    upstream.script(f"mail {MASKED}", replace(said, pace=Pace(delta_size=5, delay_seconds=0.02)))
    with masking.begun(path.removeprefix("/v1"), json=masking.asked(path, model, stream=True)) as response:
        next(response.iter_raw())
    for line in masking.all_logged():
        assert leaks(line, ASKED, ANSWERED, WITHHELD) == []
