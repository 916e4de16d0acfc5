"""A kill switch covers everything, a domain or a rule, until it is off."""

from __future__ import annotations

import pytest

from litellm_bighub.control_plane.store.tables import switches
from litellm_bighub.control_plane.store.tables.switches import Switch


def switch(scope: str, *, domain: str = "", rule_id: str = "") -> Switch:
    return Switch("sw_1", scope, domain, rule_id, "because", "ann", 1.0)


@pytest.mark.parametrize(
    ("on", "domain", "rule_id", "expected"),
    [
        pytest.param(switch("global"), "payments", "r", True, id="everything"),
        pytest.param(switch("domain", domain="payments"), "payments", "r", True, id="the domain"),
        pytest.param(switch("domain", domain="payments"), "hr", "r", False, id="another domain"),
        pytest.param(switch("rule", rule_id="r"), "payments", "r", True, id="the rule"),
        pytest.param(switch("rule", rule_id="r"), "payments", "", False, id="no rule"),
    ],
)
def test_what_a_switch_covers(on, domain, rule_id, expected):
    assert on.covers(domain, rule_id) is expected


async def test_a_switch_is_off_once(open_plane):
    plane = open_plane("version: 1")
    await plane.write(lambda transaction: switches.activate(transaction.connection, switch("global")))
    assert await plane.read(switches.active) == (switch("global"),)

    def off(transaction):
        return switches.deactivate(transaction.connection, "sw_1", by="ann", now=2.0)

    assert await plane.write(off)
    assert not await plane.write(off)
    assert await plane.read(switches.active) == ()
