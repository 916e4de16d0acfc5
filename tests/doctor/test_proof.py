"""The proof: it sees every byte that comes through, and on the real proxy it sees none where calls are governed."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from litellm_bighub.doctor.canary import ARGUMENTS, SECRETS, UNIT, holds_call, holds_secret, spellings
from litellm_bighub.doctor.probes import NO_CALLS, PROBES, ProbedGateway, Received
from litellm_bighub.doctor.proof import Verdict, of_call, prepared_proof, prove
from litellm_bighub.doctor.proxy_config import read_config
from litellm_bighub.doctor.report import print_proof
from litellm_bighub.formats.registry import PLAIN_FORMATS
from litellm_bighub.testing import ScriptedUpstream

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs/guide/doctor.md").read_text()
SECRET = SECRETS["an AWS access key"]
COVERED = {("responses", "whole"), ("responses", "streamed")}
MODES = ("whole", "streamed")
PLAIN = {known.name for known in PLAIN_FORMATS} - {"videos"}


@pytest.mark.parametrize("size", [11, 12, 20])
def test_any_piece_of_the_arguments_that_a_stream_delivers_is_seen(size):
    arguments = json.dumps(ARGUMENTS)
    pieces = [arguments[start : start + size] for start in range(0, len(arguments), size)]
    inside = [piece for piece in pieces if len(piece) == size and set(piece) <= set(UNIT)]

    assert inside
    assert all(holds_call(piece.encode()) for piece in inside)


STREAMS = {
    "responses": [{"type": "response.output_text.delta", "delta": part} for part in (SECRET[:5], SECRET[5:])],
    "chat": [{"choices": [{"delta": {"content": part}}]} for part in (SECRET[:9], SECRET[9:])],
    "messages": [{"delta": {"type": "text_delta", "text": part}} for part in (SECRET[:1], SECRET[1:])],
}


@pytest.mark.parametrize("events", STREAMS.values(), ids=STREAMS)
def test_a_secret_is_seen_wherever_a_stream_cuts_it(events):
    stream = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events) + b"data: [DONE]\n\n"

    assert holds_secret(stream, SECRET)
    assert not holds_secret(stream.replace(SECRET[-3:].encode(), b"***"), SECRET)


VERDICTS = {
    "leaks": (Received(200, f"..{UNIT}..".encode()), True, Verdict.LEAKS),
    "leaks in an error": (Received(500, UNIT.encode()), True, Verdict.LEAKS),
    "refused": (Received(403, b"no"), False, Verdict.REFUSED),
    "broken off": (Received(0, b""), True, Verdict.REFUSED),
    "governed": (Received(200, b"withheld"), True, Verdict.GOVERNED),
    "never offered": (Received(200, b"withheld"), False, Verdict.UNPROVEN),
}


@pytest.mark.parametrize(("received", "offered", "verdict"), VERDICTS.values(), ids=VERDICTS)
def test_what_a_probe_shows(received, offered, verdict):
    assert of_call(received, offered=offered) is verdict


def test_a_gateway_that_governs_nothing_leaks_on_every_road_that_it_has():
    with ScriptedUpstream() as upstream:
        root = upstream.base_url.removesuffix("/v1")
        with httpx.Client(base_url=root, trust_env=False) as http:
            proof = prove(ProbedGateway(http, "sk-x", "model", "model"), upstream, COVERED)

    shown = {(row.probe.route, row.probe.mode): row.call for row in proof.rows}
    leaks = {route for route, call in shown.items() if call is Verdict.LEAKS}
    assert leaks == {
        ("/v1/responses", "whole"),
        ("/v1/responses", "streamed"),
        ("/v1/responses, background", "whole"),
        ("/v1/responses/{id}", "whole"),
        ("/v1/responses/compact", "whole"),
        ("/v1/chat/completions", "whole"),
        ("/v1/chat/completions", "streamed"),
        *((f"/v1/chat/completions, {what}", mode) for what in ("several models", "fastest model") for mode in MODES),
        *(("/v1/chat/completions, messages in extra_body", mode) for mode in MODES),
        *(("/v1/responses, input in extra_body", mode) for mode in MODES),
        ("/v1/responses, stream in extra_body", "whole"),
        ("/v1/chat/completions, stream in extra_body", "whole"),
        ("/v1/messages", "whole"),
        ("/v1/messages", "streamed"),
        *(("/v1/messages, messages in extra_body", mode) for mode in MODES),
        ("/v1/messages, stream in extra_body", "whole"),
    }
    plain = {route for route, call in shown.items() if call is Verdict.NO_CALLS}
    texts = {("/v1/completions", mode) for mode in MODES}  # its answers hold no call that could leak
    assert {shown[route] for route in shown.keys() - leaks - plain - texts} == {Verdict.REFUSED}
    assert {row.probe.format for row in proof.rows if row.call is Verdict.NO_CALLS} == PLAIN | {NO_CALLS}
    assert not proof.caught
    assert not proof.holds


OWN = 'the "Falcon" project: Ω7'
WHOLE = [probe for probe in PROBES if probe.format == "responses"][:2]


class Masking(httpx.HTTPTransport):
    """A gateway that masks one text, however its answers spell it."""

    def handle_request(self, request):
        response = super().handle_request(request)
        content = response.read()
        for each in spellings(OWN):
            content = content.replace(each.encode(), b"***")
        return httpx.Response(response.status_code, content=content)


@pytest.mark.parametrize(
    ("transport", "caught", "missed"),
    [
        (Masking, ["the text of --canary"], []),
        (httpx.HTTPTransport, [], ["the text of --canary"]),
    ],
    ids=["caught", "missed"],
)
def test_a_text_of_the_operators_own_must_be_caught(transport, caught, missed):
    """JSON spells a quote and a letter beyond ASCII in ways of its own: one that stands in the answer is not caught."""
    with ScriptedUpstream() as upstream:
        root = upstream.base_url.removesuffix("/v1")
        with httpx.Client(base_url=root, trust_env=False, transport=transport()) as http:
            proof = prove(ProbedGateway(http, "sk-x", "model", "model"), upstream, COVERED, WHOLE[:1], own=[OWN])

    assert (proof.caught, proof.missed) == (caught, missed)
    console = Console(width=120, file=io.StringIO())
    print_proof(proof, console)
    assert ("No guardrail of this config catches the text of --canary" in console.file.getvalue()) == bool(missed)
    assert OWN not in console.file.getvalue()
    assert not proof.holds


def test_a_road_that_refuses_every_request_refuses_texts_too_where_none_are_sent():
    with ScriptedUpstream() as upstream, httpx.Client(base_url="http://127.0.0.1:1", trust_env=False) as nowhere:
        proof = prove(ProbedGateway(nowhere, "sk-x", "model", "model"), upstream, (), WHOLE)

    assert {row.secret for row in proof.rows} == {Verdict.REFUSED}


@pytest.fixture(scope="module")
def proof():
    with prepared_proof(read_config(ROOT / "proxy_config.yaml"), lambda _: None) as carry_out:
        return carry_out()


@pytest.mark.lesson("the call that chat withholds passes on Responses and Messages")
@pytest.mark.proxy
def test_the_repositorys_config_governs_the_three_formats(proof):
    shown = {(row.probe.route, row.probe.mode): row.call for row in proof.rows}
    formats = ("/v1/responses", "/v1/chat/completions", "/v1/messages")

    assert {shown[route, mode] for route in formats for mode in MODES} == {Verdict.GOVERNED}


@pytest.mark.proxy
@pytest.mark.parametrize("route", ["/v1/responses", "/v1/chat/completions"])
def test_the_secrets_that_it_masks_never_leave(proof, route):
    secrets = {row.probe.mode: row.secret for row in proof.rows if row.probe.route == route}

    assert {"an AWS access key", "an e-mail address"} <= set(proof.caught)
    assert secrets == {"whole": Verdict.GOVERNED, "streamed": Verdict.GOVERNED}


@pytest.mark.proxy
def test_requests_without_a_conversation_are_governed(proof):
    shown = {
        (row.probe.route, row.probe.mode): (row.call, row.secret) for row in proof.rows if row.probe.format in PLAIN
    }
    refused = {("/v1/embeddings, numbers of tokens", "whole"), ("/v1/audio/transcriptions", "streamed")}

    assert {shown.pop(road) for road in refused} == {(Verdict.REFUSED, Verdict.REFUSED)}
    assert set(shown.values()) == {(Verdict.NO_CALLS, Verdict.GOVERNED)}


@pytest.mark.proxy
@pytest.mark.parametrize(
    ("route", "mode", "verdict"),
    [
        ("/v1/chat/completions, several models", "whole", Verdict.GOVERNED),
        ("/v1/chat/completions, several models", "streamed", Verdict.REFUSED),
        ("/v1/responses, input in extra_body", "whole", Verdict.GOVERNED),
        ("/v1/responses, input in extra_body", "streamed", Verdict.GOVERNED),
        ("/v1/chat/completions, stream in extra_body", "whole", Verdict.GOVERNED),
        ("/v1/messages, messages in extra_body", "whole", Verdict.REFUSED),
        ("/v1/evals/{id}/runs", "whole", Verdict.REFUSED),
        ("/health/test_connection", "whole", Verdict.REFUSED),
        ("/plugin-proxy/{name}/{path}", "whole", Verdict.REFUSED),
    ],
)
def test_roads_on_which_calls_once_left_are_governed_or_refused(proof, route, mode, verdict):
    (row,) = (row for row in proof.rows if (row.probe.route, row.probe.mode) == (route, mode))

    assert row.call is verdict


@pytest.mark.proxy
def test_every_road_was_tried(proof):
    assert [row.probe for row in proof.rows] == list(PROBES)
    assert not [row.probe.route for row in proof.rows if row.call is Verdict.UNPROVEN]


@pytest.mark.proxy
def test_the_readme_shows_what_it_prints(proof):
    console = Console(width=120, file=io.StringIO())
    print_proof(proof, console)

    printed = "\n".join(line.strip() for line in console.file.getvalue().splitlines())
    (shown,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    assert "\n".join(line.strip() for line in shown.splitlines()).strip() == printed.strip()


@pytest.mark.proxy
def test_no_byte_comes_through_on_any_road(proof):
    assert proof.holds
