"""What a run hands over when it ends: events to BIGHUB or to the exception that ends it, and what people approved."""

from __future__ import annotations

from collections.abc import Awaitable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from litellm_bighub.agent.agent_backend import AgentBackend
from litellm_bighub.agent.drivers.performer import AskCallback
from litellm_bighub.agent.flow.effects import Event, GivenAnswer
from litellm_bighub.agent.flow.run import Run
from litellm_bighub.agent.record.deliveries import Deliver, Deliveries, EventBatch, all_of, attempt
from litellm_bighub.agent.record.events import ApprovedPayload, Payload, ToolExecutionEvent
from litellm_bighub.domain.payload import JsonMapping, JsonObject
from litellm_bighub.errors import OutcomeReportError


@dataclass(slots=True)
class DeliveryAccount:
    """One run's, from where it was begun or resumed.

    Attributes:
        reported: whether the outcomes have been reported already.
    """

    run: Run
    known: int
    reported: bool = False

    @property
    def events(self) -> list[ToolExecutionEvent]:
        """What has happened since."""
        return self.run.events[self.known :]

    def batch(self) -> EventBatch:
        """Its events for BIGHUB."""
        reported = [event.as_dict() for event in self.events]
        return EventBatch(reported, self.run.trace_id, self.run.model, reported=self.reported)

    def shown(self, event: Event) -> Event:
        """An event as the reader gets it. The last one holds the approvals, where a run can ask for them."""
        if event["type"] != "final_response" or not self.run.asks_people:
            return event
        return {**event, "response": approved_payload(event["response"], self.run)}


class DeliveryAccounts:
    """Where runs settle their accounts.

    Args:
        backend: takes the events.
        limit_seconds: for one delivery.
        required: whether a run that reported nothing of what it did has failed.
    """

    def __init__(self, backend: AgentBackend, *, limit_seconds: float, required: bool) -> None:
        self._report = backend.report if required else None
        self._limit = limit_seconds
        self.deliver: Deliver | None = all_of(backend.remember, _unreported(backend.report))

    @contextmanager
    def of(self, run: Run, deliveries: Deliveries[Any] | None) -> Generator[DeliveryAccount, None, None]:
        """Account for a run: its events stand in the exception that ends it, and are delivered in the background."""
        account = DeliveryAccount(run, len(run.events))
        try:
            yield account
        except Exception as error:
            if not getattr(error, "events", None):
                vars(error)["events"] = [event.as_dict() for event in run.events]
            raise
        finally:
            if deliveries is not None and account.events:
                deliveries.put(account.batch())

    def wants_report(self, account: DeliveryAccount, event: Event) -> bool:
        """Whether the run may end with this event only after its outcomes were reported."""
        return self._report is not None and event["type"] == "final_response" and bool(account.events)

    async def report(self, account: DeliveryAccount) -> None:
        """Report the outcomes now.

        Raises:
            OutcomeReportError: BIGHUB did not take them within the limit.
        """
        if self._report is None:
            return
        problem = await attempt(self._report, account.batch(), self._limit)
        account.reported = True
        if problem is not None:
            raise OutcomeReportError(problem, [event.as_dict() for event in account.run.events])


def _unreported(report: Deliver | None) -> Deliver | None:
    if report is None:
        return None

    async def deliver(batch: EventBatch) -> None:
        if not batch.reported:
            await report(batch)

    return deliver


def approved_payload(payload: Payload, run: Run) -> ApprovedPayload:
    """A run's payload with what was asked of people."""
    return ApprovedPayload(**payload, approval_loop=approval_loop(run))


def approval_loop(run: Run) -> JsonObject:
    """What was asked of people and what became of it; the first approval's fields stand on top."""
    if not run.approvals:
        return {"required": False, "resolved": False, "resumed": False}
    approvals = [{**each, **_tool_output(run, each)} for each in run.approvals]
    return {
        **{key: each for key, each in approvals[0].items() if key not in {"tool", "call_id"}},
        "resolved": all(each["resolved"] for each in approvals),
        "resumed": any(each["resumed"] for each in approvals),
        "approvals": approvals,
    }


def answers(resolutions: Mapping[str, GivenAnswer] | None, otherwise: AskCallback | None) -> AskCallback:
    """A callback that gives prepared answers by request id, and asks on for the rest."""

    def ask(question: JsonObject) -> GivenAnswer | Awaitable[GivenAnswer]:
        if resolutions is not None and question["request_id"] in resolutions:
            return resolutions[question["request_id"]]
        return None if otherwise is None else otherwise(question)

    return ask


def one_answer(payload: ApprovedPayload, request_id: str) -> JsonObject:
    """What became of one of the calls that people were asked for, and the run that went on from there."""
    approval = next(each for each in payload["approval_loop"]["approvals"] if each.get("request_id") == request_id)
    return {**approval, "response": payload}


def _tool_output(run: Run, approval: JsonMapping) -> JsonObject:
    if not approval["resumed"]:
        return {}
    event = next(each for each in reversed(run.events) if each.call_id == approval["call_id"])
    return {"tool_output": event.output, "status": event.status}
