"""A fake of Microsoft Presidio: a real HTTP server on loopback that speaks the API of its analyzer and its anonymizer.

What it finds are regular expressions, so that it starts at once and a test knows what is found. The reference is
https://microsoft.github.io/presidio/api-docs/api-docs.html.

```python
with PresidioServer({"BADGE": r"B-[0-9]{4}"}) as presidio:
    guardrail = {"guardrail": "presidio", "presidio_analyzer_api_base": presidio.url,
                 "presidio_anonymizer_api_base": presidio.url}
    ...  # `B-1234` becomes `<BADGE>`, and `presidio.analyzed` holds every text that was looked at
```
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any, Final, cast
from urllib.parse import urlsplit

from typing_extensions import override

from litellm_bighub.domain.payload import JsonObject, Payload
from litellm_bighub.testing.threaded_server import ThreadedServer

PATTERNS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "EMAIL_ADDRESS": r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}",
        "US_SSN": r"\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b",
        "CREDIT_CARD": r"\b(?:[0-9]{4}[ -]?){3}[0-9]{4}\b",
        "IP_ADDRESS": r"\b(?:[0-9]{1,3}\.){3}[0-9]{1,3}\b",
    }
)
"""What it finds where nothing else is said, by the type of the entity."""

_LANGUAGE: Final = "en"
_DEFAULT: Final[JsonObject] = {"type": "replace"}


class PresidioServer(ThreadedServer):
    """Analyzer and anonymizer at one address.

    Args:
        patterns: regular expressions, by the type of the entity that they find.
    """

    def __init__(self, patterns: Mapping[str, str] = PATTERNS) -> None:
        super().__init__()
        self._patterns = {kind: re.compile(pattern) for kind, pattern in patterns.items()}
        self.analyzed: list[str] = []
        """Every text that was looked at, in the order of arrival."""

    @property
    def url(self) -> str:
        """Where both answer."""
        return f"http://127.0.0.1:{self.port}"

    @override
    def _new_server(self) -> _Server:
        return _Server(self)

    def answer(self, method: str, path: str, body: Payload) -> tuple[int, Payload]:
        """The status and body of an answer; called by the server's threads."""
        asked: JsonObject = cast("JsonObject", body) if isinstance(body, dict) else {}
        match method, path:
            case "GET", "/health":
                return 200, "Presidio Analyzer service is up"
            case "GET", "/supportedentities":
                return 200, list(self._patterns)
            case "GET", "/recognizers":
                return 200, [f"{kind.title().replace('_', '')}Recognizer" for kind in self._patterns]
            case "GET", "/anonymizers":
                return 200, list(_OPERATORS)
            case "POST", "/analyze":
                return self._analyze(asked)
            case "POST", "/anonymize":
                return _anonymize(asked)
            case _:
                return 404, {"error": "The requested URL was not found on the server."}

    def _analyze(self, asked: JsonObject) -> tuple[int, Payload]:
        text: Payload = asked.get("text")
        if not text:
            return 500, {"error": "No text provided"}
        if not asked.get("language"):
            return 500, {"error": "No language provided"}
        if asked["language"] != _LANGUAGE:
            return 500, {"error": "No matching recognizers were found to serve the request."}
        texts: list[str] = text if isinstance(text, list) else [text]
        self.analyzed += texts
        found = [self._found(each, asked) for each in texts]
        return 200, found if isinstance(text, list) else found[0]

    def _found(self, text: str, asked: JsonObject) -> list[JsonObject]:
        patterns = dict(self._patterns)
        for recognizer in asked.get("ad_hoc_recognizers") or ():
            told = "|".join(f"(?:{each['regex']})" for each in recognizer.get("patterns") or ())
            denied = "|".join(re.escape(each) for each in recognizer.get("deny_list") or ())
            patterns[recognizer["supported_entity"]] = re.compile(told or rf"\b(?:{denied})\b")
        wanted = asked.get("entities") or patterns
        allowed = asked.get("allow_list") or ()
        return [
            {
                "analysis_explanation": None,
                "end": match.end(),
                "entity_type": kind,
                "score": 1.0,
                "start": match.start(),
            }
            for kind, pattern in patterns.items()
            if kind in wanted
            for match in pattern.finditer(text)
            if match[0] not in allowed
        ]


def _anonymize(asked: JsonObject) -> tuple[int, Payload]:
    if not asked:
        return 400, {"error": "Invalid request json"}
    text: str = asked.get("text") or ""
    operators: JsonObject = asked.get("anonymizers") or {}
    items: list[JsonObject] = []
    for result in _apart(asked.get("analyzer_results") or ()):
        missing = next((key for key in ("start", "end", "entity_type") if key not in result), None)
        if missing is not None:
            return 422, {"error": f"Invalid input, result must contain {missing}"}
        start, end, kind = result["start"], result["end"], result["entity_type"]
        if not 0 <= start <= end <= len(text):
            return 422, {"error": f"Invalid analyzer result, start: {start} and end: {end}"}
        operator: JsonObject = operators.get(kind) or operators.get("DEFAULT") or _DEFAULT
        name = operator["type"]
        if name not in _OPERATORS:
            return 422, {"error": f"Invalid operator class '{name}'."}
        items.append(
            {"start": start, "end": end, "entity_type": kind, "text": _OPERATORS[name](text[start:end], kind, operator)}
            | {"operator": name}
        )
    for index, item in enumerate(items):  # from the end: places before it stay
        text = text[: item["start"]] + item["text"] + text[item["end"] :]
        longer = len(item["text"]) - (item["end"] - item["start"])
        for later in (item, *items[:index]):
            later["end"] += longer
            later["start"] += longer if later is not item else 0
    return 200, {"text": text, "items": items}


def _apart(results: Sequence[JsonObject]) -> list[JsonObject]:
    """The results from the end of the text; of those that overlap, the longest."""
    kept: list[JsonObject] = []
    for result in sorted(results, key=lambda each: each.get("start", 0) - each.get("end", 0)):
        begin, end = result.get("start", 0), result.get("end", 0)
        if all(end <= each.get("start", 0) or begin >= each.get("end", 0) for each in kept):
            kept.append(result)
    return sorted(kept, key=lambda each: each.get("start", 0), reverse=True)


def _mask(text: str, _: str, operator: JsonObject) -> str:
    count = min(operator["chars_to_mask"], len(text))
    masked: str = operator["masking_char"] * count
    return text[: len(text) - count] + masked if operator.get("from_end") else masked + text[count:]


def _replace(_: str, kind: str, operator: JsonObject) -> str:
    return str(operator.get("new_value") or f"<{kind}>")


_OPERATORS: Final = {"keep": lambda text, *_: text, "mask": _mask, "redact": lambda *_: "", "replace": _replace}


class _Server(ThreadingHTTPServer):
    daemon_threads = True  # clients keep their connections open
    block_on_close = False
    request_queue_size = 128

    def __init__(self, presidio: PresidioServer) -> None:
        self.presidio = presidio
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Answer a GET."""
        self._serve()

    def do_POST(self) -> None:
        """Answer a POST."""
        self._serve()

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Stays silent: what arrived is in `analyzed`."""

    def _serve(self) -> None:
        if not isinstance(self.server, _Server):
            raise TypeError("this handler serves a PresidioServer only")
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            asked = json.loads(raw) if raw else None
        except ValueError:
            asked = None
        status, answer = self.server.presidio.answer(self.command, urlsplit(self.path).path, asked)
        body = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8" if isinstance(answer, str) else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
