"""The fake speaks Presidio's API to LiteLLM's own guardrail, and to anybody else."""

from __future__ import annotations

import httpx
import pytest
from litellm.proxy.guardrails.guardrail_hooks.presidio import _OPTIONAL_PresidioPIIMasking as Presidio

from litellm_bighub.testing import PresidioServer


@pytest.fixture
def ask():
    with PresidioServer() as presidio, httpx.Client(base_url=presidio.url, trust_env=False) as client:
        yield lambda path, body=None: client.request("GET" if body is None else "POST", path, json=body)


async def test_litellm_masks_what_it_finds():
    with PresidioServer({"BADGE": r"B-[0-9]{4}"}) as presidio:
        guardrail = Presidio(presidio_analyzer_api_base=presidio.url, presidio_anonymizer_api_base=presidio.url)
        texts = ["no badge", "B-1234 met B-99999 and ü B-5678"]

        answer = await guardrail.apply_guardrail({"texts": list(texts)}, {}, "request")

        await guardrail._close_http_session()
    assert answer["texts"] == ["no badge", "<BADGE> met <BADGE>9 and ü <BADGE>"]
    assert presidio.analyzed == texts


async def test_litellm_blocks_what_is_configured_to_be_blocked():
    with PresidioServer() as presidio:
        bases = {"presidio_analyzer_api_base": presidio.url, "presidio_anonymizer_api_base": presidio.url}
        guardrail = Presidio(pii_entities_config={"EMAIL_ADDRESS": "BLOCK"}, guardrail_name="pii", **bases)

        with pytest.raises(Exception, match="EMAIL_ADDRESS"):
            await guardrail.apply_guardrail({"texts": ["mail bob@example.com"]}, {}, "request")

        await guardrail._close_http_session()


def test_the_analyzer_tells_where_entities_are(ask):
    found = ask("/analyze", {"text": "é bob@example.com", "language": "en"}).json()

    assert found == [
        {"analysis_explanation": None, "end": 17, "entity_type": "EMAIL_ADDRESS", "score": 1.0, "start": 2}
    ]


def test_several_texts_are_answered_each(ask):
    found = ask("/analyze", {"text": ["1.2.3.4", "none"], "language": "en"}).json()

    assert [[each["entity_type"] for each in one] for one in found] == [["IP_ADDRESS"], []]


@pytest.mark.parametrize(
    ("asked", "kinds"),
    [
        ({"entities": ["US_SSN"]}, ["US_SSN"]),
        ({"allow_list": ["078-05-1120"]}, ["EMAIL_ADDRESS"]),
        (
            {"ad_hoc_recognizers": [{"supported_entity": "WORD", "deny_list": ["mail"]}], "entities": ["WORD"]},
            ["WORD"],
        ),
        (
            {"ad_hoc_recognizers": [{"supported_entity": "M", "patterns": [{"regex": "m.il"}]}], "entities": ["M"]},
            ["M"],
        ),
    ],
    ids=["entities", "allow list", "deny list", "patterns"],
)
def test_a_request_may_say_what_is_looked_for(ask, asked, kinds):
    found = ask("/analyze", {"text": "mail bob@example.com 078-05-1120", "language": "en", **asked}).json()

    assert [each["entity_type"] for each in found] == kinds


RESULT = {"start": 5, "end": 20, "entity_type": "EMAIL_ADDRESS", "score": 1.0}


@pytest.mark.parametrize(
    ("operator", "told"),
    [
        ({"type": "replace", "new_value": "X"}, "mail X now"),
        ({"type": "replace"}, "mail <EMAIL_ADDRESS> now"),
        ({"type": "redact"}, "mail  now"),
        ({"type": "keep"}, "mail bob@example.com now"),
        ({"type": "mask", "masking_char": "*", "chars_to_mask": 3}, "mail ***@example.com now"),
        ({"type": "mask", "masking_char": "*", "chars_to_mask": 3, "from_end": True}, "mail bob@example.*** now"),
    ],
)
def test_operators(ask, operator, told):
    body = {"text": "mail bob@example.com now", "analyzer_results": [RESULT], "anonymizers": {"DEFAULT": operator}}

    answer = ask("/anonymize", body).json()

    [item] = answer["items"]
    assert answer["text"] == told
    assert told[item["start"] : item["end"]] == item["text"]
    assert (item["entity_type"], item["operator"]) == ("EMAIL_ADDRESS", operator["type"])


def test_of_overlapping_entities_the_longest_counts(ask):
    results = [
        {"start": 0, "end": 3, "entity_type": "A"},
        {"start": 2, "end": 9, "entity_type": "B"},
        {"start": 9, "end": 11, "entity_type": "C"},
    ]

    answer = ask("/anonymize", {"text": "abcdefghijkl", "analyzer_results": results}).json()

    assert answer["text"] == "ab<B><C>l"
    assert [answer["text"][each["start"] : each["end"]] for each in answer["items"]] == ["<C>", "<B>"]


@pytest.mark.parametrize(
    ("path", "body", "status", "error"),
    [
        ("/analyze", {"language": "en"}, 500, "No text provided"),
        ("/analyze", {"text": "a"}, 500, "No language provided"),
        ("/analyze", {"text": "a", "language": "xx"}, 500, "No matching recognizers were found to serve the request."),
        ("/anonymize", {}, 400, "Invalid request json"),
        ("/anonymize", {"text": "a", "analyzer_results": [{}]}, 422, "Invalid input, result must contain start"),
        (
            "/anonymize",
            {"text": "a", "analyzer_results": [{**RESULT}]},
            422,
            "Invalid analyzer result, start: 5 and end: 20",
        ),
        (
            "/anonymize",
            {"text": "a" * 20, "analyzer_results": [RESULT], "anonymizers": {"DEFAULT": {"type": "eat"}}},
            422,
            "Invalid operator class 'eat'.",
        ),
        ("/nowhere", {"a": 1}, 404, "The requested URL was not found on the server."),
    ],
)
def test_errors(ask, path, body, status, error):
    answer = ask(path, body)

    assert (answer.status_code, answer.json()) == (status, {"error": error})


def test_what_is_no_json_is_nothing():
    with PresidioServer() as presidio:
        answer = httpx.post(f"{presidio.url}/analyze", content=b"{", trust_env=False)

    assert answer.json() == {"error": "No text provided"}


def test_it_tells_what_it_can_do(ask):
    assert ask("/health").text == "Presidio Analyzer service is up"
    assert ask("/supportedentities?language=en").json()[0] == "EMAIL_ADDRESS"
    assert ask("/recognizers").json()[0] == "EmailAddressRecognizer"
    assert ask("/anonymizers").json() == ["keep", "mask", "redact", "replace"]


def test_outside_of_its_block_there_is_no_address():
    with pytest.raises(RuntimeError):
        _ = PresidioServer().url
