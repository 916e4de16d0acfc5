"""Whatever calls are withheld in whichever turn, the provider always finds exactly one output for each."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from itertools import count

import anyio
import pytest
from hypothesis import given, strategies as st

from litellm_bighub import ToolDecisions
from litellm_bighub.domain.call import CallContext
from litellm_bighub.domain.decided_call import DecidedCall
from litellm_bighub.formats.responses.format import RESPONSES
from litellm_bighub.gateway.conversation.request_history import RequestHistory
from litellm_bighub.testing import ScriptedDecider
from litellm_bighub.testing.upstream.answer_memory import AnswerMemory
from litellm_bighub.wording import ENGLISH

OUTPUTS = {
    "function": ("function_call", "function_call_output", {"name": "f", "arguments": "{}"}, {}),
    "custom": ("custom_tool_call", "custom_tool_call_output", {"name": "c", "input": "x"}, {"input": "x"}),
    "shell": ("shell_call", "shell_call_output", {"action": {"commands": []}}, {"action": {"commands": []}}),
    "apply_patch": ("apply_patch_call", "apply_patch_call_output", {"operation": {}}, {"operation": {}}),
}
REPLAYS = ("replay", "replay without notices", "replay without ids", "words")
"""Ways to send all of it again; `words`: notices as the model's own text, and nothing of calls that it was told of."""
CALL = st.tuples(st.sampled_from(sorted(OUTPUTS)), st.booleans())
TURNS = st.lists(st.tuples(st.integers(0, 2), st.lists(CALL, max_size=4)), min_size=1, max_size=4)
"""Of each turn how many calls were blocked and answered by the plugin, and the calls of the answer that followed."""


class Client:
    """A client that answers what it gets, and goes on in one of three ways."""

    def __init__(self, way: str) -> None:
        self.way = way
        self.memory = AnswerMemory()
        self.decisions = ToolDecisions(ScriptedDecider())
        self.conversation = RequestHistory(self.decisions, continues=way == "words")
        self.asked = ""
        self.history: list[dict] = []
        self.previous = ""
        self.numbers = count(1)

    def body(self, results: list[dict]) -> dict:
        news = [*results, {"type": "message", "role": "user", "content": "go on"}]
        if self.way in REPLAYS:
            self.history += news
            return {"input": list(self.history)}
        if self.way == "conversation":
            return {"input": news, "conversation": "conv_1", "extra_body": {"conversation": "conv_1"}}
        return {"input": news, **({"previous_response_id": self.previous} if self.previous else {})}

    async def turn(self, results: list[dict], blocked: int, calls: list[tuple[str, bool]]) -> list[dict]:
        """One turn, which the client begins twice, as after a broken connection. Gives back its next results."""
        body = self.body(results)
        self.asked = RESPONSES.turns(body).coming if self.way == "words" else ""
        context = CallContext(conversation="conv_1" if self.way == "conversation" else "")
        for _ in range(2):
            sent = dict(body)
            told = await self.conversation.prepare(
                sent, RESPONSES, sent.get("previous_response_id", ""), lambda: context
            )
            assert told == []
            assert self.memory.refuses(sent) == ""
        self.last = sent["input"]
        await self.conversation.record_results(sent, {"status": "completed"})
        first = f"resp_{next(self.numbers)}"
        if not blocked:
            results = await self.answered(first, sent, calls)
        else:
            last = f"resp_{next(self.numbers)}"
            await self.answered(first, sent, [("function", False)] * blocked, seen=self.way != "words")
            results = await self.answered(last, await self.told(first, sent, blocked), calls)
            assert await self.conversation.record_continuation(first, {"id": last})
        self.previous = first
        return results

    async def told(self, first: str, sent: dict, blocked: int) -> dict:
        """The request by which the plugin tells the model of its blocked calls."""
        made = self.memory.responses[first][-blocked:]
        outputs = [{"type": OUTPUTS["function"][1], "call_id": call["call_id"], "output": "no"} for call in made]
        if self.way == "conversation":
            told = {**sent, "input": outputs}
        else:
            told = {**sent, "input": [*sent["input"], *self.output(first), *outputs]}
        assert self.memory.refuses(told) == ""
        await self.conversation.record_results(told, {"status": "completed"})
        return told

    def output(self, response_id: str) -> list[dict]:
        items = self.memory.responses[response_id]
        return items[[item.get("id") for item in items].index(f"rs_{response_id}") :]

    async def answered(
        self, response_id: str, sent: dict, calls: list[tuple[str, bool]], *, seen: bool = True
    ) -> list[dict]:
        made = [(kind, released, next(self.numbers)) for kind, released in calls]
        items = [
            {"type": OUTPUTS[kind][0], "id": f"fc_{n}", "call_id": f"call_{n}", **OUTPUTS[kind][2]}
            for kind, _, n in made
        ]
        own = {"id": f"rs_{response_id}", "encrypted_content": f"opaque {response_id}"}
        thought = [{"type": "reasoning", **own, "summary": []}] if items else []
        self.memory.keep(response_id, sent, [*thought, *items])
        rows = [self.row(response_id, *each) for each in made]
        marks = {"reasoning_id": own["id"], "reasoning_digest": sha256(own["encrypted_content"].encode()).hexdigest()}
        rows[:1] = [replace(row, **marks) for row in rows[:1] if not row.released] or rows[:1]
        await self.decisions.ledger.write(rows)
        kept = [
            *thought,
            *(
                item if released else self.in_place(n)
                for item, (_, released, n) in zip(items, made, strict=True)
                if released or self.way in {"replay", "words"}
            ),
        ]
        if self.way == "replay without ids":
            kept = [{key: value for key, value in item.items() if key != "id"} for item in kept]
        if self.way == "words" and not kept:
            kept = [{"role": "assistant", "content": f"{response_id} is over"}]
        self.history += kept if seen else []
        return [
            {"type": OUTPUTS[kind][1], "call_id": f"call_{n}", "output": "x"} for kind, released, n in made if released
        ]

    def in_place(self, n: int) -> dict:
        """What the client replays in the place of a withheld call."""
        if self.way == "words":
            return {"role": "assistant", "content": said(n)}
        return {"type": "message", "id": f"msg_bighub_{n}", "role": "assistant", "content": []}

    def row(self, response_id: str, kind: str, released: bool, n: int) -> DecidedCall:  # noqa: FBT001 - says what was made
        kept = {"conversation": "conv_1"} if self.way == "conversation" else {}
        ids = {"item_id": f"fc_{n}", "notice_id": "" if released else f"msg_bighub_{n}"}
        name = OUTPUTS[kind][2].get("name", kind)
        verdict = "allowed" if released else "blocked"
        more = {**ids, **kept, "arguments": OUTPUTS[kind][3], "digest": str(n), "notice": "" if released else said(n)}
        more |= {} if released else {"turn": self.asked}
        return DecidedCall(response_id, f"call_{n}", kind, name, verdict, released, "AI_AGENT", 1.0, **more)


def said(n: int) -> str:
    return ENGLISH.blocked("policy", f"f{n}")


@pytest.mark.parametrize("way", ["previous", "conversation", *REPLAYS])
@given(turns=TURNS)
def test_every_withheld_call_is_answered_exactly_once(way, turns):
    async def play() -> None:
        client, results = Client(way), []
        for blocked, calls in turns:
            results = await client.turn(results, blocked, calls)
        await client.turn(results, 0, [])
        if way in {"replay", "words"}:
            shown = {item["call_id"] for item in client.last if "call_id" in item}
            assert len(shown) == sum(blocked + len(calls) for blocked, calls in turns), "the model does not see all"

    anyio.run(play)
