"""Charts of decisions, from an hour to ninety days."""

from __future__ import annotations

import pytest

from tests.control_plane.inbox.page_words import words

DAY = 86400


async def test_charts_are_drawn(visit, ask):
    client, _ = await visit()
    assert "No decisions yet" in (await client.get("/inbox/charts")).text
    await ask(10)
    await ask(9000)
    page = (await client.get("/inbox/charts")).text
    assert "1 allowed, 0 requires approval, 1 blocked" in page
    assert page.count("<svg") == 3


@pytest.mark.parametrize("counted", [False, True], ids=["not counted yet", "counted"])
async def test_each_span_has_its_decisions(visit, ask, plane, clock, counted):
    for days_ago in (95, 60, 20, 5, 0.5, 0):
        clock.now -= days_ago * DAY
        await ask(10)
        clock.now += days_ago * DAY
    while counted and await plane.count_events():
        pass
    client, _ = await visit()
    found = {span: words(await client.get(f"/inbox/charts?span={span}")) for span in ("1h", "24h", "7d", "30d", "90d")}
    numbers = {span: next(n for n in range(9) if f" {n} allowed, 0 requires" in page) for span, page in found.items()}
    assert numbers == {"1h": 1, "24h": 2, "7d": 3, "30d": 4, "90d": 5}
    assert "09-22" in found["90d"]
    assert (await client.get("/inbox/charts?span=2h")).status_code == 422
