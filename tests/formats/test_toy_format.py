"""A format of one file, plugged in by a folder and a line, goes through the gateway, its streams and the doctor."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from litellm_bighub.formats.registry import FORMATS
from tests.formats.toy import house

HERE = Path(__file__).parent / "toy"
AMOUNT = "7123"
pytestmark = pytest.mark.xdist_group("toy format")  # what is looked at is made once, not in each worker


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What came of it."""
    folder = tmp_path_factory.mktemp("house")
    house.add_format(house.copied(folder), "toy", HERE / "format.py")
    done = house.run(folder, str(HERE / "gateway_run.py"))
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout[done.stdout.index('{"recognised"') :])


def test_it_is_recognised_on_its_route_in_code_and_by_its_shape(told):
    assert told["recognised"] == [True] * 5
    assert told["formats"] == [*(known.name for known in FORMATS), "toy"]


def test_an_allowed_call_passes_whole_and_streamed(told):
    acted = {"act": "pay", "id": "a1", "with": {"amount": int(AMOUNT)}}
    assert acted in told["whole allowed"]["turns"]
    assert {"turn": acted} in told["stream allowed"]


def test_a_withheld_call_leaves_no_byte_and_its_siblings_stay(told):
    turns = told["whole blocked"]["turns"]
    assert [turn["say"] for turn in turns][::2] == ["I pay.", "Done."]
    assert "was blocked" in turns[1]["say"]
    assert [event.get("turn") for event in told["stream blocked"]][:3] == turns
    assert AMOUNT not in json.dumps([told["whole blocked"], told["stream blocked"]])


def test_what_a_field_of_no_list_tells_of_a_withheld_call_is_taken_out(told):
    assert "shadow" not in told["whole blocked"]
    assert "shadow" in told["whole allowed"]
    assert all("shadow" not in event for event in told["stream blocked"])


def test_a_stream_that_breaks_off_releases_nothing_undecided(told):
    assert AMOUNT not in json.dumps(told["stream unended"])


def test_the_model_is_told_and_its_next_answer_takes_the_place(told):
    assert told["whole continued"]["turns"] == [{"say": "I heard: 5 things."}]
    said = [event["turn"]["say"] for event in told["stream continued"] if "turn" in event]
    assert said == ["I pay.", "Done.", "I heard: 5 things."]


def test_an_answer_of_another_shape_is_refused(told):
    assert told["refused"] == "turns is no list"


def test_the_result_of_a_call_that_nobody_made_is_refused(told):
    assert told["brought back"] == ["UnapprovedToolResult", "talk[0]"]


def test_the_doctor_proves_it_and_sees_a_leak(told):
    assert told["proof blocked"] == ["GOVERNED", "GOVERNED"]
    assert told["proof allowed"] == ["LEAKS", "LEAKS"]


def test_its_texts_are_checked_in_requests_answers_and_streams(told):
    assert told["texts request"]["talk"] == ["my [mask]", {"did": "a1", "with": 7}]
    assert told["texts whole"] == {"turns": [{"say": "my [mask]"}]}
    assert told["texts stream"] == [{"turn": {"say": "my [mask]"}}, {"end": "now"}]


def test_the_doctor_knows_that_its_texts_are_checked_and_proves_it(told):
    assert {FORMATS[0].name, "toy"} <= set(told["texts covered"])
    assert "/v1/toy" in told["texts examined"]
    assert len(told["texts examined"]) > len(FORMATS)
    assert told["texts masked"] == ["GOVERNED", "GOVERNED"]
