"""A login lasts for a working day, and no longer than its key."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import func, select

from litellm_bighub.control_plane.people import users
from litellm_bighub.control_plane.people.person import Person
from litellm_bighub.control_plane.people.users import User
from litellm_bighub.control_plane.store.schema import sessions
from litellm_bighub.control_plane.store.tables import keys, logins
from litellm_bighub.control_plane.store.tables.keys import Key
from litellm_bighub.control_plane.store.tables.logins import LIFETIME_SECONDS, Login

NOW = 1e9
ANN = Key("k1", "ann", "bhk_a", frozenset({"audit:read"}), NOW, None, None, "k1", holder="k1")


def test_a_cookie_finds_its_login_until_the_time_is_over(connection):
    keys.insert(connection, ANN, "secret")
    cookie = logins.start(connection, ANN, NOW)
    end = NOW + LIFETIME_SECONDS

    found = logins.find(connection, cookie, end - 1)
    assert found == Login(logins.session_id(cookie), Person("k1", "ann", ANN.scopes), found.csrf, end, ANN)
    assert found.csrf not in {"", cookie}
    assert logins.find(connection, cookie, end) is None
    assert logins.find(connection, "another cookie", NOW) is None


def test_logging_out_ends_that_login_alone(connection):
    keys.insert(connection, ANN, "secret")
    mine, other = logins.start(connection, ANN, NOW), logins.start(connection, ANN, NOW)
    assert logins.end(connection, logins.session_id(mine))
    assert not logins.end(connection, logins.session_id(mine))

    assert logins.find(connection, mine, NOW) is None
    assert logins.find(connection, other, NOW) is not None


def test_a_revoked_key_ends_its_logins(connection):
    keys.insert(connection, ANN, "secret")
    cookie = logins.start(connection, ANN, NOW)
    keys.revoke(connection, "k1", NOW)

    assert logins.find(connection, cookie, NOW) is None


def test_a_disabled_user_has_no_login_any_more(connection):
    kim = User("u1", "kim", "hash", frozenset({"approver"}), frozenset({"finance"}), "kim@litellm", NOW)
    users.insert(connection, kim)
    cookie = logins.start(connection, kim, NOW)
    assert logins.find(connection, cookie, NOW).person == kim.person

    users.change(connection, replace(kim, disabled_at=NOW))
    assert logins.find(connection, cookie, NOW) is None


def test_sessions_are_listed_by_whom_and_from_where(connection):
    kim = User("u1", "kim", "hash", frozenset(), frozenset(), "", NOW)
    users.insert(connection, kim)
    keys.insert(connection, ANN, "secret")
    logins.start(connection, ANN, NOW, address="10.0.0.1")
    logins.start(connection, kim, NOW + 1, address="10.0.0.2", client="Firefox")

    listed = [(one.name, one.address, one.client) for one in logins.listed(connection, NOW + 2)]
    assert listed == [("kim", "10.0.0.2", "Firefox"), ("ann", "10.0.0.1", "")]
    assert [one.name for one in logins.listed(connection, NOW + 2, user_id="u1")] == ["kim"]
    assert not logins.end(connection, "")


def test_the_database_holds_neither_cookies_nor_logins_that_are_over(connection):
    keys.insert(connection, ANN, "secret")
    cookie = logins.start(connection, ANN, NOW)
    assert cookie not in " ".join(map(str, connection.execute(select(sessions)).one()))

    logins.start(connection, ANN, NOW + LIFETIME_SECONDS)
    assert connection.execute(select(func.count()).select_from(sessions)).scalar() == 1
