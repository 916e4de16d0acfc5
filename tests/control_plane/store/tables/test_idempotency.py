"""A repeated request gets the first answer, for a day."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from litellm_bighub.control_plane.store.schema import idempotency as table
from litellm_bighub.control_plane.store.tables import idempotency
from litellm_bighub.control_plane.store.tables.idempotency import KEPT_SECONDS, KeyReused

NOW = 1e9


def answers(*given):
    left = list(given)
    return lambda: {"answer": left.pop(0)}


def test_the_answer_is_made_once(connection):
    make = answers("first", "second")

    assert idempotency.once(connection, "k", {"n": 1}, NOW, make) == {"answer": "first"}
    assert idempotency.once(connection, "k", {"n": 1}, NOW + KEPT_SECONDS - 1, make) == {"answer": "first"}
    assert idempotency.once(connection, "other", {"n": 1}, NOW, make) == {"answer": "second"}


def test_after_a_day_it_is_made_anew(connection):
    make = answers("first", "second")
    idempotency.once(connection, "k", {"n": 1}, NOW, make)

    assert idempotency.once(connection, "k", {"n": 2}, NOW + KEPT_SECONDS, make) == {"answer": "second"}
    assert idempotency.find(connection, "k", {"n": 2}, NOW + KEPT_SECONDS) == {"answer": "second"}


def test_another_request_under_the_same_key_is_refused(connection):
    idempotency.put(connection, "k", {"n": 1}, {"answer": 1}, NOW)

    with pytest.raises(KeyReused):
        idempotency.find(connection, "k", {"n": 2}, NOW)
    with pytest.raises(KeyReused):
        idempotency.once(connection, "k", {"n": 2}, NOW, answers())


def test_neither_key_nor_request_can_be_read_in_the_database(connection):
    idempotency.put(connection, "agent /actions the-key", {"secret": "s3cret"}, {}, NOW)

    stored = " ".join(map(str, connection.execute(select(table)).one()))
    assert "the-key" not in stored
    assert "s3cret" not in stored


@pytest.mark.parametrize(("limit", "forgotten", "left"), [(None, 3, {"d"}), (2, 2, {"c", "d"}), (9, 3, {"d"})])
def test_what_is_older_is_forgotten_the_oldest_first(connection, limit, forgotten, left):
    for age, key in enumerate("abcd"):
        idempotency.put(connection, key, {}, {}, NOW + age)

    assert idempotency.purge(connection, before=NOW + 3, limit=limit) == forgotten
    assert {key for key in "abcd" if idempotency.find(connection, key, {}, NOW) is not None} == left
