"""What the sockets of upstream and client got, a guardrail was given, unless it is declared opaque below.

The oracle is not in our tables: the payloads are made by walking the types of the installed `openai` and `anthropic`,
each string in them is another one, and so is a field that no object has yet.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from litellm_bighub.testing import Verbatim
from tests.gateway.oracle.payloads import APIS, STREAMS, Api
from tests.gateway.oracle.road import Road, open_road
from tests.gateway.oracle.type_canaries import CANARY, Canaries

pytestmark = pytest.mark.proxy

OPAQUE = {
    "ids, which mean something to the provider alone": (".id", "_id", "_ids", "fingerprint", ".created_by", ".version"),
    "which model, and where it runs": (".model", ".inference_geo", ".container", ".size"),
    "what nobody here can read": (
        *(".signature", ".encrypted_content", ".encrypted_index", ".encrypted_stdout", "[redacted_thinking].data"),
    ),
    "credentials, and where a tool server is": (
        *(".authorization", ".authorization_token", ".headers", ".headers{key}", ".server_url", "mcp_servers[url].url"),
        ".domain_secrets.value",
    ),
    "which of several known things it is": (
        *(".stop_reason", ".remove_to_redeem", "context_management.type", "[image_generation_call].error.type"),
    ),
    "where in the request something is": ("input_transformations[thinking_dropped].path", "_allowed].path"),
    "numbers by tokens": ("logit_bias{key}",),
}
"""Ends of the places that are left alone, by the reason."""
SOUNDS = ("[response.audio.delta].delta", ".audio.data")
"""Pieces of sounds, of which a stream tells more than one can be listened to; a whole answer's is handed over."""


@pytest.fixture(scope="module")
def road(_upstream, tmp_path_factory, warm):
    with open_road(_upstream, tmp_path_factory.mktemp("oracle"), warm) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _fresh(upstream):
    """Nothing is scripted."""


def is_opaque(place: str) -> bool:
    return any(f".{place}".endswith(end) for ends in OPAQUE.values() for end in ends)


def unseen(road: Road, canaries: Canaries, got: set[str]) -> list[str]:
    """The places of what got somewhere and was given to no guardrail."""
    return sorted(canaries.places[canary] for canary in (got & canaries.places.keys()) - road.given)


@pytest.mark.parametrize("name", APIS)
def test_what_the_upstream_gets_was_seen(road, name):
    api, canaries = APIS[name], Canaries(1 + list(APIS).index(name))
    bodies = list(api.requests(canaries))
    statuses = [road.ask(api.path, {"model": api.model, **body}).status_code for body in bodies]
    sent = road.sent()
    assert statuses.count(200) > 0.8 * len(statuses)
    assert len(sent) > 0.8 * len(set(CANARY.findall(json.dumps(bodies))))
    assert [place for place in unseen(road, canaries, sent) if not is_opaque(place)] == []


ROADS = [
    *((name, name, api.model) for name, api in APIS.items()),
    *(("chat", "messages", "claude"), ("responses", "messages", "claude")),
    *(("messages", "chat", "compatible"), ("responses", "chat", "compatible"), ("messages", "responses", "gpt")),
]
"""The API that the client speaks, that of the upstream, and the model for which LiteLLM speaks it."""
_by_road = pytest.mark.parametrize("number", range(len(ROADS)), ids=[f"{a} from {b}" for a, b, _ in ROADS])


@_by_road
def test_what_the_client_gets_of_a_whole_answer_was_seen(road, number):
    asked, told, model = ROADS[number]
    canaries = Canaries(10 + number)
    got = _got(road, APIS[asked], APIS[told], model, [Verbatim(body=body) for body in APIS[told].answers(canaries)])
    assert [place for place in unseen(road, canaries, got) if not is_opaque(place)] == []


@_by_road
def test_what_the_client_gets_of_a_stream_was_seen(road, number):
    canaries = Canaries(20 + number)
    asked, told, model = ROADS[number]
    streams = [Verbatim(events) for events in STREAMS[told](canaries)]
    got = _got(road, APIS[asked], APIS[told], model, streams, stream=True)
    found = [place for place in unseen(road, canaries, got) if not is_opaque(place)]
    assert [place for place in found if not place.endswith(SOUNDS)] == []


def _got(road: Road, asked: Api, told: Api, model: str, answers: list[Verbatim], **body: Any) -> set[str]:
    """The canaries that the client's socket got."""
    got: set[str] = set()
    passed = 0
    for answer in answers:
        road.upstream.reset()
        road.upstream.script(lambda _: True, answer)
        heard = road.ask(asked.path, {"model": model, **asked.ask, **body})
        assert [request.path for request in road.upstream.requests] == [told.path]
        passed += heard.status_code == 200 and '"api_error"' not in heard.text
        got |= set(CANARY.findall(f"{heard.text} {dict(heard.headers)}"))
    assert passed > 0.8 * len(answers)
    return got
