"""An inbox that people have used: a day of decisions, answers of each kind, every kind of call waiting."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from socket import create_server
from typing import Final

from litellm_bighub.control_plane.approvals.resolution import Answer, Resolution
from litellm_bighub.control_plane.http.app import create_app
from litellm_bighub.control_plane.people.accounts import add_user, change_user, disabled
from litellm_bighub.control_plane.people.oidc.provider import Provider
from litellm_bighub.control_plane.people.roles import ROLES
from litellm_bighub.control_plane.people.second_factor import SecondFactor
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.seal import Sealing
from litellm_bighub.control_plane.store.tables import switches
from litellm_bighub.control_plane.store.tables.switches import Switch
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.settings import OidcSettings
from litellm_bighub.testing import IdentityProvider
from tests.control_plane.conftest import Clock
from tests.control_plane.inbox.appearance.sample_calls import SAMPLES, ask_all
from tests.control_plane.inbox.conftest import STORED
from tests.control_plane.serving import serving

OPERATOR: Final = "boss"
FACTORED: Final = "tia"
"""Who has a second factor, once she is enrolled."""


@dataclass(frozen=True, slots=True)
class World:
    """What is there.

    Attributes:
        url: of the control plane.
        ids: of approvals by the kind of their call, and of decisions by what became of them.
        provider: where people log in, too.
        clock: of all of it.
        secrets: of second factors by the name of their user, once they are enrolled.
    """

    url: str
    ids: dict[str, str]
    provider: IdentityProvider
    clock: Clock
    secrets: dict[str, str] = field(default_factory=dict)


@asynccontextmanager
async def inhabited_inbox(plane: ControlPlane, clock: Clock) -> AsyncIterator[World]:
    """Serve one."""
    ids = await _lived(plane, clock)
    who = {"sub": "1", "preferred_username": "ida", "groups": ["people"]}
    with IdentityProvider(who, clock=clock) as provider, create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        settings = OidcSettings(
            issuer=provider.issuer,
            client_id=provider.client_id,
            client_secret=provider.client_secret,
            roles={"people": ["viewer"]},
        )
        factor = SecondFactor(Sealing([bytes(32)]), required=False)
        app = create_app(plane, provider=Provider(settings, url, clock=clock), second_factor=factor)
        async with serving(app, listening):
            yield World(url, ids, provider, clock)


async def set_switch(plane: ControlPlane, clock: Clock) -> None:
    """Set a kill switch."""
    switch = Switch("ks_1", "domain", "treasury", "", "a wrong account in the books", OPERATOR, clock())
    await plane.write(lambda transaction: switches.activate(transaction.connection, switch))


async def _lived(plane: ControlPlane, clock: Clock) -> dict[str, str]:
    chance, now = random.Random(7), clock.now
    tools = ["refund_payment", "lookup_order", "lookup_customer", "lookup_stock"]
    for hour in range(23, 0, -1):
        clock.now = now - 3600.0 * hour
        for _ in range(chance.randint(1, 5)):
            await _refund(plane, chance.choice([20, 45, 120, 12000]), tool=chance.choice(tools))
    ids = {}
    clock.now = now - 3000
    ids["used"] = await _answered(plane, clock, "approve", "as agreed by phone")
    await _refund(plane, 700)
    ids["denied"] = await _answered(plane, clock, "deny", "Ask for the receipt first.", amount=800)
    ids["blocked"] = (await _refund(plane, 12000)).decision_id
    clock.now = now
    await add_user(plane, OPERATOR, STORED, roles=frozenset(ROLES), groups=frozenset({"finance"}), by="test")
    kim = await add_user(plane, "kim", STORED, roles=frozenset({"approver"}), groups=frozenset({"finance"}), by="test")
    await add_user(plane, FACTORED, STORED, roles=frozenset({"viewer"}), by="test")
    old = await add_user(plane, "old-colleague", STORED, roles=frozenset({"viewer"}), by="test")
    await change_user(plane, old.id, disabled(now), by="test")
    votes = next(sample for sample in SAMPLES if sample.kind == "votes")
    half = await plane.decide(replace(votes.call, arguments={**votes.call.arguments, "amount": 9000}), votes.context)
    assert half.approval is not None
    vote = Resolution(half.approval.id, "approve", by="kim", person=kim.id, user=kim.id, groups=kim.groups)
    await plane.resolve(vote)
    waiting = await ask_all(plane, clock)
    found = await plane.wait(waiting["amount"], timeout=0)
    return {**ids, **waiting, "half": half.approval.id, "waiting": found.decision_id}


async def _refund(plane: ControlPlane, amount: int, *, tool: str = "refund_payment"):
    arguments = {"amount": amount, "currency": "EUR", "order_id": "A-7", "customer": "Chen"}
    call = ToolCall("call_1", "function", tool, arguments, value=amount, target="A-7")
    return await plane.decide(call, CallContext("key:billing-agent", "customer_transactions", user="kim"))


async def _answered(plane: ControlPlane, clock: Clock, answer: Answer, comment: str, *, amount: int = 700) -> str:
    asked = await _refund(plane, amount)
    assert asked.approval is not None
    clock.now += 75
    told = comment if answer == "deny" else ""
    await plane.resolve(Resolution(asked.approval.id, answer, by="ann", person="key_1", comment=comment, told=told))
    return asked.decision_id
