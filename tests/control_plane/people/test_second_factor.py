"""A code and a recovery code are good once, whichever of two processes on one database is asked first."""

from __future__ import annotations

import asyncio
import base64
import os

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from litellm_bighub.control_plane.people import users
from litellm_bighub.control_plane.people.accounts import add_user
from litellm_bighub.control_plane.people.second_factor import SecondFactor
from litellm_bighub.control_plane.store.seal import Sealing
from litellm_bighub.control_plane.store.tables import logins


async def test_of_many_at_once_in_two_processes_one_is_let_in(open_plane, clock):
    planes = [open_plane("version: 1"), open_plane("version: 1")]
    factor = SecondFactor(Sealing([os.urandom(32)]))
    kim = await add_user(planes[0], "kim", "x", roles=frozenset({"approver"}), by="test")

    def job(transaction):
        cookie = logins.start(transaction.connection, kim, clock())
        login = logins.find(transaction.connection, cookie, clock())
        return factor.enrol(transaction, login, enrolment, code(), clock())

    enrolment = factor.begin(kim.id)
    app = TOTP(base64.b32decode(enrolment.secret), 6, SHA1(), 30)

    def code():
        return app.generate(int(clock())).decode()

    recovery = await planes[0].write(job)
    clock.now += 60

    async def spend(plane, typed):
        def spending(transaction):
            return factor.spend(transaction, users.get(transaction.connection, kim.id), typed, clock())

        return await plane.write(spending)

    for typed, used in ((code(), "code"), (recovery[0], "recovery code")):
        answers = await asyncio.gather(*(spend(plane, typed) for plane in planes * 5))
        assert [answer for answer in answers if answer] == [used]
    left = await planes[1].read(lambda connection: users.get(connection, kim.id).recovery)
    assert len(left) == len(recovery) - 1
