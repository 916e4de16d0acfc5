"""Sequence numbers have no holes, and nothing is touched before they would."""

from __future__ import annotations

from litellm_bighub.formats.stream.sequence_numbers import Numbering


def event(number):
    return {"type": "x", "sequence_number": number}


def test_nothing_is_touched_while_nothing_is_missing():
    numbering = Numbering()
    events = [event(number) for number in (3, 4, 9)]

    assert [numbering.number(each) for each in events] == events
    assert all(numbering.number(each) is each for each in events)


def test_from_a_shift_on_events_are_counted():
    numbering = Numbering()
    first, second, third = event(3), event(5), event(5)
    numbering.number(first)
    numbering.shift()

    assert numbering.number(second) == event(4)
    assert numbering.number(third) is third
    assert second == event(5)


def test_the_first_number_is_the_upstreams():
    numbering = Numbering()
    numbering.shift()

    assert numbering.number(event(7)) == event(7)
    assert numbering.number(event(7)) == event(8)


def test_events_without_numbers_stay_without():
    numbering = Numbering()
    numbering.shift()

    assert numbering.number({"type": "ping"}) == {"type": "ping"}
    assert not numbering.numbered
    numbering.number(event(0))
    assert numbering.numbered
