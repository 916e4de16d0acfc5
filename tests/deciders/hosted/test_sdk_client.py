"""The SDK's clients without their own retries."""

from __future__ import annotations

import httpx
import pytest
from bighub import AsyncBighubClient
from pydantic import SecretStr

from litellm_bighub.deciders.hosted.sdk_client import client, without_retries
from litellm_bighub.errors import ConfigurationError
from litellm_bighub.settings import ServiceSettings

SERVICE = ServiceSettings(api_key=SecretStr("k-1"), base_url="http://127.0.0.1:1", deadline_seconds=2.0)


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"api_key": None}, "service.api_key"),
        ({"api_key": SecretStr("ключ")}, "service.api_key"),
        ({"api_key": SecretStr(" k")}, "service.api_key"),
        ({"base_url": "ftp://example.org"}, "service.base_url"),
        ({"base_url": "http://example.org"}, "service.base_url"),
    ],
)
def test_what_cannot_be_used_stops_the_start(changed, key):
    with pytest.raises(ConfigurationError) as refused:
        client(SERVICE.model_copy(update=changed))

    assert refused.value.key == key


async def test_a_new_client_shows_no_key_and_does_not_retry():
    made = client(SERVICE)

    assert "k-1" not in repr(vars(made))
    assert made._transport.retry.max_retries == 0
    await made.close()


async def test_a_users_client_lends_its_connections_and_keeps_its_retries():
    requests = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(503)

    theirs = AsyncBighubClient(base_url=SERVICE.base_url, api_key="k-1", max_retries=3)
    theirs._transport._client = httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url=SERVICE.base_url)
    quiet = without_retries(theirs, 2.0)
    with pytest.raises(Exception, match=r"."):
        await quiet.approvals.list()

    assert len(requests) == 1
    assert theirs._transport.retry.max_retries == 3
    await theirs.close()


async def test_a_replaced_method_is_the_users_wish():
    theirs = AsyncBighubClient(base_url=SERVICE.base_url, api_key="k-1")
    theirs.actions.submit = lambda **_: {}
    other = object()

    assert without_retries(theirs, 2.0) is theirs
    assert without_retries(other, 2.0) is other
    await theirs.close()
