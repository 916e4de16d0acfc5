"""The audit file: whole lines, one owner, several writers, and a start that stops when it cannot be written."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import signal
import stat
import sys
from pathlib import Path

import anyio
import pytest

from litellm_bighub.deciders.audit_file import AuditFile
from litellm_bighub.deciders.tool_decisions import ToolDecisions
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Allow, Block
from litellm_bighub.errors import ConfigurationError
from litellm_bighub.testing import ScriptedDecider
from tests.deciders.fakes import counter


def calls(amount: int) -> list[ToolCall]:
    return [ToolCall(id=f"c{n}", type="function", name="pay", arguments={"note": "ä" * 500}) for n in range(amount)]


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


async def test_each_decision_is_one_line_of_json(tmp_path):
    path = tmp_path / "audit.jsonl"
    decisions = ToolDecisions(ScriptedDecider(otherwise=Block("no")), sinks=[AuditFile(path)], new_id=counter())
    await decisions.decide(calls(3), CallContext(trace_id="t"))
    await decisions.aclose()
    assert {line["event_id"] for line in lines(path)} == {"event-0", "event-1", "event-2"}
    assert {(line["tool"], line["verdict"], line["reason"]) for line in lines(path)} == {("pay", "blocked", "no")}


def test_only_its_owner_may_read_it(tmp_path):
    AuditFile(tmp_path / "audit.jsonl")
    assert stat.S_IMODE((tmp_path / "audit.jsonl").stat().st_mode) == 0o600


async def test_an_existing_file_is_appended_to(tmp_path):
    path = tmp_path / "audit.jsonl"
    path.write_text('{"before": true}\n')
    await ToolDecisions(ScriptedDecider(), sinks=[AuditFile(path)]).decide(calls(1), CallContext())
    assert lines(path)[0] == {"before": True}
    assert len(lines(path)) == 2


@pytest.mark.parametrize("moved", [False, True], ids=["deleted", "rotated"])
async def test_a_file_that_was_deleted_or_moved_away_is_begun_anew(tmp_path, moved):
    """Otherwise the lines would go into a file that nobody sees any more."""
    path, old = tmp_path / "audit.jsonl", tmp_path / "audit.jsonl.1"
    decisions = ToolDecisions(ScriptedDecider(), sinks=[AuditFile(path)])
    await decisions.decide(calls(1), CallContext())
    if moved:
        path.rename(old)
    else:
        path.unlink()
    await decisions.decide(calls(2), CallContext())
    await decisions.aclose()

    assert len(lines(path)) == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not moved or len(lines(old)) == 1


async def test_a_file_that_cannot_be_begun_anew_withholds_until_it_can(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    decisions = ToolDecisions(ScriptedDecider(), sinks=[AuditFile(folder / "audit.jsonl")])
    folder.rename(tmp_path / "moved")
    [withheld] = await decisions.decide(calls(1), CallContext())
    folder.mkdir()
    [allowed] = await decisions.decide(calls(1), CallContext())
    await decisions.aclose()

    assert isinstance(withheld, Block)
    assert withheld.cause == "unrecorded"
    assert isinstance(allowed, Allow)
    assert len(lines(folder / "audit.jsonl")) == 1


async def test_a_pipe_that_nobody_reads_withholds_in_time(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    decisions = ToolDecisions(ScriptedDecider(), sinks=[AuditFile(path)], deadline_seconds=0.2)
    decided = []
    while not decided or isinstance(decided[-1], Allow):  # until the pipe is full
        decided += await decisions.decide(calls(20), CallContext())
    os.close(reader)  # ends the writing that was given up

    assert decided[-1].cause == "unrecorded"
    await decisions.aclose()


def test_a_path_that_cannot_be_written_stops_the_start(tmp_path):
    with pytest.raises(ConfigurationError) as raised:
        AuditFile(tmp_path / "missing" / "audit.jsonl")
    assert raised.value.key == "audit_file"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no full device")
async def test_a_full_disk_withholds_the_call():
    [decision] = await ToolDecisions(ScriptedDecider(), sinks=[AuditFile(Path("/dev/full"))]).decide(
        calls(1), CallContext()
    )
    assert decision == Block("the decision could not be recorded", basis=decision.basis, cause=decision.cause)


async def test_after_closing_nothing_is_released(tmp_path):
    sink = AuditFile(tmp_path / "audit.jsonl")
    await sink.aclose()
    await sink.aclose()
    [decision] = await ToolDecisions(ScriptedDecider(), sinks=[sink]).decide(calls(1), CallContext())
    assert isinstance(decision, Block)


def write_many(path: str) -> None:
    async def many() -> None:
        sink = AuditFile(Path(path))
        await ToolDecisions(ScriptedDecider(), sinks=[sink]).decide(calls(50), CallContext())
        await sink.aclose()

    anyio.run(many)


def test_several_processes_share_a_file(tmp_path):
    path = tmp_path / "audit.jsonl"
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=write_many, args=(str(path),)) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert len({line["event_id"] for line in lines(path)}) == 100


def limit_growth(path: Path, more: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + more, resource.RLIM_INFINITY))


def lift_limit() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def tear(path: str) -> None:
    """Under a size limit the second line is written in part; with the limit gone, the third one is whole."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    async def torn() -> None:
        sink = AuditFile(Path(path))
        decisions = ToolDecisions(ScriptedDecider(), sinks=[sink])
        first = await decisions.decide(calls(1), CallContext())
        limit_growth(Path(path), 100)
        second = await decisions.decide(calls(1), CallContext())
        lift_limit()
        third = await decisions.decide(calls(1), CallContext())
        answers = [type(decision).__name__ for decision in (*first, *second, *third)]
        sys.exit(0 if answers == ["Allow", "Block", "Allow"] else 3)

    anyio.run(torn)


def test_a_line_written_in_part_is_cut_off_again(tmp_path):
    """A full disk left half a line in the file, and readers of JSON Lines failed on it for ever."""
    path = tmp_path / "audit.jsonl"
    process = multiprocessing.get_context("spawn").Process(target=tear, args=(str(path),))
    process.start()
    process.join(60)
    assert process.exitcode == 0
    assert [line["verdict"] for line in lines(path)] == ["allowed", "allowed"]


async def test_what_a_killed_process_left_is_ended_before_the_next_line(tmp_path):
    path = tmp_path / "audit.jsonl"
    path.write_text('{"whole": true}\n{"tor')
    await ToolDecisions(ScriptedDecider(), sinks=[AuditFile(path)]).decide(calls(1), CallContext())
    first, torn, third = path.read_text(encoding="utf-8").splitlines()
    assert (first, torn, json.loads(third)["verdict"]) == ('{"whole": true}', '{"tor', "allowed")
