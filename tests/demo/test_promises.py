"""Each check of the demo can fail: it tells a kept promise from a broken one by what both ends saw."""

from __future__ import annotations

import json

import pytest

from litellm_bighub.control_plane.decisions.embedded_decider import EmbeddedDecider
from litellm_bighub.demo.exchange import Exchange
from litellm_bighub.demo.promises import PROMISES, BrokenPromiseError
from litellm_bighub.demo.run import proxy_config
from litellm_bighub.domain.arguments import read_arguments
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import verdict
from litellm_bighub.testing import Request, text

SECRET = "AKIAIOSFODNN7EXAMPLE"
MASK = "[AWS_ACCESS_KEY_REDACTED]"
PLAIN, REQUEST, ANSWER, ALLOWED, BLOCKED, HELD, TWO, AGENT = PROMISES
LOOKUP, DELETE, REFUND = ALLOWED.answer[1], BLOCKED.answer[1], HELD.answer[1]
INTRO, NOTICE = text("Doing it."), text("The call was withheld.")


def exchange(*output, asked="", also_received=""):
    said = "".join(item["content"][0]["text"] for item in output if item["type"] == "message")
    request = Request("POST", "/v1/responses", {}, {"input": asked})
    return Exchange(list(output), said, json.dumps(output) + also_received, request, None, 0.1)


def worked(deleting="blocked", said="Shipped; I may not delete.", told="shipped"):
    events = [{"tool": "lookup_order", "status": "executed"}, {"tool": "delete_customer", "status": deleting}]
    return Exchange(events, said, "", Request("POST", "/v1/responses", {}, {"input": told}), None, 0.1)


KEPT = {
    "plain": (PLAIN, exchange(*PLAIN.answer)),
    "request masked": (REQUEST, exchange(*REQUEST.answer, asked=f"My key is {MASK}")),
    "answer masked": (ANSWER, exchange(text(f"It was {MASK}."))),
    "allowed": (ALLOWED, exchange(INTRO, LOOKUP)),
    "blocked": (BLOCKED, exchange(INTRO, NOTICE)),
    "held": (HELD, exchange(INTRO, text("It waits for approval apr_1."))),
    "held, its amount by chance in an id": (HELD, exchange(INTRO, text("apr_1"), also_received='"resp_b9007a"')),
    "one of two": (TWO, exchange(INTRO, LOOKUP, NOTICE)),
    "agent": (AGENT, worked()),
}
BROKEN = {
    "another answer": (PLAIN, exchange(text("echo"))),
    "the secret reached the upstream": (REQUEST, exchange(*REQUEST.answer, asked=f"{MASK} {SECRET}")),
    "the upstream saw no mask": (REQUEST, exchange(*REQUEST.answer, asked="My key is")),
    "the secret reached the client": (ANSWER, exchange(text(f"It was {MASK}."), also_received=SECRET)),
    "the answer has no mask": (ANSWER, exchange(text("It was."))),
    "the allowed call is missing": (ALLOWED, exchange(INTRO)),
    "the allowed call was replaced": (ALLOWED, exchange(INTRO, NOTICE)),
    "the allowed call was changed": (ALLOWED, exchange(INTRO, {**LOOKUP, "arguments": "{}"})),
    "the blocked call was delivered": (BLOCKED, exchange(INTRO, DELETE)),
    "the blocked call was deleted": (BLOCKED, exchange(INTRO)),
    "its arguments came in an event": (BLOCKED, exchange(INTRO, NOTICE, also_received="C-4711")),
    "its amount came in a delta": (
        HELD,
        exchange(INTRO, text("apr_1"), also_received=r'{"delta": "{\"amount\": 900}"}'),
    ),
    "its id came in an event": (BLOCKED, exchange(INTRO, NOTICE, also_received="call_delete")),
    "the held call was delivered": (HELD, exchange(INTRO, REFUND)),
    "no approval is named": (HELD, exchange(INTRO, NOTICE)),
    "both calls were withheld": (TWO, exchange(INTRO, NOTICE, NOTICE)),
    "both calls were delivered": (TWO, exchange(INTRO, LOOKUP, DELETE)),
    "the agent ran the blocked tool": (AGENT, worked(deleting="executed")),
    "the agent did not come to its end": (AGENT, worked(said="")),
    "the model was not told": (AGENT, worked(told="")),
}


@pytest.mark.parametrize(("promise", "seen"), KEPT.values(), ids=KEPT)
def test_a_kept_promise_is_proved(promise, seen):
    assert promise.check(seen)


@pytest.mark.parametrize(("promise", "seen"), BROKEN.values(), ids=BROKEN)
def test_a_broken_promise_is_noticed(promise, seen):
    with pytest.raises(BrokenPromiseError):
        promise.check(seen)


@pytest.mark.parametrize(
    ("call", "decided"),
    [(LOOKUP, "allowed"), (DELETE, "blocked"), (REFUND, "requires_approval")],
    ids=["lookup", "delete", "refund"],
)
async def test_the_repositorys_policy_decides_as_the_demo_says(call, decided):
    decider = EmbeddedDecider.from_policy_file(proxy_config().parent / "bighub_policy.yaml")
    arguments = read_arguments(call["arguments"])
    value = float(arguments["amount"]) if "amount" in arguments else None

    decision = await decider.decide(ToolCall("c", "function", call["name"], arguments, value=value), CallContext())

    assert verdict(decision) == decided
