"""Every client takes two turns: with a call that is allowed, one that is blocked, and one that a person approves.

The oracles are the file that the client's tools write, what its user reads, and the bodies that the provider gets.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass

import pytest

from clients.drivers import CLIENTS, Client, Turn
from clients.well_formed import complaints
from litellm_bighub.testing import Request, reasoning, text

ORDERS = {"look_up": "A-17", "wipe": "B-18", "refund": "C-19"}


@dataclass(frozen=True)
class Conversations:
    """What became of three conversations, one for each tool that the model calls in its first turn.

    Attributes:
        client: who had them.
        turns: both turns of each.
        ran: what the tools wrote down, in order.
        asked: the requests that the provider got in the first turn of each.
        followed: those that it got in the second turn of each.
        refused: why a provider would refuse one of all requests.
    """

    client: Client
    turns: dict[str, tuple[Turn, Turn]]
    ran: list[str]
    asked: dict[str, list[Request]]
    followed: dict[str, list[Request]]
    refused: list[str]


@pytest.fixture(scope="module", params=CLIENTS, ids=[client.name for client in CLIENTS])
def conversations(request, gateway, tmp_path_factory):
    """All conversations of a client, which is started once for them."""
    client, upstream, folder = request.param, gateway.upstream, tmp_path_factory.mktemp("client")
    upstream.reset()
    for tool, order in ORDERS.items():
        called = [reasoning("I have to do it.", encrypted=b64encode(order.encode()).decode()), client.call(tool, order)]
        over = [] if tool == "wipe" and gateway.on_block == "error" else [[text("It is over.")]]
        upstream.script(_is_first_turn(tool), called, *over)
        upstream.script(_is_second_turn(tool), [text("The second turn is over.")])
    prompts = [(f"Please {tool} now.", f"And after {tool}?") for tool in ORDERS]
    turns = client.take_turns(gateway.proxy, folder, prompts)
    assert len(turns) == 2 * len(ORDERS), turns
    ran = folder / "ran.txt"
    return Conversations(
        client=client,
        turns=dict(zip(ORDERS, zip(turns[::2], turns[1::2], strict=True), strict=True)),
        ran=ran.read_text().splitlines() if ran.exists() else [],
        asked={tool: [each for each in upstream.requests if _is_first_turn(tool)(each)] for tool in ORDERS},
        followed={tool: [each for each in upstream.requests if _is_second_turn(tool)(each)] for tool in ORDERS},
        refused=[complaint for each in upstream.requests for complaint in complaints(each)],
    )


def test_the_allowed_and_the_approved_call_run_once_and_no_other(conversations):
    assert conversations.ran == ["look_up A-17", "refund C-19"]


@pytest.mark.parametrize("tool", ["look_up", "refund"])
def test_after_a_call_that_ran_both_turns_end_well(conversations, tool):
    first, second = conversations.turns[tool]

    assert (first.error, second.error) == (None, None)
    assert "It is over." in first.text
    assert "The second turn is over." in second.text


def test_the_user_reads_that_a_call_was_blocked_or_the_model_goes_on(conversations, gateway):
    first, _ = conversations.turns["wipe"]
    match gateway.on_block:
        case "replace":
            assert first.error is None
            assert "was blocked by policy" in first.text
        case "error":
            assert first.error is not None
            assert "was blocked by policy" in first.error
        case "continue":
            assert first.error is None
            assert "It is over." in first.text


def test_a_blocked_call_is_not_asked_for_again_by_the_client(conversations, gateway):
    allowed = {"replace": {1}, "error": {1, 1 + conversations.client.falls_back}, "continue": {2}}[gateway.on_block]
    assert len(conversations.asked["wipe"]) in allowed


def test_the_turn_after_a_blocked_call_ends_well(conversations):
    _, second = conversations.turns["wipe"]

    assert second.error is None
    assert "The second turn is over." in second.text


def test_the_model_sees_the_blocked_call_in_the_turn_after_it(conversations, gateway):
    if gateway.on_block == "error":
        pytest.skip("the turn failed, and clients forget what they please of it")
    told = [each for each in conversations.followed["wipe"] if "was blocked by policy" in each.raw]
    assert told
    if gateway.on_block == "continue" or told[0].path == "/v1/responses":
        assert any(ORDERS["wipe"] in each.raw for each in told), "the notice stands alone, without the call"


def test_a_provider_would_refuse_no_request(conversations):
    assert conversations.refused == []


def _is_first_turn(tool):
    return lambda request: f"Please {tool} now." in request.raw and f"And after {tool}?" not in request.raw


def _is_second_turn(tool):
    return lambda request: f"And after {tool}?" in request.raw
