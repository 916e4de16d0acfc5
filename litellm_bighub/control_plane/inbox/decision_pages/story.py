"""What became of a call, step by step, out of the audit: asked, judged, approval asked, answered, used, reported."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from litellm_bighub.control_plane.approvals.look import SHOWN
from litellm_bighub.control_plane.store.chain import DECISION
from litellm_bighub.control_plane.store.schema import events as table
from litellm_bighub.control_plane.store.tables import events
from litellm_bighub.control_plane.store.tables.approvals import Approval
from litellm_bighub.domain.payload import JsonObject

_ANSWERS: Final = {
    "approve_first": "page_story_first",
    "approve": "page_story_approved",
    "deny": "page_story_denied",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One event.

    Attributes:
        after: seconds since the step before; `None` for the first.
        note: names its sentence.
        values: of the sentence; texts that others have written among them.
        quote: what a person said of it.
        told: what the agent was told.
        decision_id: the decision that it is, or that it led to.
        event: with its number and digest in the audit.
    """

    after: float | None
    note: str
    values: Mapping[str, object]
    quote: str
    told: str
    decision_id: str
    event: JsonObject

    @property
    def time(self) -> float:
        """When."""
        time: float = self.event["time"]
        return time


def events_of(connection: Connection, decision: JsonObject, approval: Approval | None) -> list[JsonObject]:
    """What the audit says of a decision, of the approval that it is about, and of the others of that approval."""
    found = {decision["seq"]: decision}
    subjects = {decision["subject"]}
    if approval is not None:
        subjects |= {approval.id, approval.decision_id}
    about = events.page(connection, table.c.subject.in_(subjects))
    used = {one["body"].get("decision_id") for one in about if one["type"] == "approval.consumed"} - subjects
    about += events.page(connection, table.c.subject.in_(used)) if used else []
    found |= {one["seq"]: one for one in about}
    return _decisions_first([found[seq] for seq in sorted(found)])


def _decisions_first(found: list[JsonObject]) -> list[JsonObject]:
    """What a decision did to an approval stands before it in the audit, and behind it in a story."""
    for at in range(len(found) - 1):
        did, decision = found[at : at + 2]
        if did["type"] in {"approval.created", "approval.consumed"} and decision["type"] == DECISION:
            found[at : at + 2] = decision, did
    return found


def story(found: Iterable[JsonObject], approval: Approval | None) -> Iterator[Step]:
    """The steps in their order."""
    before: float | None = None
    for event in found:
        body, type_ = event["body"], event["type"]
        values: dict[str, object] = {"person": body.get("by", "")}
        decision_id = str(body.get("decision_id", ""))
        if type_ == DECISION:
            note = "page_story_judged" if event["rule_id"] else "page_story_default"
            values = {name: event[name] for name in ("actor", "tool", "verdict")} | {"rule": event["rule_id"]}
            values |= {"reason": body["reason"], "version": body["policy_version"]}
            decision_id = event["subject"]
        elif type_ == "approval.created":
            note = "page_story_asked"
            values["until"] = None if approval is None else event["time"] + approval.ttl
        elif type_ == "approval.resolved":
            edited = "after" in body
            note = "page_story_edited" if edited else _ANSWERS[body["answer"]]
        elif type_ == "approval.consumed":
            note = "page_story_used_edited" if body.get("edited") else "page_story_used"
        elif type_ == "approval.expired":
            note = "page_story_expired"
        elif type_ == "approval.escalated":
            note = "page_story_escalated"
            values["who"] = ", ".join(body["to"])
        elif type_ == SHOWN:
            note = "page_story_looked"
            values["argument"] = body["argument"]
        elif type_ == "outcome.reported":
            note = "page_story_outcome" if body.get("by") else "page_story_outcome_unsigned"
        else:
            note, values = "page_story_other", {"event": type_}
        quote = body.get("comment", "") or (body["status"] if type_ == "outcome.reported" else "")
        after = None if before is None else event["time"] - before
        yield Step(after, note, values, quote, body.get("told", ""), decision_id, event)
        before = event["time"]
