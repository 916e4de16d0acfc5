"""Asking people for the calls of a turn that wait for one, and bringing their answers into force."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, cast

from litellm_bighub.agent.flow.effects import (
    SOMEBODY,
    AskPerson,
    CallQuestion,
    Decide,
    Look,
    NotThisCall,
    Pending,
    PersonAnswer,
    Settle,
    Settled,
    Show,
    Shown,
    Steps,
    Unsettled,
    do,
)
from litellm_bighub.agent.flow.run import Run
from litellm_bighub.agent.flow.turn import Turn, TurnCall, ask_for
from litellm_bighub.agent.tools.tool import Prepared
from litellm_bighub.agent.tools.value_extraction import UnreadableStake
from litellm_bighub.domain.decision import Allow, Block, Decision, RequireApproval
from litellm_bighub.domain.payload import JsonMapping, JsonObject
from litellm_bighub.errors import AdapterConfigurationError

_APPROVED: Final = frozenset({"approved", "modified"})


def read_answer(given: object) -> PersonAnswer | None:
    """What a callback's answer means; `None` is no answer.

    Raises:
        AdapterConfigurationError: it is no `GivenAnswer`, so that nobody knows what was meant.
    """
    match given:
        case None | PersonAnswer():
            return given
        case bool():
            return PersonAnswer(approved=given)
        case {"resolution": "approved" | "modified" | "denied" | "rejected" as resolution}:
            return _of_mapping(resolution, cast("JsonMapping", given))
        case _:
            what = "a mapping without a known `resolution`" if isinstance(given, Mapping) else type(given).__name__
            raise _unclear(what)


def _of_mapping(resolution: str, given: JsonMapping) -> PersonAnswer:
    comment, by, arguments, told = (given.get(key) for key in ("comment", "by", "arguments", "tell_agent"))
    if not isinstance(comment, str | None) or not isinstance(by, str | None) or not isinstance(told, str | None):
        raise _unclear("a mapping whose `comment`, `by` or `tell_agent` is no text")
    if not isinstance(arguments, Mapping | None) or (arguments is None and resolution == "modified"):
        raise _unclear("a mapping whose `arguments` are no mapping")
    approved = resolution in _APPROVED
    changed = cast("JsonMapping", arguments) if approved else None
    return PersonAnswer(approved, comment, by or SOMEBODY, changed, told)


def _unclear(what: str) -> AdapterConfigurationError:
    says = "answer True, False, None, a PersonAnswer, or {'resolution': 'approved' or 'denied', ...}"
    return AdapterConfigurationError("on_approval_required", f"answered {what}; {says}")


def ask_people(run: Run, turn: Turn, answered: list[TurnCall]) -> Steps[None]:
    """Ask for every call that waits; those that were answered are added to `answered` at once."""
    for entry in [entry for entry in turn.entries if entry.pending]:
        pending = entry.pending
        if pending is None:
            continue
        if not pending.request_id:
            run.approvals.append(_loop(entry, pending, error="missing_request_id"))
            continue
        approval = yield from do(Show(pending))
        if isinstance(approval, NotThisCall):
            if _take(run, entry, pending, Settled(Block(approval.problem, cause="unapproved"), {})):
                answered.append(entry)
            continue
        answer = entry.answer or (yield from do(AskPerson(pending, _shown(run, entry, approval), run.payload())))
        if answer is None:
            run.approvals.append(_loop(entry, pending))
            continue
        if (yield from _answer(run, entry, pending, answer)):
            answered.append(entry)


def look_for_answers(run: Run, turn: Turn, answered: list[TurnCall]) -> Steps[None]:
    """See which of the waiting calls were answered elsewhere, in the inbox for example; adds them to `answered`."""
    for entry in turn.entries:
        if entry.pending is None or not entry.pending.request_id:
            continue
        settled = yield from do(Look(entry.pending))
        if settled is not None and _take(run, entry, entry.pending, settled):
            answered.append(entry)


def _answer(run: Run, entry: TurnCall, pending: Pending, answer: PersonAnswer) -> Steps[bool]:
    """Bring an answer into force; gives whether the call no longer waits."""
    edited = answer.arguments
    if edited is None or dict(edited) == dict(pending.ask.call.arguments):
        return _settled(run, entry, pending, answer, (yield from _settle(run, pending, answer)))
    # The approval was for other arguments: it is given back, and the edited call is decided like any other.
    edit = _edited(run, entry, edited)
    given_back = yield from do(Settle(pending, PersonAnswer(approved=False, comment="replaced by edited arguments")))
    if isinstance(given_back, Unsettled):
        return _settled(run, entry, pending, answer, given_back)
    if edit is None:
        entry.pending = None
        entry.refuse(entry.wording.agent_edit_unfit.format(tool=entry.call.name))
        run.approvals.append(_loop(entry, pending, resolved=True))
        return True
    entry.ask, entry.prepared = edit
    entry.arguments = entry.prepared.arguments
    (decision,) = yield from do(Decide([entry.ask]))
    if isinstance(decision, Allow):
        decision = replace(decision, told=answer.tell_agent or "")
    entry.decide(decision, reveal=run.setup.reveal)
    if not isinstance(decision, RequireApproval) or entry.pending is None:
        return _take(run, entry, pending, Settled(decision, {}))
    waits, unedited = entry.pending, replace(answer, arguments=None)
    return _settled(run, entry, waits, unedited, (yield from _settle(run, waits, unedited)))


def _shown(run: Run, entry: TurnCall, approval: Shown) -> dict[str, object]:
    """The event that a person is shown: what the approval says of the call, and where it says nothing, the call itself.

    Never the stored run's copy: that is not what would run.
    """
    event = next(e for e in reversed(run.events) if e.call_id == (entry.call.call_id or None)).as_dict()
    arguments = entry.arguments if approval.arguments is None else approval.arguments
    return {**event, "tool": approval.tool or entry.call.name, "arguments": arguments}


def _settle(run: Run, pending: Pending, answer: PersonAnswer) -> Steps[Settled | Unsettled]:
    if answer.approved and pending.expires_at is not None and run.setup.clock() >= pending.expires_at:
        return Settled(Block("the approval has expired", cause="unapproved"), {})
    return (yield from do(Settle(pending, answer)))


def _settled(run: Run, entry: TurnCall, pending: Pending, answer: PersonAnswer, settled: Settled | Unsettled) -> bool:
    """Take what holds after an answer. While that is unknown the call waits on, and keeps the answer."""
    if isinstance(settled, Settled):
        return _take(run, entry, pending, settled)
    entry.answer = answer
    run.approvals.append(_loop(entry, pending, error=settled.problem))
    return False


def _take(run: Run, entry: TurnCall, pending: Pending, settled: Settled) -> bool:
    decision: Decision = settled.decision
    if isinstance(decision, RequireApproval):
        # One of several people has answered: it waits for the others.
        run.approvals.append(_loop(entry, pending, approval=settled.approval))
        return False
    entry.event_id = run.setup.new_id()
    entry.decide(decision, reveal=run.setup.reveal)
    resumed = isinstance(decision, Allow) and entry.job is not None
    run.approvals.append(_loop(entry, pending, resolved=True, resumed=resumed, approval=settled.approval))
    return True


def _edited(run: Run, entry: TurnCall, arguments: JsonMapping) -> tuple[CallQuestion, Prepared] | None:
    if entry.tool is None:
        return None
    try:
        prepared = entry.tool.prepare(dict(arguments))
        return ask_for(run, entry.tool, prepared, entry.call), prepared
    except (ValueError, UnreadableStake):
        return None


def _loop(
    entry: TurnCall,
    pending: Pending,
    *,
    resolved: bool = False,
    resumed: bool = False,
    approval: JsonMapping | None = None,
    error: str | None = None,
) -> JsonObject:
    """What `approval_loop` says of one call."""
    said: JsonObject = {
        "required": True,
        "resolved": resolved,
        "resumed": resumed,
        "tool": entry.call.name,
        "call_id": entry.call.call_id,
    }
    if pending.request_id:
        said["request_id"] = pending.request_id
    if error is not None:
        said["error"] = error
    if approval is not None:
        said["approval"] = dict(approval)
    return said
