"""The audit as files, and what `audit verify` says of it."""

from __future__ import annotations

import csv
import io
import json

import pytest

from litellm_bighub.control_plane.audit.audit_export import event_mismatch, export, retain, verified_chain
from litellm_bighub.control_plane.store.database import open_database
from litellm_bighub.domain.call import CallContext, ToolCall

POLICY = "version: 1\ndefault: allow"


@pytest.fixture
async def engine(open_plane, database_url):
    plane = open_plane(POLICY)
    for name in ("refund", "lookup"):
        await plane.decide(ToolCall("c", "function", name, {"note": "=1+1"}), CallContext(actor="=cmd()"))
    engine = open_database(database_url)
    yield engine
    engine.dispose()


async def test_json_lines_hold_every_event_in_order(engine):
    file = io.StringIO()
    export(engine, file, "jsonl")
    events = [json.loads(line) for line in file.getvalue().splitlines()]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert [event["tool"] for event in events][-2:] == ["refund", "lookup"]
    assert events[-1]["body"]["arguments"] == {"note": "=1+1"}


async def test_a_cell_is_never_a_formula(engine):
    file = io.StringIO()
    export(engine, file, "csv")
    rows = list(csv.DictReader(io.StringIO(file.getvalue())))
    assert rows[-1]["actor"] == "'=cmd()"
    assert json.loads(rows[-1]["body"])["arguments"] == {"note": "=1+1"}


async def test_a_whole_chain_is_verified_and_a_changed_event_is_named(engine):
    chain = verified_chain(engine)
    assert not isinstance(chain, str)
    assert event_mismatch(engine, chain.seq, chain.digest) is None
    assert event_mismatch(engine, 0, "") is None
    assert "another one" in (event_mismatch(engine, chain.seq, "0" * 64) or "")
    assert "not there" in (event_mismatch(engine, chain.seq + 1, "") or "")
    assert "not there" in (event_mismatch(engine, 2**63, "") or "")
    with engine.connect() as connection:
        connection.exec_driver_sql("UPDATE events SET tool = 'other' WHERE tool = 'refund'")
    assert "its content was changed" in str(verified_chain(engine))


async def test_what_is_older_goes_and_the_chain_still_holds(engine):
    assert retain(engine, -(2.0**32)) > 0
    chain = verified_chain(engine)
    assert not isinstance(chain, str)
    assert chain.count == 1
