"""How often LiteLLM's own guardrails ask their services about a request of 32 texts."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from litellm.proxy.guardrails.guardrail_hooks.openai.moderations import OpenAIModerationGuardrail
from litellm.proxy.guardrails.guardrail_hooks.presidio import _OPTIONAL_PresidioPIIMasking

from litellm_bighub.gateway.hooks.translation.responses_handler import OpenAIResponsesHandler
from litellm_bighub.testing import PresidioServer
from litellm_bighub.testing.threaded_server import ThreadedServer

pytestmark = pytest.mark.format("responses")
TEXTS = [f"sentence {number} of ann@example.com" for number in range(32)]


class ModerationServer(ThreadedServer):
    """OpenAI's moderation, which flags nothing."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def _new_server(self):
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                result = {"flagged": False, "categories": {}, "category_scores": {}, "category_applied_input_types": {}}
                answer = json.dumps({"id": "modr_1", "model": "omni", "results": [result]}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        return ThreadingHTTPServer(("127.0.0.1", 0), Handler)


def request():
    return {"model": "gpt-4.1", "input": [{"role": "user", "content": text} for text in TEXTS]}


async def test_moderation_is_asked_once():
    with ModerationServer() as server:
        url = f"http://127.0.0.1:{server.port}"
        guardrail = OpenAIModerationGuardrail("moderation", api_key="sk-no-key-is-needed", api_base=url)
        await OpenAIResponsesHandler().process_input_messages(request(), guardrail)
    (asked,) = server.asked
    assert all(text in asked["input"] for text in TEXTS)


async def test_presidio_whose_client_takes_one_text_a_request_is_asked_about_each_once():
    with PresidioServer() as server:
        guardrail = _OPTIONAL_PresidioPIIMasking(
            guardrail_name="presidio",
            presidio_analyzer_api_base=server.url,
            presidio_anonymizer_api_base=server.url,
        )
        checked = await OpenAIResponsesHandler().process_input_messages(request(), guardrail)
    assert sorted(server.analyzed) == sorted(TEXTS)
    assert [item["content"] for item in checked["input"]] == [
        f"sentence {number} of <EMAIL_ADDRESS>" for number in range(32)
    ]
