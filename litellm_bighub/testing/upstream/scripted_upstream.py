"""A model provider that says what a script tells it to, over real HTTP."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from threading import Thread
from types import TracebackType

import uvicorn
from typing_extensions import Self

from litellm_bighub.testing.upstream.answer_memory import AnswerMemory
from litellm_bighub.testing.upstream.app import UpstreamModel
from litellm_bighub.testing.upstream.requests import Request
from litellm_bighub.testing.upstream.response import Ids
from litellm_bighub.testing.upstream.script import Script, Scripted, When


class ScriptedUpstream:
    """An OpenAI-compatible server on a free loopback port, running in a thread while the context is open.

    It answers `/v1/responses`, `/v1/chat/completions`, `/v1/completions` and `/v1/messages`, whole and streamed, and
    what holds no conversation (`/v1/embeddings`, `/v1/audio/transcriptions`, …), and keeps every request it got:

        with ScriptedUpstream() as upstream:
            upstream.script("weather", [function_call("get_weather", {"city": "Paris"})])
            client = OpenAI(base_url=upstream.base_url, api_key="any")
            client.responses.create(model="gpt-4.1", input="the weather?")
            assert upstream.requests[0].prompt == "the weather?"

    Args:
        clock: POSIX seconds, for `created_at`.
        strict: refuse, as OpenAI does, Responses requests after which a call would have no output or more than one, an
            output no call, or a reasoning item not what followed it.
    """

    def __init__(self, *, clock: Callable[[], float] = time.time, strict: bool = False) -> None:
        self._model = UpstreamModel(Script(), Ids(), clock, memory=AnswerMemory() if strict else None)
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen(1024)  # connections wait here from now on, so nobody has to wait for the thread
        self._server = uvicorn.Server(
            uvicorn.Config(
                self._model.routes(),
                lifespan="off",
                log_config=None,
                log_level="critical",
                access_log=False,
                timeout_keep_alive=60,
            )
        )
        self._thread = Thread(target=self._server.run, args=([self._socket],), name="scripted-upstream", daemon=True)

    @property
    def base_url(self) -> str:
        """Where a client finds it, with `/v1`."""
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}/v1"

    @property
    def requests(self) -> list[Request]:
        """What it was asked, in the order of arrival; listing the models does not count."""
        return list(self._model.seen)

    def script(self, when: When, *answers: Scripted) -> None:
        """Say what requests that fit are answered with; what fits no line is echoed.

        Args:
            when: a part of the last text the model is given, or the name of the model, or a function of the request.
                A line added later is asked earlier.
            answers: lists of items, or `Output`, `Failure`, `Verbatim`. They are given in turn; the last one stays.
        """
        self._model.script.add(when, *answers)

    def reset(self) -> None:
        """Forget the script and the requests."""
        self._model.script.clear()
        self._model.seen.clear()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._server.force_exit = True  # streams that nobody reads must not hold the end up
        self._thread.join()
        self._socket.close()
