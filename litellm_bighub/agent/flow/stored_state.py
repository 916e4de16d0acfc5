"""A run that waits for people, as JSON: stored anywhere, resumed in another process.

The state is signed with a key that whoever stores it does not know: the user's own, one that is kept with the control
plane's database, or one of this process. What a person is shown is besides the approval's own text, and the control
plane binds it to its call.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import asdict, fields

from litellm_bighub.agent.flow.effects import Pending, PersonAnswer
from litellm_bighub.agent.flow.model_input import ModelInput
from litellm_bighub.agent.flow.run import Run, RunSetup
from litellm_bighub.agent.flow.turn import Turn, TurnCall, ask_for, bound_to, requested
from litellm_bighub.agent.record.events import GuardedToolResult, ToolExecutionEvent
from litellm_bighub.agent.tools.result_text import jsonable
from litellm_bighub.agent.tools.value_extraction import UnreadableStake
from litellm_bighub.deciders.ledger.conversation_history import UNKNOWN, FollowedConversation
from litellm_bighub.domain.payload import JsonMapping, JsonObject
from litellm_bighub.errors import AdapterConfigurationError

VERSION = 1
State = JsonObject


def waiting_state(run: Run, turn: Turn) -> State:
    """The run as it stands at a turn with calls that wait."""
    conversation = run.conversation
    state: State = {
        "version": VERSION,
        "id": run.setup.new_id(),  # a run that waits twice at the same place leaves two states
        "trace_id": run.trace_id,
        "rounds": run.rounds,
        "conversation": {
            "arguments": conversation.arguments,
            "replay": conversation.replay,
            "items": conversation.items,
            "previous": conversation.previous,
            "encrypted": conversation.encrypted,
            "earlier": conversation.earlier,
        },
        "followed": None if run.followed is None else asdict(run.followed),
        "response": turn.response,
        "events": [asdict(event) for event in run.events],
        "calls": [_call(entry) for entry in turn.entries],
    }
    plain: State = jsonable(state)
    plain["signature"] = _signature(plain, run.state_key)
    return plain


def request_ids(state: JsonMapping) -> list[str]:
    """The approvals that the state waits for."""
    return [call["pending"]["request_id"] for call in state["calls"] if call["pending"]]


def restored(setup: RunSetup, state: JsonMapping, key: bytes, *, stream: bool = False) -> tuple[Run, Turn]:
    """The run and its turn out of a state.

    Args:
        setup: the agent's.
        state: as it was stored.
        key: signs states.
        stream: whether the run's turns are streamed.

    Raises:
        AdapterConfigurationError: the state was changed, or does not fit this agent.
    """
    unsigned = {key: each for key, each in state.items() if key != "signature"}
    if state.get("version") != VERSION:
        raise AdapterConfigurationError("state", f"has not version {VERSION}")
    if not hmac.compare_digest(str(state.get("signature")), _signature(unsigned, key)):
        problem = "was changed, or signed with another key; give each agent that resumes runs the same state_key"
        raise AdapterConfigurationError("state", problem)
    run = Run(
        setup=setup,
        conversation=ModelInput(**state["conversation"], learned=setup.learned),
        trace_id=state["trace_id"],
        stream=stream,
        asks_people=True,
        rounds=state["rounds"],
        events=[_event(each) for each in state["events"]],
        latest=state["response"],
        state_key=key,
        followed=_followed(state.get("followed")),
    )
    return run, Turn(run.latest, _entries(run, state["calls"]))


def _call(entry: TurnCall) -> JsonObject:
    pending = entry.pending
    return {
        "event_id": entry.event_id,
        "arguments": entry.arguments,
        "result": None if entry.result is None else asdict(entry.result),
        "told": entry.model_error,
        "note": entry.note,
        "pending": None
        if pending is None
        else {
            "request_id": pending.request_id,
            "reason": pending.reason,
            "expires_at": pending.expires_at,
            "digest": pending.digest,
            "policy_version": pending.policy_version,
        },
        "answer": None if entry.answer is None else asdict(entry.answer),
    }


def _entries(run: Run, calls: Sequence[JsonMapping]) -> list[TurnCall]:
    entries: list[TurnCall] = []
    for call, stored in zip(requested(run.latest), calls, strict=True):
        entry = TurnCall(
            call, stored["event_id"], run.setup.tools.get(call.name), stored["arguments"], wording=run.setup.wording
        )
        entry.result, entry.model_error = (
            GuardedToolResult(**{**stored["result"], **_decision(stored["result"])}),
            stored["told"],
        )
        entry.note = stored.get("note", "")
        if stored["pending"]:
            _wait_again(run, entry, stored["pending"], stored.get("answer"))
        entries.append(entry)
    return entries


def _wait_again(run: Run, entry: TurnCall, stored: JsonMapping, answer: JsonMapping | None) -> None:
    place = f"state.calls.{entry.call.call_id}"
    if entry.tool is None:
        raise AdapterConfigurationError(place, f"the tool {entry.call.name!r} is not registered with this agent")
    try:
        entry.prepared = entry.tool.prepare(entry.arguments)
        entry.ask = ask_for(run, entry.tool, entry.prepared, entry.call)
    except (ValueError, UnreadableStake) as error:
        raise AdapterConfigurationError(place, f"the arguments no longer fit the tool: {error}") from error
    entry.pending = Pending(ask=entry.ask, **stored)
    entry.answer = None if answer is None else PersonAnswer(**answer)
    if bound_to(entry.ask, stored["policy_version"]) != stored["digest"]:
        raise AdapterConfigurationError(place, "is not the call that the approval is bound to")


def _followed(stored: JsonMapping | None) -> FollowedConversation:
    """An older release stored nothing of it, and did not follow."""
    return UNKNOWN if stored is None else FollowedConversation(**stored)


def _event(stored: JsonMapping) -> ToolExecutionEvent:
    known = {each.name for each in fields(ToolExecutionEvent)}
    return ToolExecutionEvent(**{**{key: each for key, each in stored.items() if key in known}, **_decision(stored)})


def _decision(stored: JsonMapping) -> JsonObject:
    """An older release stored no decision as `None`."""
    return {"decision": stored["decision"] or {}}


def _signature(state: JsonMapping, key: bytes) -> str:
    text = json.dumps(state, sort_keys=True, separators=(",", ":"))
    return hmac.new(key, text.encode("utf-8", "backslashreplace"), hashlib.sha256).hexdigest()
