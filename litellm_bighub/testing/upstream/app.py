"""The upstream's HTTP routes: OpenAI's protocol around a script."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from litellm_bighub.testing.upstream.answer_memory import AnswerMemory
from litellm_bighub.testing.upstream.answers import Answer, Failure, Output, Verbatim
from litellm_bighub.testing.upstream.anthropic_message import AnthropicMessage
from litellm_bighub.testing.upstream.completion import Completion
from litellm_bighub.testing.upstream.event_stream import Cut, EventStream, data_frame, event_frame
from litellm_bighub.testing.upstream.items import Item
from litellm_bighub.testing.upstream.plain_answer import ROUTES, form_body, plain_answer, said_by
from litellm_bighub.testing.upstream.requests import Request
from litellm_bighub.testing.upstream.response import Ids, ResponseEnvelope, identified, usage
from litellm_bighub.testing.upstream.response_events import response_events
from litellm_bighub.testing.upstream.script import Script


@dataclass(slots=True)
class UpstreamModel:
    """The pretended provider: answers by the script and remembers what it saw and said."""

    script: Script
    ids: Ids
    clock: Callable[[], float]
    seen: list[Request] = field(default_factory=list)
    stored: dict[str, Item] = field(default_factory=dict)
    inputs: dict[str, list[Item]] = field(default_factory=dict)
    memory: AnswerMemory | None = None

    def routes(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/v1/models", self.models),
                Route("/v1/responses", self.responses, methods=["POST"]),
                Route("/v1/responses/compact", self.compact, methods=["POST"]),
                Route("/v1/responses/input_tokens", self.input_tokens, methods=["POST"]),
                Route("/v1/responses/{response_id}", self.retrieve),
                Route("/v1/responses/{response_id}/input_items", self.input_items),
                Route("/v1/responses/{response_id}/cancel", self.cancel, methods=["POST"]),
                Route("/v1/chat/completions", self.chat, methods=["POST"]),
                Route("/v1/completions", self.completions, methods=["POST"]),
                Route("/v1/messages", self.messages, methods=["POST"]),
                Route("/v1/messages/count_tokens", self.count_tokens, methods=["POST"]),
                Route("/{base:path}anthropic/v1/messages/count_tokens", self.count_tokens, methods=["POST"]),
                *(Route(path, self.plain, methods=["POST"]) for path in ROUTES),
            ]
        )

    async def responses(self, http: HttpRequest) -> Response:
        """`POST /v1/responses`, whole, streamed and in the background."""
        request = await self._record(http)
        if self.memory is not None and (refusal := self.memory.refuses(request.body)):
            return _failed(Failure(400, refusal))
        answer = self.script.answer(request)
        if not isinstance(answer, Output):
            return _scripted(answer, request, event_frame)
        envelope = ResponseEnvelope(self.ids.next("resp"), int(self.clock()), request)
        items = identified(answer.items, self.ids)
        response = envelope.with_output(items, answer.status)
        if request.body.get("store") is not False:
            self.stored[envelope.id] = response
            self.inputs[envelope.id] = identified(request.input_items, self.ids)
        if self.memory is not None:
            self.memory.keep(envelope.id, request.body, items)
        if request.body.get("background"):
            return JSONResponse(envelope.with_output([], "queued"))
        if request.stream:
            events = response_events(envelope, items, answer.status, answer.pace.delta_size)
            return EventStream(events, event_frame, answer.pace, headers=answer.headers)
        return _whole(answer, response)

    async def chat(self, http: HttpRequest) -> Response:
        """`POST /v1/chat/completions`, whole and streamed."""
        request = await self._record(http)
        answer = self.script.answer(request)
        if not isinstance(answer, Output):
            return _scripted(answer, request, data_frame)
        items = identified(answer.items, self.ids)
        completion = Completion(self.ids.next("chatcmpl"), int(self.clock()), request, items)
        if request.stream:
            chunks = completion.chunks(answer.pace.delta_size)
            return EventStream(chunks, data_frame, answer.pace, last_words="data: [DONE]\n\n", headers=answer.headers)
        return _whole(answer, completion.whole())

    async def completions(self, http: HttpRequest) -> Response:
        """`POST /v1/completions`, the older API, whole and streamed: the text of the items, and nothing else."""
        request = await self._record(http)
        answer = self.script.answer(request)
        if not isinstance(answer, Output):
            return _scripted(answer, request, data_frame)
        items = identified(answer.items, self.ids)
        completion = Completion(self.ids.next("cmpl"), int(self.clock()), request, items)
        if request.stream:
            pieces = completion.text_chunks(answer.pace.delta_size)
            return EventStream(pieces, data_frame, answer.pace, last_words="data: [DONE]\n\n")
        return Cut() if answer.pace.cut_after is not None else JSONResponse(completion.text_whole())

    async def messages(self, http: HttpRequest) -> Response:
        """`POST /v1/messages`, whole and streamed."""
        request = await self._record(http)
        answer = self.script.answer(request)
        if not isinstance(answer, Output):
            return _scripted(answer, request, event_frame)
        message = AnthropicMessage(self.ids.next("msg"), request, identified(answer.items, self.ids))
        if request.stream:
            events = message.events(answer.pace.delta_size)
            return EventStream(events, event_frame, answer.pace, headers=answer.headers)
        return _whole(answer, message.whole())

    async def plain(self, http: HttpRequest) -> Response:
        """What holds no conversation: `POST /v1/embeddings` and its like."""
        request = await self._record(http)
        answer = self.script.answer(request)
        if not isinstance(answer, Output):
            return _scripted(answer, request, data_frame)
        return plain_answer(request, said_by(answer.items), answer.pace)

    async def retrieve(self, http: HttpRequest) -> Response:
        """`GET /v1/responses/{id}`: what was stored; a background run has ended by then."""
        await self._record(http)
        stored = self.stored.get(http.path_params["response_id"])
        return JSONResponse(stored) if stored else _failed(_NOT_FOUND)

    async def input_items(self, http: HttpRequest) -> Response:
        """`GET /v1/responses/{id}/input_items`: all that the request brought, on one page."""
        await self._record(http)
        items = self.inputs.get(http.path_params["response_id"])
        if items is None:
            return _failed(_NOT_FOUND)
        ends = {"first_id": items[0]["id"], "last_id": items[-1]["id"]} if items else {}
        return JSONResponse({"object": "list", "data": items, "has_more": False, **ends})

    async def cancel(self, http: HttpRequest) -> Response:
        """`POST /v1/responses/{id}/cancel`: what the run had said when it was cancelled, which is all of it."""
        await self._record(http)
        stored = self.stored.get(http.path_params["response_id"])
        return JSONResponse({**stored, "status": "cancelled"}) if stored else _failed(_NOT_FOUND)

    async def compact(self, http: HttpRequest) -> Response:
        """`POST /v1/responses/compact`: the conversation, folded into the scripted items."""
        request = await self._record(http)
        answer = self.script.answer(request)
        if not isinstance(answer, Output):
            return _scripted(answer, request, event_frame)
        items = identified(answer.items, self.ids)
        ids = {"id": self.ids.next("cmp"), "object": "response.compaction", "created_at": int(self.clock())}
        return JSONResponse({**ids, "output": items, "usage": usage(request, items)})

    async def input_tokens(self, http: HttpRequest) -> Response:
        """`POST /v1/responses/input_tokens`."""
        request = await self._record(http)
        return JSONResponse({"object": "response.input_tokens", "input_tokens": usage(request, [])["input_tokens"]})

    async def count_tokens(self, http: HttpRequest) -> Response:
        """`POST /v1/messages/count_tokens`, and the same where Azure hosts Claude."""
        request = await self._record(http)
        return JSONResponse({"input_tokens": usage(request, [])["input_tokens"]})

    async def models(self, _http: HttpRequest) -> Response:
        """`GET /v1/models`: one model, since any name is answered. Not kept: gateways ask it of their own accord."""
        model = {"id": "scripted", "object": "model", "created": int(self.clock()), "owned_by": "litellm-bighub"}
        return JSONResponse({"object": "list", "data": [model]})

    async def _record(self, http: HttpRequest) -> Request:
        if http.headers.get("content-type", "").startswith("multipart/form-data"):
            async with http.form() as form:
                body: Any = form_body(form.multi_items())
        else:
            raw = await http.body()
            body = json.loads(raw) if raw else {}
        request = Request(http.method, http.url.path, dict(http.headers), body, http.url.query)
        self.seen.append(request)
        return request


_NOT_FOUND = Failure(404, "Response not found.", "not_found")


def _scripted(answer: Answer, request: Request, frame: Callable[[Item], str]) -> Response:
    """Answers that are the same on every route."""
    match answer:
        case Failure():
            return _failed(answer)
        case Verbatim(form="whole", body=body):
            return JSONResponse(body)
        case Verbatim(form=form, body=body) if form == "asked" and not request.stream:
            return JSONResponse(body)
        case Verbatim(raw=raw) if raw is not None:
            return Response(raw, media_type=EventStream.media_type)
        case Verbatim(events=events, pace=pace):
            return EventStream(events, frame, pace)
        case Output():
            raise TypeError("an Output is made into a route's own answer")


def _whole(answer: Output, body: Item) -> Response:
    return Cut() if answer.pace.cut_after is not None else JSONResponse(body, headers=answer.headers)


def _failed(failure: Failure) -> Response:
    kind = "invalid_request_error" if failure.status_code < 500 else "server_error"
    error = {"message": failure.message, "type": kind, "param": None, "code": failure.code}
    return JSONResponse({"error": error}, status_code=failure.status_code, headers=failure.headers)
