"""What the upstream answers to requests that hold no conversation: embeddings, rerank, transcriptions and so on."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from starlette.responses import JSONResponse, PlainTextResponse, Response

from litellm_bighub.testing.upstream.answers import Pace
from litellm_bighub.testing.upstream.event_stream import EventStream, data_frame
from litellm_bighub.testing.upstream.items import Item
from litellm_bighub.testing.upstream.requests import Request

_BYTES: Final = b"not really a picture, nor a sound"
_SECONDS: Final = 1.5


def said_by(items: Sequence[Item]) -> str:
    """The words of the scripted items; calls have no place in such an answer."""
    parts = (part for item in items for part in item.get("content") or ())
    return " ".join(part["text"] for part in parts if part.get("text"))


def plain_answer(request: Request, said: str, pace: Pace) -> Response:
    """The answer on one of `ROUTES`.

    Args:
        request: as it arrived.
        said: the words to say, where the answer has a place for words.
        pace: of a stream.
    """
    return _ANSWERS[request.path.rpartition("/")[2]](request, said, pace)


def _embeddings(request: Request, _said: str, _pace: Pace) -> Response:
    data = [{"object": "embedding", "index": index, "embedding": [0.25, -0.5]} for index, _ in _inputs(request)]
    return JSONResponse({"object": "list", "data": data, "model": request.model, "usage": _usage()})


def _rerank(request: Request, said: str, _pace: Pace) -> Response:
    documents: Sequence[object] = request.body.get("documents") or ()
    results = [{"index": at, "relevance_score": 0.5, "document": {"text": said}} for at, _ in enumerate(documents)]
    return JSONResponse({"id": "rerank-1", "results": results, "meta": {"billed_units": {"search_units": 1}}})


def _moderations(request: Request, _said: str, _pace: Pace) -> Response:
    verdict = {"flagged": False, "categories": {"violence": False}, "category_scores": {"violence": 0.01}}
    results = [{**verdict, "category_applied_input_types": {"violence": ["text"]}} for _ in _inputs(request)]
    return JSONResponse({"id": "modr-1", "model": request.model, "results": results})


def _transcriptions(request: Request, said: str, pace: Pace) -> Response:
    if str(request.body.get("stream", "")).lower() == "true":
        return EventStream(_transcript_events(said, pace.delta_size), data_frame, pace)
    match request.body.get("response_format"):
        case "text":
            return PlainTextResponse(f"{said}\n")
        case "srt":
            return PlainTextResponse(f"1\n00:00:00,000 --> 00:00:01,500\n{said}\n")
        case "vtt":
            return PlainTextResponse(f"WEBVTT\n\n00:00.000 --> 00:01.500\n{said}\n")
        case "verbose_json":
            return JSONResponse(_verbose(said))
        case _:
            return JSONResponse({"text": said})


def _verbose(said: str) -> Item:
    words = re.findall(r"\S+", said)
    segment = {"id": 0, "start": 0.0, "end": _SECONDS, "text": f" {said}", "tokens": [1, 2], "temperature": 0.0}
    spoken = [{"word": word, "start": 0.0, "end": _SECONDS} for word in words]
    told = {"task": "transcribe", "language": "english", "duration": _SECONDS, "text": said}
    return {**told, "segments": [segment], "words": spoken}


def _transcript_events(said: str, size: int) -> Iterator[Item]:
    for start in range(0, len(said), size):
        yield {"type": "transcript.text.delta", "delta": said[start : start + size]}
    yield {"type": "transcript.text.done", "text": said}


def _speech(_request: Request, _said: str, _pace: Pace) -> Response:
    return Response(_BYTES, media_type="audio/mpeg")


def _images(_request: Request, said: str, _pace: Pace) -> Response:
    picture = {"b64_json": base64.b64encode(_BYTES).decode(), "revised_prompt": said}
    return JSONResponse({"created": 1, "data": [picture]})


def _ocr(request: Request, said: str, _pace: Pace) -> Response:
    page = {"index": 0, "markdown": said, "images": [], "dimensions": {"dpi": 200, "height": 10, "width": 10}}
    return JSONResponse({"pages": [page], "model": request.model, "usage_info": {"pages_processed": 1}})


def _search(_request: Request, said: str, _pace: Pace) -> Response:
    return JSONResponse(
        {"object": "search", "results": [{"title": said, "url": "https://example.com", "snippet": said}]}
    )


def _inputs(request: Request) -> Iterator[tuple[int, object]]:
    """The single inputs with their numbers: a text alone is one."""
    given = request.body.get("input", "")
    yield from enumerate(given if isinstance(given, list) else [given])


def _usage() -> Item:
    return {"prompt_tokens": 1, "total_tokens": 1}


_ANSWERS: Final[Mapping[str, Callable[[Request, str, Pace], Response]]] = {
    "embeddings": _embeddings,
    "rerank": _rerank,
    "moderations": _moderations,
    "transcriptions": _transcriptions,
    "translations": _transcriptions,
    "speech": _speech,
    "generations": _images,
    "edits": _images,
    "ocr": _ocr,
    "search": _search,
}

ROUTES: Final = (
    *("/v1/embeddings", "/v1/rerank", "/v2/rerank", "/v1/moderations", "/v1/audio/transcriptions"),
    *("/v1/audio/translations", "/v1/audio/speech", "/v1/images/generations", "/v1/images/edits", "/v1/ocr"),
    "/v1/search",
)
"""Where such requests come."""


def form_body(fields: Sequence[tuple[str, Any]]) -> Item:
    """The fields of a form as the body of a request; of a file its name and size are told."""
    body: Item = {}
    for name, value in fields:
        told = value if isinstance(value, str) else {"filename": value.filename, "size": value.size}
        key = name.removesuffix("[]")
        body[key] = told if key not in body else [*_as_list(body[key]), told]
    return body


def _as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]
