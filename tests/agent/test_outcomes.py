"""`outcome_reporting_required`: a run that did something which BIGHUB could not be told of has failed."""

from __future__ import annotations

from types import SimpleNamespace

import anyio
import pytest

from litellm_bighub.agent.async_guarded import AsyncGuardedOpenAI
from litellm_bighub.agent.guarded import GuardedOpenAI
from litellm_bighub.errors import AdapterConfigurationError, OutcomeReportError
from litellm_bighub.testing import ScriptedDecider, function_call
from tests.agent.harness import DONE
from tests.agent.record.test_redacted_event import Bighub

CALL = function_call("work", {"n": 1})


def agent(driver, bighub, **options):
    options = {"outcome_reporting_required": True, "memory_ingest_timeout_ms": 10_000, **options}
    guard = driver.guard(decider=None, bighub_client=bighub, **options)
    guard.tool("work", work)
    return guard


def work(n: int) -> int:
    return n


async def never(**_):
    await anyio.sleep_forever()


def refuse(**_):
    raise ConnectionError("refused")


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_run_ends_after_its_report_and_reports_once(driver, model, stream):
    model([CALL], DONE)
    bighub = Bighub()
    guard = agent(driver, bighub)
    (driver.stream if stream else driver.run)(guard)
    assert [each["status"] for each in bighub.reported] == ["SUCCESS"]
    driver.call(guard, "close")
    assert (len(bighub.reported), len(bighub.told), guard.dropped_events) == (1, 1, 0)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    ("report", "limit"),
    [pytest.param(refuse, 10_000, id="refused"), pytest.param(never, 50, id="black-hole"), (None, 10_000)],
)
def test_a_report_that_fails_fails_the_run_which_says_what_it_did(driver, model, report, limit, stream):
    model([CALL], DONE)
    bighub = Bighub()
    bighub.outcomes = SimpleNamespace() if report is None else SimpleNamespace(report=report)
    guard = agent(driver, bighub, memory_ingest_timeout_ms=limit)
    with pytest.raises(OutcomeReportError) as raised:
        (driver.stream if stream else driver.run)(guard)
    assert [(event["tool"], event["status"]) for event in raised.value.events] == [("work", "executed")]


@pytest.mark.lesson("a memory that hangs holds the run beyond its limit", row="black-hole")
@pytest.mark.parametrize("report", [refuse, never], ids=["refused", "black-hole"])
def test_without_it_a_report_that_fails_changes_nothing(driver, model, report):
    model([CALL], DONE)
    bighub = Bighub()
    bighub.outcomes.report = report
    guard = agent(driver, bighub, outcome_reporting_required=False, memory_ingest_timeout_ms=50)
    assert driver.run(guard)["output_text"] == "done"
    driver.call(guard, "close")
    assert guard.dropped_events == 1


def test_a_memory_that_hangs_keeps_no_outcome_back(driver, model):
    model([CALL], DONE)
    bighub = Bighub()
    bighub.actions.ingest_memory = never
    guard = agent(driver, bighub, outcome_reporting_required=False, memory_ingest_timeout_ms=1000)
    driver.run(guard)
    driver.call(guard, "close")
    assert [each["status"] for each in bighub.reported] == ["SUCCESS"]


def test_a_run_that_did_nothing_reports_nothing(driver, model):
    model(DONE)
    bighub = Bighub()
    bighub.outcomes.report = refuse
    assert driver.run(agent(driver, bighub))["output_text"] == "done"


@pytest.mark.parametrize("kind", [GuardedOpenAI, AsyncGuardedOpenAI])
@pytest.mark.parametrize(
    "options", [{"decider": ScriptedDecider()}, {"bighub_client": Bighub(), "outcome_reporting": False}]
)
def test_where_nothing_can_be_reported_it_stops_the_start(kind, options):
    with pytest.raises(AdapterConfigurationError, match="outcome_reporting_required"):
        kind(outcome_reporting_required=True, **options)
