"""What `serve` answers without a key."""

from __future__ import annotations

import html
import re

import httpx


async def test_the_root_leads_to_the_inbox(url):
    async with httpx.AsyncClient(base_url=url) as client:
        response = await client.get("/")
    assert (response.status_code, response.headers["location"]) == (303, "/inbox")


async def test_health_is_of_the_process_and_of_the_database(url, plane):
    async with httpx.AsyncClient(base_url=url) as client:
        with_database = [(await client.get(path)).status_code for path in ("/health/live", "/health/ready")]
        await plane.aclose()
        without = [(await client.get(path)).status_code for path in ("/health/live", "/health/ready")]
    assert (with_database, without) == ([200, 200], [200, 503])


async def test_the_page_of_the_api_has_every_operation_and_takes_nothing_from_elsewhere(url):
    async with httpx.AsyncClient(base_url=url) as client:
        page = (await client.get("/docs")).text
        schema = (await client.get("/openapi.json")).json()

    shown = set(re.findall(r"<h2><code>(\S+ \S+)</code></h2>", html.unescape(page)))
    assert shown == {f"{method.upper()} {path}" for path, item in schema["paths"].items() for method in item}
    assert set(re.findall(r'<section class="card" id="(\w+)"', page)) == set(schema["components"]["schemas"])
    assert not [link for link in re.findall(r'(?:src|href)="([^"]*)"', page) if not link.startswith(("/", "#"))]
    assert " style=" not in page
