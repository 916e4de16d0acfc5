"""What clients make of `on_approval: request`: those that can answer do, and the call runs or does not.

`docs/clients.md` tells which they are. The strict upstream refuses whatever the provider would not know.
"""

from __future__ import annotations

import pytest

from clients.drivers import CLIENTS, library
from litellm_bighub.testing import reasoning, text

ANSWERING = [
    library(f"approve_with_{name}", "responses", stream=stream, approve=approve, replays=replays)
    for name in ("openai.py", "openai_agents.py", "ai_sdk.mjs", "langchain.py")
    for stream, approve, replays in [(False, True, True), (True, True, False), (True, False, True)]
]
UNANSWERED = {
    *("codex", "pydantic_ai-responses-whole", "pydantic_ai-responses-streamed"),
    *("openai_agents-responses-whole", "ai_sdk-responses-streamed", "langgraph-responses-streamed"),
}
"""Clients that cannot answer, and some that do not: nothing runs, and their next turn goes on."""


@pytest.fixture
def converse(asking, tmp_path):
    """Has a conversation of two turns in which the model wants to give money back."""

    def run(client):
        upstream, call = asking.upstream, client.call("refund", "C-19")
        upstream.reset()
        upstream.script("And after?", [text("The second turn is over.")])
        upstream.script("was done by", [text("It is over.")])
        upstream.script("I refuse", [text("So it stays.")])
        upstream.script("I approve", [reasoning("Once more.", encrypted="b25jZQ=="), call])
        upstream.script("Please refund now.", [reasoning("I have to.", encrypted="aGF2ZQ=="), call])
        turns = client.take_turns(asking.proxy, tmp_path, [["Please refund now.", "And after?"]])
        ran = tmp_path / "ran.txt"
        return turns, ran.read_text().splitlines() if ran.exists() else []

    return run


@pytest.mark.parametrize("number", range(len(ANSWERING)), ids=lambda number: f"{ANSWERING[number].name}-{number % 3}")
def test_a_client_that_answers_has_the_call_run_if_it_approves(converse, number):
    approves = number % 3 != 2
    (first, second), ran = converse(ANSWERING[number])

    assert (first.error, second.error) == (None, None)
    assert first.text == ("It is over." if approves else "So it stays.")
    assert second.text == "The second turn is over."
    assert ran == (["refund C-19"] if approves else [])


@pytest.mark.parametrize(
    "client", [each for each in CLIENTS if each.name in UNANSWERED], ids=lambda client: client.name
)
def test_a_client_that_does_not_answer_runs_nothing_and_goes_on(converse, client):
    (_, second), ran = converse(client)

    assert second.error is None
    assert "The second turn is over." in second.text
    assert ran == []
