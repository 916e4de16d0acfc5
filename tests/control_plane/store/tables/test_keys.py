"""A key opens what it may open, and the database cannot tell it to anybody."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from litellm_bighub.control_plane.store.schema import api_keys
from litellm_bighub.control_plane.store.tables import keys
from litellm_bighub.control_plane.store.tables.keys import AGENT, Key

NOW = 1_000_020.0  # a minute's twentieth second


def key(key_id="k1", **fields):
    blank = {"name": "ann", "prefix": "bhk_abc", "scopes": frozenset({"audit:read"}), "created_at": NOW}
    ends = {"expires_at": None, "revoked_at": None, "lineage": key_id}
    return Key(**{"id": key_id, "holder": key_id, **blank, **ends, **fields})


def agent(**fields):
    return key(scopes=AGENT, **fields)


def test_a_key_is_found_by_its_secret_and_id(connection):
    secret = keys.new_secret()
    mine = key(
        ip_whitelist=("10.0.0.0/8", "::1"), rate_limit_per_minute=5, scopes=frozenset({"audit:read", "keys:write"})
    )
    keys.insert(connection, mine, secret)

    assert keys.find(connection, secret) == mine
    assert keys.get(connection, "k1") == mine
    assert keys.find(connection, keys.new_secret()) is None
    assert keys.get(connection, "k2") is None


def test_the_database_does_not_hold_the_secret(connection):
    secret = keys.new_secret()
    keys.insert(connection, key(), secret)

    assert secret.startswith("bhk_")
    assert secret not in " ".join(map(str, connection.execute(select(api_keys)).one()))


def test_a_revoked_key_is_listed_only_when_asked_for(connection):
    for number in (2, 1):
        keys.insert(connection, key(f"k{number}", created_at=NOW + number), f"s{number}")

    assert keys.revoke(connection, "k1", NOW)
    assert not keys.revoke(connection, "k1", NOW)
    assert not keys.revoke(connection, "unknown", NOW)
    assert [each.id for each in keys.listed(connection, revoked=False)] == ["k2"]
    assert [each.id for each in keys.listed(connection, revoked=True)] == ["k1", "k2"]
    assert not keys.get(connection, "k1").valid_at(NOW)


@pytest.mark.parametrize(
    ("fields", "valid"),
    [({}, True), ({"expires_at": NOW + 1}, True), ({"expires_at": NOW}, False), ({"revoked_at": NOW}, False)],
)
def test_a_key_is_good_until_it_expires_or_is_revoked(fields, valid):
    assert key(**fields).valid_at(NOW) is valid


@pytest.mark.parametrize(
    ("whose", "actor", "speaks", "single"),
    [
        pytest.param(agent(), "bob", True, "", id="an agent without an actor"),
        pytest.param(agent(actor="bob"), "bob", True, "bob", id="its actor"),
        pytest.param(agent(actor="bob"), "eve", False, "bob", id="another actor"),
        pytest.param(agent(actor="b*"), "bob", True, "", id="a pattern"),
        pytest.param(agent(actor="b*"), "eve", False, "", id="not in the pattern"),
        pytest.param(key(actor="bob"), "eve", True, "bob", id="a person sees everybody"),
    ],
)
def test_for_whom_a_key_speaks(whose, actor, speaks, single):
    assert whose.speaks_for(actor) is speaks
    assert whose.single_actor == single


@pytest.mark.parametrize(
    ("whitelist", "address", "may"),
    [
        pytest.param((), None, True, id="from anywhere"),
        pytest.param(("10.0.0.0/8",), "10.1.2.3", True, id="in the network"),
        pytest.param(("10.0.0.0/8",), "11.1.2.3", False, id="out of it"),
        pytest.param(("10.0.0.0/8",), "::ffff:10.1.2.3", True, id="mapped to IPv6"),
        pytest.param(("fe80::/10",), "fe80::1%eth0", True, id="with a zone"),
        pytest.param(("10.0.0.0/8", "::1"), "::1", True, id="the second of two"),
        pytest.param(("10.0.0.0/8",), None, False, id="a unix socket"),
        pytest.param(("10.0.0.0/8",), "testclient", False, id="no address"),
    ],
)
def test_from_where_a_key_may_be_used(whitelist, address, may):
    assert key(ip_whitelist=whitelist).may_come_from(address) is may


@pytest.mark.parametrize(
    ("scopes", "mixes"), [(AGENT, False), ({"audit:read"}, False), (AGENT | {"audit:read"}, True), (frozenset(), False)]
)
def test_an_agents_scope_is_alone(scopes, mixes):
    assert keys.mixes_scopes(frozenset(scopes)) is mixes


def test_a_rate_is_counted_by_the_minute(connection):
    limited = key(rate_limit_per_minute=2)
    minute = NOW // 60 * 60

    assert keys.count_request(connection, limited, minute + 20) is None
    assert keys.count_request(connection, limited, minute + 30) is None
    assert keys.count_request(connection, limited, minute + 40) == 20
    assert keys.count_request(connection, key("k2", rate_limit_per_minute=1), minute + 40) is None
    assert keys.count_request(connection, limited, minute + 60) is None


def test_a_clock_that_is_behind_goes_on_with_the_minute_that_was_begun(connection):
    limited = key(rate_limit_per_minute=1)
    keys.count_request(connection, limited, NOW)

    assert keys.count_request(connection, limited, NOW - 120) > 0
    assert keys.count_request(connection, limited, NOW - 2 * 3600) is None  # so far behind, one of the clocks is wrong


def test_a_key_that_replaces_another_inherits_its_count(connection):
    keys.count_request(connection, key(rate_limit_per_minute=1), NOW)
    keys.move_request_count(connection, "k1", "k2")

    assert keys.count_request(connection, key("k2", rate_limit_per_minute=1), NOW) > 0


def test_bounds_can_be_changed(connection):
    keys.insert(connection, agent(), "s")
    keys.change(connection, "k1", actor="bob", ip_whitelist=("::1",), rate_limit_per_minute=3)

    assert keys.get(connection, "k1") == agent(actor="bob", ip_whitelist=("::1",), rate_limit_per_minute=3)
