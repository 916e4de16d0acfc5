"""The key that `serve` makes where there is none."""

from __future__ import annotations

import asyncio

from litellm_bighub.control_plane.http.api_keys import first_key

POLICY = "version: 1\nrules: []\n"


async def test_of_processes_that_start_at_once_one_makes_the_first_key(open_plane):
    planes = [open_plane(POLICY) for _ in range(4)]
    made = await asyncio.gather(*(first_key(plane) for plane in planes))
    assert sorted(secret is None for secret in made) == [False, True, True, True]
    assert [await first_key(plane) for plane in planes] == [None] * 4
