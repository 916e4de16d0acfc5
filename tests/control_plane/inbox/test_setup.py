"""Whatever goes wrong below `/inbox` is told by a page, which leads back to where one was."""

from __future__ import annotations

import httpx
import pytest

from litellm_bighub.control_plane.http.app import MOST_BYTES, create_app

FORM = {"content-type": "application/x-www-form-urlencoded"}


async def in_pieces():
    """A body that does not say how long it is."""
    for _ in range(MOST_BYTES // 100_000 + 2):
        yield b"comment=" + b"x" * 100_000 + b"&"


def is_page(answer: httpx.Response) -> bool:
    """Whether it is one of the inbox, with all that protects it."""
    protected = "default-src 'none'" in answer.headers.get("content-security-policy", "")
    return protected and answer.headers["cache-control"] == "no-store" and "That did not work" in answer.text


@pytest.mark.parametrize("body", ["told", "in pieces"])
async def test_a_form_that_is_too_large_is_refused_by_a_page_that_leads_back(body, visit, ask, plane):
    client, _ = await visit()
    address = f"/inbox/approvals/{await ask()}"
    content = b"comment=" + b"x" * MOST_BYTES if body == "told" else in_pieces()
    answer = await client.post(address, content=content, headers=FORM)
    assert (answer.status_code, is_page(answer)) == (413, True)
    assert "A body has at most 2000000 bytes" in answer.text
    assert f'<a href="{address}">' in answer.text
    assert "Waiting for you" in (await client.get("/inbox")).text


async def test_programs_read_what_is_too_large_as_before(url):
    async with httpx.AsyncClient(base_url=url) as client:
        answers = [await client.post("/actions/submit", content=one) for one in (b"x" * (MOST_BYTES + 1), in_pieces())]
    assert [answer.json()["detail"]["code"] for answer in answers] == ["too_large", "too_large"]


@pytest.mark.parametrize(
    ("method", "path", "sent", "status"),
    [
        ("POST", "/inbox/login", {"content": b"--x", "headers": {"content-type": "multipart/form-data"}}, 400),
        ("POST", "/inbox/login", {"files": {f"f{at}": (None, "x") for at in range(1001)}}, 400),
        ("DELETE", "/inbox", {}, 405),
        ("GET", "/inbox/nowhere", {}, 404),
        ("GET", "/inbox/static/nothing.css", {}, 404),
        ("GET", "/inbox/charts?span=2h", {}, 422),
        ("GET", "/inbox/decisions?since=yesterday", {}, 422),
    ],
    ids=["no boundary", "too many fields", "method", "page", "file", "span", "day"],
)
async def test_what_cannot_be_read_is_told_by_a_page(method, path, sent, status, visit):
    client, _ = await visit()
    answer = await client.request(method, path, **sent)
    assert answer.status_code == status
    assert "That did not work" in answer.text


async def test_a_form_of_another_session_leads_back_to_its_call(visit, ask):
    client, _ = await visit()
    address = f"/inbox/approvals/{await ask()}"
    answer = await client.post(address, data={"csrf": "of another", "verdict": "approve"})
    assert (answer.status_code, is_page(answer)) == (403, True)
    assert f'<a href="{address}">Go back to the form</a>' in answer.text


async def test_a_fault_of_ours_is_a_page_for_people_and_a_problem_for_programs(plane):
    app = create_app(plane)

    @app.get("/inbox/faulty")
    @app.get("/faulty")
    async def faulty() -> None:
        raise ZeroDivisionError("its own words")

    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://plane") as client:
        page, problem = await client.get("/inbox/faulty"), await client.get("/faulty")
    assert (page.status_code, is_page(page)) == (500, True)
    assert (problem.status_code, problem.json()["detail"]["code"]) == (500, "broken")
    assert "its own words" not in page.text + problem.text
