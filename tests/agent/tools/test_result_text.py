"""Whatever a tool returns reaches the model as JSON, and nothing that it returns breaks the run."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given, strategies as st
from pydantic import BaseModel

from litellm_bighub.agent.tools.result_text import jsonable, result_text


class Color(Enum):
    RED = "red"


class Model(BaseModel):
    at: dt.date


@dataclass
class Point:
    x: int
    raw: bytes = b"\xff"


class Odd:
    pass


class Hostile:
    def __repr__(self):
        raise RuntimeError("no")

    __str__ = __repr__


ROUND: list[object] = []
ROUND.append(ROUND)


@pytest.mark.lesson("a result that is no JSON crashes the run after the side effect", row="datetime")
@pytest.mark.parametrize(
    ("result", "expected"),
    [
        pytest.param(None, None, id="none"),
        pytest.param("ä", "ä", id="text"),
        pytest.param({"a": [1, 2.5, True]}, {"a": [1, 2.5, True]}, id="json"),
        pytest.param(Model(at=dt.date(2026, 1, 2)), {"at": "2026-01-02"}, id="pydantic"),
        pytest.param([Model(at=dt.date(2026, 1, 2))], [{"at": "2026-01-02"}], id="pydantic-inside"),
        pytest.param(dt.datetime(2026, 1, 2, 3, 4, tzinfo=dt.timezone.utc), "2026-01-02T03:04:00Z", id="datetime"),
        pytest.param(Decimal("1.10"), "1.10", id="decimal"),
        pytest.param(Color.RED, "red", id="enum"),
        pytest.param({1}, [1], id="set"),
        pytest.param((1, 2), [1, 2], id="tuple"),
        pytest.param({1: "a"}, {"1": "a"}, id="number-keys"),
        pytest.param(UUID(int=1), "00000000-0000-0000-0000-000000000001", id="uuid"),
        pytest.param(Path("a/b"), "a/b", id="path"),
        pytest.param(b"\x00" * 1024, "<1024 bytes>", id="bytes"),
        pytest.param({"file": b"abc"}, {"file": "<3 bytes>"}, id="bytes-inside"),
        pytest.param(float("nan"), "nan", id="nan"),
        pytest.param(Odd(), "<Odd without a JSON form>", id="odd"),
        pytest.param([Odd()], ["<Odd without a JSON form>"], id="odd-inside"),
        pytest.param(Hostile(), "<Hostile without a JSON form>", id="hostile"),
        pytest.param(ROUND, "<list without a JSON form>", id="round"),
    ],
)
def test_a_result_has_a_json_form(result, expected):
    """Old sin: a datetime crashed the run after the tool's side effect."""
    assert jsonable(result) == expected
    assert json.loads(result_text(jsonable(result))) == expected


def test_a_dataclass_with_bytes_comes_through():
    assert jsonable(Point(1))["x"] == 1


def test_a_lone_surrogate_does_not_break_the_request():
    assert result_text(jsonable("a\ud800")).encode("utf-8")


@given(st.recursive(st.none() | st.text() | st.floats() | st.binary() | st.dates(), st.lists))
def test_anything_becomes_text_that_can_be_sent(result):
    assert result_text(jsonable(result)).encode("utf-8")
