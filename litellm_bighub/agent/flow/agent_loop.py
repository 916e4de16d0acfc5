"""The agent's loop, as a generator of effects: it decides what is done next and does nothing itself.

```
┌─> CallModel ── no calls, or incomplete ──> payload
│       │ calls
│     Follow    what came back in the conversation, if the decider wants to know
│     Decide    all of the turn in one round trip
│     Notify    the audit hook, before anything runs
│    RunTools   the allowed ones; their events are recorded before any is shown
│   AskPerson   for each that waits, if people can be asked now; Settle; RunTools
└── outputs go back
```

Events are recorded in the model's order as soon as they are known, whatever interrupts the run afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

from litellm_bighub.agent.flow.effects import (
    CallModel,
    Decide,
    Emit,
    Follow,
    Notify,
    Response,
    RunTools,
    StateKey,
    Steps,
    do,
)
from litellm_bighub.agent.flow.person_answers import ask_people, look_for_answers
from litellm_bighub.agent.flow.run import Run
from litellm_bighub.agent.flow.stored_state import waiting_state
from litellm_bighub.agent.flow.turn import Turn, TurnCall, foreign, is_complete, read_turn, requested
from litellm_bighub.agent.record.events import GuardedToolResult, Payload, signals
from litellm_bighub.agent.record.model_messages import decision_fields
from litellm_bighub.deciders.tool_decisions import UNRECORDED
from litellm_bighub.errors import ProviderResponseError


def agent_run(run: Run) -> Steps[Payload]:
    """Run to the model's final answer.

    Raises:
        ProviderResponseError: the response failed, or the rounds ran out; holds the events until then.
    """
    while True:
        run.latest = yield from _ask_model(run)
        run.conversation.learn(run.latest)
        _refuse_unusable(run, run.latest)
        yield from _follow(run)
        calls = requested(run.latest)
        turn = read_turn(run, run.latest, calls)
        if not is_complete(run.latest):
            yield from _leave(run, turn)
            return run.payload()
        if not calls:
            return run.payload()
        if run.rounds >= run.setup.max_tool_rounds:
            raise ProviderResponseError("Max tool rounds reached without final response", _events(run), _id(run))
        run.rounds += 1
        yield from _judge(run, turn)
        with _keeping(run, turn):
            yield from carry_out(run, turn.entries)
            if run.asks_people:
                yield from _get_answers(run, turn, ask_people)
        _take(run, turn)


def resumed_run(run: Run, turn: Turn) -> Steps[Payload]:
    """Go on with a run that left calls waiting: answer them, then run to the end."""
    with _keeping(run, turn):
        yield from _get_answers(run, turn, ask_people)
        yield from _get_answers(run, turn, look_for_answers)
    _take(run, turn)
    return (yield from agent_run(run))


def _ask_model(run: Run) -> Steps[Response]:
    tools = [tool.spec for tool in run.setup.tools.values()]
    try:
        return (yield from do(CallModel(run.conversation.request(tools), run.stream)))
    except Exception as error:
        if not run.conversation.is_refused(error):
            raise
    return (yield from do(CallModel(run.conversation.request(tools), run.stream)))


def _follow(run: Run) -> Steps[None]:
    if not run.follows:
        return
    callers = dict.fromkeys(run.context(tool) for tool in (None, *run.setup.tools.values()))
    request = run.conversation.request(())
    run.followed = yield from do(Follow(request, tuple(callers), run.followed, run.ran))


def _take(run: Run, turn: Turn) -> None:
    run.conversation.take(turn.response, turn.outputs())
    run.ran = turn.ran()


def carry_out(run: Run, entries: Sequence[TurnCall]) -> Steps[None]:
    """Run what is allowed among the entries and record what became of each of them."""
    try:
        if jobs := [entry.job for entry in entries if entry.job is not None]:
            yield from do(RunTools(jobs))
    finally:
        # Also when the run is cancelled meanwhile: some of the tools may have had their effect.
        shown = [_record(run, entry) for entry in entries]
    for event in shown:
        yield from do(Emit({"type": "execution_event", "event": event}))


def _judge(run: Run, turn: Turn) -> Steps[None]:
    asked = [entry for entry in turn.entries if entry.ask is not None]
    if asked:
        decisions = yield from do(Decide([entry.ask for entry in asked if entry.ask is not None]))
        for entry, decision in zip(asked, decisions, strict=True):
            entry.decide(decision, reveal=run.setup.reveal)
    if not run.state_key and any(entry.pending for entry in asked):
        run.state_key = yield from do(StateKey())
    recorded = yield from do(Notify([_notice(run, entry, place) for place, entry in enumerate(turn.entries)]))
    for entry, is_recorded in zip(turn.entries, recorded, strict=True):
        if not is_recorded and entry.job is not None:
            entry.decide(UNRECORDED, reveal=False)


def _get_answers(run: Run, turn: Turn, asking: Callable[[Run, Turn, list[TurnCall]], Steps[None]]) -> Steps[None]:
    answered: list[TurnCall] = []
    try:
        yield from asking(run, turn, answered)
    except Exception:
        # The next question failed: the answers before it hold, and the other calls can be resumed.
        yield from carry_out(run, answered)
        raise
    except BaseException:
        # Cancelled, or the reader has left: nothing runs any more, and the record says so.
        for entry in answered:
            _record(run, entry)
        raise
    yield from carry_out(run, answered)


@contextmanager
def _keeping(run: Run, turn: Turn) -> Generator[None, None, None]:
    """However a turn ends, the calls that still wait for a person can be resumed."""
    try:
        yield
    finally:
        if any(entry.pending for entry in turn.entries):
            run.pending.append(waiting_state(run, turn))


def _leave(run: Run, turn: Turn) -> Steps[None]:
    for entry in turn.entries:
        status = run.latest.get("status")
        entry.refuse(entry.wording.agent_cut_off.format(tool=entry.call.name, status=status))
    yield from carry_out(run, turn.entries)


def _refuse_unusable(run: Run, response: Response) -> None:
    status = response.get("status")
    if status in {"failed", "cancelled", "queued", "in_progress"}:
        error = response.get("error") or {}
        code = error.get("code") or "no reason given"
        raise ProviderResponseError(f"the response {status}: {code}", _events(run), _id(run))
    if others := foreign(response):
        raise ProviderResponseError(
            f"the response holds a {others[0]}, which no registered tool governs", _events(run), _id(run)
        )


def _record(run: Run, entry: TurnCall) -> dict[str, object]:
    entry.finish()
    recorded = run.record(
        tool=entry.call.name,
        call_id=entry.call.call_id,
        arguments=entry.arguments,
        result=entry.result or GuardedToolResult("blocked", error="no decision"),
        request_id=entry.request_id,
        event_id=entry.event_id,
    )
    return recorded.as_dict()


def _notice(run: Run, entry: TurnCall, place: int) -> dict[str, object]:
    """What the audit hook hears: the event as it will be recorded, before its outcome is known."""
    decision = {} if entry.decision is None else decision_fields(entry.decision)
    return {
        "tool": entry.call.name,
        "call_id": entry.call.call_id,
        "status": "allowed" if entry.job else entry.result.status if entry.result else "blocked",
        "allowed": entry.job is not None,
        "decision": decision,
        "arguments": entry.arguments,
        "output": None,
        "error": entry.result.error if entry.result else None,
        "event_id": entry.event_id,
        "trace_id": run.trace_id,
        "request_id": entry.request_id,
        "seq": len(run.events) + place,
        "schema_version": 1,
        "source_version": run.setup.source_version,
        **signals(decision),
    }


def _events(run: Run) -> list[dict[str, object]]:
    return [event.as_dict() for event in run.events]


def _id(run: Run) -> str | None:
    found: str | None = run.latest.get("id")
    return found
