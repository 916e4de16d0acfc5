"""What the demo promises, and how each promise is checked.

A check looks at both ends: at what the client received, and at what the upstream was sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from litellm_bighub.demo.exchange import Exchange, Mode
from litellm_bighub.testing import Item, function_call, text

_SECRET = "AKIAIOSFODNN7EXAMPLE"  # noqa: S105 - the key of AWS's own documentation
_MASK = "[AWS_ACCESS_KEY_REDACTED]"
_BOTH: tuple[Mode, ...] = ("whole", "streamed")

_LOOKUP = function_call("lookup_order", {"order_id": "A-17"}, call_id="call_lookup")
_DELETE = function_call("delete_customer", {"customer_id": "C-4711"}, call_id="call_delete")
_REFUND = function_call("refund_payment", {"order_id": "A-17", "amount": 900}, call_id="call_refund")


class BrokenPromiseError(AssertionError):
    """A promise was not kept; the message says what was seen in place of it."""


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise.

    Attributes:
        title: the promise in words.
        prompt: what the user asks.
        answer: what the upstream answers.
        check: raises `BrokenPromiseError`, or returns what proves that the promise was kept.
        modes: how it is asked.
        asks: who asks: the official client through the proxy, or an agent in code.
        later: what the upstream answers after the tools' results.
        cue: the part of the prompt by which the upstream knows its answer; the whole prompt if empty.
    """

    title: str
    prompt: str
    answer: Sequence[Item]
    check: Callable[[Exchange], str]
    modes: tuple[Mode, ...] = _BOTH
    cue: str = ""
    asks: Literal["client", "agent"] = "client"
    later: Sequence[Item] = ()


def _plain(exchange: Exchange) -> str:
    _expect(exchange.text == "Your order is on its way.", f"the client got {exchange.text!r}")
    return f"client got: {exchange.text}"


def _masked_for_the_model(exchange: Exchange) -> str:
    _expect(_SECRET not in exchange.upstream_saw.raw, "the secret reached the upstream")
    _expect(_MASK in exchange.upstream_saw.prompt, f"the upstream saw {exchange.upstream_saw.prompt!r}")
    _expect(exchange.text == "Better keep it to yourself.", f"the client got {exchange.text!r}")
    return f"upstream saw: {exchange.upstream_saw.prompt}"


def _masked_for_the_client(exchange: Exchange) -> str:
    _expect(_SECRET not in exchange.received, "the secret reached the client")
    _expect(_MASK in exchange.text, f"the client got {exchange.text!r}")
    return f"client got: {exchange.text}"


def _allowed(exchange: Exchange) -> str:
    _expect_call(exchange, 1, _LOOKUP)
    return "client got: lookup_order"


def _blocked(exchange: Exchange) -> str:
    return f"client got: {_notice(exchange, 1, _DELETE)}"


def _held(exchange: Exchange) -> str:
    notice = _notice(exchange, 1, _REFUND)
    _expect("apr_" in notice, f"no approval is named in {notice!r}")
    return f"client got: {notice}"


def _one_of_two(exchange: Exchange) -> str:
    _expect_call(exchange, 1, _LOOKUP)
    return f"client got: lookup_order, and: {_notice(exchange, 2, _DELETE)}"


def _governed_agent(exchange: Exchange) -> str:
    statuses = {event["tool"]: event["status"] for event in exchange.output}
    _expect(statuses == {"lookup_order": "executed", "delete_customer": "blocked"}, f"the tools ended as {statuses}")
    _expect(exchange.text == "Shipped; I may not delete.", f"the agent said {exchange.text!r}")
    _expect("shipped" in exchange.upstream_saw.raw, "the model was not told what the tool returned")
    return "lookup_order executed, delete_customer blocked, and the model was told"


PROMISES: tuple[Promise, ...] = (
    Promise("An answer comes through", "Where is my order?", [text("Your order is on its way.")], _plain),
    Promise(
        "A secret in the request is masked",
        f"My key is {_SECRET}, is that safe?",
        [text("Better keep it to yourself.")],
        _masked_for_the_model,
        cue="is that safe?",
    ),
    Promise(
        "A secret in the answer is masked",
        "What was my key again?",
        [text(f"It was {_SECRET}.")],
        _masked_for_the_client,
    ),
    Promise("An allowed call arrives unchanged", "Look up order A-17", [text("Looking it up."), _LOOKUP], _allowed),
    Promise("A blocked call is withheld", "Delete customer C", [text("Deleting it now."), _DELETE], _blocked),
    Promise("A call that needs approval waits", "Refund order A-17", [text("Refunding it now."), _REFUND], _held),
    Promise(
        "Of two calls, only the blocked one goes",
        "Look up the order, delete the customer",
        [text("Doing both now."), _LOOKUP, _DELETE],
        _one_of_two,
    ),
    Promise(
        "An agent in code is governed too",
        "Look up the order, delete the customer, and report",
        [_LOOKUP, _DELETE],
        _governed_agent,
        cue="agent-model",
        asks="agent",
        later=[text("Shipped; I may not delete.")],
    ),
)


def _expect(kept: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not kept:
        raise BrokenPromiseError(otherwise)


def _item(exchange: Exchange, index: int) -> Item:
    _expect(len(exchange.output) > index, f"the output has {len(exchange.output)} items")
    return exchange.output[index]


def _expect_call(exchange: Exchange, index: int, call: Item) -> None:
    item = _item(exchange, index)
    _expect(item.get("type") == "function_call", f"output[{index}] is a {item.get('type')}")
    for key in ("name", "arguments", "call_id"):
        _expect(item.get(key) == call[key], f"{key} of output[{index}] changed to {item.get(key)!r}")


def _notice(exchange: Exchange, index: int, withheld: Item) -> str:
    """The text that stands in the place of a withheld call, after a proof that nothing of the call came through."""
    item = _item(exchange, index)
    _expect(item.get("type") == "message", f"output[{index}] is a {item.get('type')}, the call was delivered")
    for trace in (withheld["call_id"], *json.loads(withheld["arguments"]).values()):
        _expect(not _stands_in(exchange.received, trace), f"{trace} of the withheld call came through")
    return str(item["content"][0]["text"])


def _stands_in(received: str, trace: object) -> bool:
    """Whether a text stands there anywhere, or a number by itself: random ids hold its digits by chance."""
    if isinstance(trace, str):
        return trace in received
    return re.search(rf"(?<!\w){trace}(?!\w)", received) is not None
