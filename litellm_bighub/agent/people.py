"""Asking people for the calls of a turn that wait for one, and bringing their answers into force."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from litellm_bighub.agent.effects import (
    SOMEBODY,
    Answer,
    Ask,
    AskPerson,
    Decide,
    Look,
    Pending,
    Settle,
    Settled,
    Steps,
    do,
)
from litellm_bighub.agent.run import Run
from litellm_bighub.agent.tools.stake import UnreadableStake
from litellm_bighub.agent.tools.tool import Prepared
from litellm_bighub.agent.turn import Entry, Turn, ask_for
from litellm_bighub.domain.decision import Allow, Block, Decision, RequireApproval

_APPROVED = frozenset({"approved", "modified"})


def read_answer(raw: object) -> Answer | None:
    """What a callback's answer means. Nothing is no answer; what is unclear is a refusal."""
    if raw is None:
        return None
    if not isinstance(raw, Mapping):
        return Answer(approved=False, comment="the answer was unclear")
    resolution, arguments = raw.get("resolution"), raw.get("arguments")
    comment, by = raw.get("comment"), raw.get("by")
    said = Answer(
        approved=False,
        comment=comment if isinstance(comment, str) else None,
        by=by if isinstance(by, str) and by else SOMEBODY,
    )
    if not isinstance(resolution, str) or resolution not in _APPROVED:
        return said
    if isinstance(arguments, Mapping) or (arguments is None and resolution == "approved"):
        return replace(said, approved=True, arguments=arguments)
    return said


def ask_people(run: Run, turn: Turn, answered: list[Entry]) -> Steps[None]:
    """Ask for every call that waits; those that were answered are added to `answered` at once."""
    for entry in [entry for entry in turn.entries if entry.pending]:
        pending = entry.pending
        if pending is None:
            continue
        if not pending.request_id:
            run.approvals.append(_loop(entry, pending, error="missing_request_id"))
            continue
        shown = next(e for e in reversed(run.events) if e.call_id == (entry.call.call_id or None)).as_dict()
        answer = yield from do(AskPerson(pending, shown, run.payload()))
        if answer is None:
            run.approvals.append(_loop(entry, pending))
            continue
        if (yield from _answer(run, entry, pending, answer)):
            answered.append(entry)


def look_for_answers(run: Run, turn: Turn, answered: list[Entry]) -> Steps[None]:
    """See which of the waiting calls were answered elsewhere, in the inbox for example; adds them to `answered`."""
    for entry in turn.entries:
        if entry.pending is None or not entry.pending.request_id:
            continue
        settled = yield from do(Look(entry.pending))
        if settled is not None and _take(run, entry, entry.pending, settled):
            answered.append(entry)


def _answer(run: Run, entry: Entry, pending: Pending, answer: Answer) -> Steps[bool]:
    """Bring an answer into force; gives whether the call no longer waits."""
    edited = answer.arguments
    if edited is None or dict(edited) == dict(pending.ask.call.arguments):
        return _take(run, entry, pending, (yield from _settle(run, pending, answer)))
    # The approval was for other arguments: it is given back, and the edited call is decided like any other.
    edit = _edited(run, entry, edited)
    yield from do(Settle(pending, Answer(approved=False, comment="replaced by edited arguments")))
    if edit is None:
        entry.pending = None
        entry.refuse("the edited arguments do not fit the tool")
        run.approvals.append(_loop(entry, pending, resolved=True))
        return True
    entry.ask, entry.prepared = edit
    (decision,) = yield from do(Decide([entry.ask]))
    entry.decide(decision, reveal=run.setup.reveal)
    settled = Settled(decision, {})
    if isinstance(decision, RequireApproval) and entry.pending is not None:
        settled = yield from _settle(run, entry.pending, replace(answer, arguments=None))
    return _take(run, entry, entry.pending or pending, settled)


def _settle(run: Run, pending: Pending, answer: Answer) -> Steps[Settled]:
    if answer.approved and pending.expires_at is not None and run.setup.clock() >= pending.expires_at:
        return Settled(Block("the approval has expired", cause="unapproved"), {})
    return (yield from do(Settle(pending, answer)))


def _take(run: Run, entry: Entry, pending: Pending, settled: Settled) -> bool:
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


def _edited(run: Run, entry: Entry, arguments: Mapping[str, Any]) -> tuple[Ask, Prepared] | None:
    if entry.tool is None:
        return None
    try:
        prepared = entry.tool.prepare(dict(arguments))
        return ask_for(run, entry.tool, prepared, entry.call, run.latest.get("id")), prepared
    except (ValueError, UnreadableStake):
        return None


def _loop(
    entry: Entry,
    pending: Pending,
    *,
    resolved: bool = False,
    resumed: bool = False,
    approval: Mapping[str, Any] | None = None,
    error: str | None = None,
) -> dict[str, Any]:
    """What `approval_loop` says of one call."""
    said: dict[str, Any] = {
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
