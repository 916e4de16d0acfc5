"""Through the real proxy: headers and queries are scanned on the way out, and dropped on the way back."""

from __future__ import annotations

import pytest

from litellm_bighub.testing import Output, text
from tests.gateway.masking_gateway import ANSWERED, ASKED, MASKED, ROUTES

pytestmark = pytest.mark.proxy


@pytest.mark.parametrize("field", ["extra_headers", "extra_query", "headers"])
@pytest.mark.parametrize("place", ["value", "key"])
@pytest.mark.parametrize(("path", "model"), ROUTES)
def test_no_header_or_query_reaches_the_provider_unchecked(masking, upstream, path, model, field, place):
    """Refused or rewritten, as the guardrail says: what it may not rewrite, a name, fails the request."""
    given = {"x-mine": ASKED} if place == "value" else {ASKED: "mine"}
    answered = masking.ask(path, model, **{field: given})
    assert (answered.status_code == 200) == bool(upstream.requests)
    for request in upstream.requests:
        assert ASKED not in request.raw + str(request.headers) + request.query
        assert ASKED.replace("@", "%40") not in request.query


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("path", "model"), ROUTES)
def test_no_header_of_the_provider_reaches_the_client_unchecked(masking, upstream, path, model, stream):
    headers = {"x-note": ANSWERED, "x-ratelimit-limit-requests": ANSWERED, "x-ratelimit-limit-tokens": "70"}
    upstream.script(f"mail {MASKED}", Output([text("fine")], headers={**headers, "x-request-id": "req_1"}))
    answered = masking.ask(path, model, stream=stream)
    assert answered.status_code == 200
    assert ANSWERED not in str(answered.headers) + answered.text
    line = masking.logged("success")["success"]
    assert ANSWERED not in str(line)
