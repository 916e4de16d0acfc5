"""A login lasts for a working day, and no longer than its key."""

from __future__ import annotations

from sqlalchemy import func, select

from litellm_bighub.control_plane.store.schema import sessions
from litellm_bighub.control_plane.store.tables import keys, logins
from litellm_bighub.control_plane.store.tables.keys import Key
from litellm_bighub.control_plane.store.tables.logins import LIFETIME_SECONDS, Login

NOW = 1e9
ANN = Key("k1", "ann", "bhk_a", frozenset({"audit:read"}), NOW, None, None, "k1")


def test_a_cookie_finds_its_login_until_the_time_is_over(connection):
    keys.insert(connection, ANN, "secret")
    cookie = logins.start(connection, ANN, NOW)
    end = NOW + LIFETIME_SECONDS

    found = logins.find(connection, cookie, end - 1)
    assert found == Login(ANN, found.csrf, end)
    assert found.csrf not in {"", cookie}
    assert logins.find(connection, cookie, end) is None
    assert logins.find(connection, "another cookie", NOW) is None


def test_logging_out_ends_that_login_alone(connection):
    keys.insert(connection, ANN, "secret")
    mine, other = logins.start(connection, ANN, NOW), logins.start(connection, ANN, NOW)
    logins.end(connection, mine)

    assert logins.find(connection, mine, NOW) is None
    assert logins.find(connection, other, NOW) is not None


def test_a_revoked_key_ends_its_logins(connection):
    keys.insert(connection, ANN, "secret")
    cookie = logins.start(connection, ANN, NOW)
    keys.revoke(connection, "k1", NOW)

    assert logins.find(connection, cookie, NOW) is None


def test_the_database_holds_neither_cookies_nor_logins_that_are_over(connection):
    keys.insert(connection, ANN, "secret")
    cookie = logins.start(connection, ANN, NOW)
    assert cookie not in " ".join(map(str, connection.execute(select(sessions)).one()))

    logins.start(connection, ANN, NOW + LIFETIME_SECONDS)
    assert connection.execute(select(func.count()).select_from(sessions)).scalar() == 1
