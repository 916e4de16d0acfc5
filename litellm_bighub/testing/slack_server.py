"""A fake of Slack: a real server on loopback that speaks the Web API, socket mode and signed requests of one app.

It refuses what Slack refuses: unknown tokens, methods, channels and messages, and blocks over Slack's limits. The
references are https://docs.slack.dev/apis/web-api and https://docs.slack.dev/reference/block-kit.

```python
with SlackServer() as slack:
    settings = SlackSettings(channel=slack.channel, bot_token=slack.bot_token, app_token=slack.app_token,
                             api_url=slack.api_url)
    ...  # serve tells of a call
    slack.press(slack.messages[0], "Approve", account="U0ANN")  # and the message changes
```
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

import aiohttp
from aiohttp import web
from typing_extensions import Self

from litellm_bighub.domain.payload import JsonObject

T = TypeVar("T")
_SECONDS: Final = 10.0
_LONGEST: Final[Mapping[str, int]] = {
    "private_metadata": 3_000,
    "action_id": 255,
    "block_id": 255,
    "url": 3_000,
    "value": 2_000,
}
"""How long strings of blocks and views may be, by their key."""
_LONGEST_TEXTS: Final[Mapping[str, int]] = {"header": 150, "button": 75, "section": 3_000, "modal": 24, "input": 2_000}
"""How long the text object of such a block may be."""
_MOST: Final[Mapping[str, int]] = {"blocks": 50, "fields": 10, "elements": 25, "options": 10}
_CONTENT: Final = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(slots=True)
class SlackMessage:
    """A message as it stands in its channel now.

    Attributes:
        ts: its time, which names it within its channel.
        updates: how often it was changed.
    """

    channel: str
    ts: str
    text: str
    blocks: list[JsonObject]
    updates: int = 0

    @property
    def words(self) -> str:
        """Everything that people read in it."""
        return "\n".join(_texts(self.blocks))

    @property
    def buttons(self) -> dict[str, JsonObject]:
        """Its buttons, by what stands on them."""
        rows = [block["elements"] for block in self.blocks if block["type"] == "actions"]
        return {each["text"]["text"]: each for row in rows for each in row}


@dataclass(frozen=True, slots=True)
class SlackWhisper:
    """A message that one person alone sees."""

    channel: str
    account: str
    text: str


@dataclass(frozen=True, slots=True)
class SlackForm:
    """A form that was opened for somebody.

    Attributes:
        view: as the app has sent it.
    """

    account: str
    view: JsonObject = field(repr=False)


class SlackServer:
    """One workspace with one app in it.

    Args:
        channels: those that the app is in, the first of which is `channel`.
        clock: POSIX seconds, for signatures.
    """

    bot_token: Final = "xoxb-a-bot-token"
    app_token: Final = "xapp-an-app-token"
    signing_secret: Final = "a signing secret"
    team: Final = "T0ACME"

    def __init__(self, *channels: str, clock: Callable[[], float] = time.time) -> None:
        self._channels = channels or ("C0APPROVALS",)
        self.channel: Final = self._channels[0]
        self.interactions_url = ""
        """Where signed requests go; without one, interactions go over socket mode."""
        self.messages: list[SlackMessage] = []
        self.whispers: list[SlackWhisper] = []
        self.forms: list[SlackForm] = []
        self.asked: list[str] = []
        """Each method that was called, in the order of arrival."""
        self.is_down = False
        """Whether it answers nothing but 503."""
        self.limited = 0
        """How many of the next calls are told that there were too many."""
        self.loses_answers = 0
        """How many of the next messages are posted without an answer that says so."""
        self._clock = clock
        self._changed = threading.Condition()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._port = 0
        self._tickets: set[str] = set()
        self._sockets: list[web.WebSocketResponse] = []
        self._acknowledged: dict[str, asyncio.Future[None]] = {}
        self._triggers: dict[str, str] = {}

    @property
    def api_url(self) -> str:
        """Where the Web API answers."""
        return f"http://127.0.0.1:{self._port}/api/"

    @property
    def connections(self) -> int:
        """How many connections of socket mode are open."""
        return len(self._sockets)

    def wait_until(self, holds: Callable[[SlackServer], bool], seconds: float = 60) -> None:
        """Wait until something is so.

        Raises:
            TimeoutError: it did not become so.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: holds(self), seconds):
                raise TimeoutError(f"{[message.words for message in self.messages]} {self.whispers}")

    def press(self, message: SlackMessage, button: str, *, account: str, team: str = "") -> bool:
        """Press a button of a message as somebody; whether the app has acknowledged it in time."""
        return self.send(self.pressed(message, button, account=account, team=team))

    def fill_in(
        self, form: SlackForm, *, choice: str, reason: str, ticked: bool = False, account: str = "", team: str = ""
    ) -> bool:
        """Send a form with one radio button, one text and one box; whether the app has acknowledged it in time."""
        values: dict[str, JsonObject] = {}
        for block in form.view["blocks"]:
            if block["type"] != "input":
                continue
            element = block["element"]
            match element["type"]:
                case "radio_buttons":
                    chosen = next(each for each in element["options"] if each["text"]["text"] == choice)
                    said: JsonObject = {"selected_option": chosen}
                case "checkboxes":
                    said = {"selected_options": element["options"] if ticked else []}
                case _:
                    said = {"value": reason}
            values[block["block_id"]] = {element["action_id"]: {"type": element["type"], **said}}
        view = {**form.view, "id": "V1", "state": {"values": values}}
        return self.send({"type": "view_submission", **self._who(account or form.account, team), "view": view})

    def pressed(self, message: SlackMessage, button: str, *, account: str, team: str = "") -> JsonObject:
        """The interaction that a button makes, for `send`."""
        trigger = secrets.token_hex(8)
        self._triggers[trigger] = account
        element = message.buttons[button]
        return {
            "type": "block_actions",
            **self._who(account, team),
            "trigger_id": trigger,
            "container": {"type": "message", "message_ts": message.ts, "channel_id": message.channel},
            "channel": {"id": message.channel, "name": "approvals"},
            "actions": [{**element, "block_id": "b", "action_ts": message.ts}],
        }

    def send(self, payload: JsonObject) -> bool:
        """Send an interaction to the app; whether it was acknowledged in time."""
        if self.interactions_url:
            body, headers = self.signed(payload)
            return self._run(self._post(body, headers)) == 200
        return self._run(self._send_envelope(payload))

    def signed(self, payload: JsonObject, *, age: float = 0, secret: str = "") -> tuple[str, dict[str, str]]:
        """An interaction as a request: the body, and headers that sign it.

        Args:
            payload: the interaction.
            age: how many seconds ago it was signed.
            secret: in place of the app's.
        """
        body = urlencode({"payload": json.dumps(payload)})
        timestamp = str(int(self._clock() - age))
        key = (secret or self.signing_secret).encode()
        digest = hmac.new(key, f"v0:{timestamp}:{body}".encode(), hashlib.sha256).hexdigest()
        return body, {**_CONTENT, "X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": f"v0={digest}"}

    def send_text(self, text: str) -> None:
        """Send a text over every connection of socket mode, whatever it is."""
        self._run(self._send_everywhere(text))

    def disconnect(self) -> None:
        """Ask every connection of socket mode to make place for a new one."""
        self.send_text(json.dumps({"type": "disconnect", "reason": "refresh_requested"}))

    def __enter__(self) -> Self:
        ready: Future[int] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), daemon=True)
        self._thread.start()
        self._port = ready.result(_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()

    def _who(self, account: str, team: str) -> JsonObject:
        user = {"id": account, "username": account.lower(), "team_id": team or self.team}
        return {"user": user, "team": {"id": self.team, "domain": "acme"}, "api_app_id": "A0BIGHUB"}

    def _run(self, doing: Coroutine[Any, Any, T]) -> T:
        if self._loop is None:
            raise RuntimeError("the server runs inside of its `with` block only")
        return asyncio.run_coroutine_threadsafe(doing, self._loop).result(_SECONDS + 5)

    async def _serve(self, ready: Future[int]) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        app = web.Application()
        app.router.add_post("/api/{method}", self._called)
        app.router.add_get("/socket/{ticket}", self._socket)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        ready.set_result(runner.addresses[0][1])
        await self._stop.wait()
        for socket in list(self._sockets):
            await socket.close()
        await runner.cleanup()

    async def _called(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        try:
            asked = await request.json() if request.can_read_body else {}
        except ValueError:
            return web.json_response({"ok": False, "error": "json_not_object"})
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        with self._changed:
            self.asked.append(method)
            self._changed.notify_all()
            if self.is_down:
                return web.Response(status=503)
            if self.limited:
                self.limited -= 1
                busy = {"ok": False, "error": "ratelimited"}
                return web.json_response(busy, status=429, headers={"Retry-After": "1"})
            wanted = self.app_token if method == "apps.connections.open" else self.bot_token
            answer = _refused("invalid_auth") if token != wanted else self._answer(method, asked)
            if method == "chat.postMessage" and answer["ok"] and self.loses_answers:
                self.loses_answers -= 1
                return web.Response(status=503)
        return web.json_response(answer)

    def _answer(self, method: str, asked: JsonObject) -> JsonObject:
        match method:
            case "auth.test":
                return {"ok": True, "team": "Acme", "team_id": self.team, "user": "bighub", "user_id": "U0BIGHUB"}
            case "apps.connections.open":
                ticket = secrets.token_hex(8)
                self._tickets.add(ticket)
                return {"ok": True, "url": f"ws://127.0.0.1:{self._port}/socket/{ticket}"}
            case "chat.postMessage" | "chat.update":
                return self._message(method, asked)
            case "chat.postEphemeral":
                if asked.get("channel") not in self._channels:
                    return _refused("channel_not_found")
                self.whispers.append(SlackWhisper(asked["channel"], asked["user"], asked["text"]))
                return {"ok": True, "message_ts": "1"}
            case "views.open":
                account = self._triggers.pop(asked.get("trigger_id", ""), None)
                if account is None:
                    return _refused("expired_trigger_id")
                if not _is_valid(asked["view"]):
                    return _refused("invalid_arguments")
                self.forms.append(SlackForm(account, asked["view"]))
                return {"ok": True, "view": asked["view"]}
            case _:
                return _refused("unknown_method")

    def _message(self, method: str, asked: JsonObject) -> JsonObject:
        channel, text, blocks = asked.get("channel", ""), asked.get("text", ""), asked.get("blocks", [])
        if channel not in self._channels:
            return _refused("channel_not_found")
        if not _is_valid({"type": "message", "blocks": blocks}):
            return _refused("invalid_blocks")
        if method == "chat.postMessage":
            message = SlackMessage(channel, f"{1_700_000_000 + len(self.messages)}.000100", text, blocks)
            self.messages.append(message)
            return {"ok": True, "channel": channel, "ts": message.ts}
        for message in self.messages:
            if (message.channel, message.ts) == (channel, asked.get("ts")):
                message.text, message.blocks = text, blocks
                message.updates += 1
                return {"ok": True, "channel": channel, "ts": message.ts}
        return _refused("message_not_found")

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        ticket = request.match_info["ticket"]
        if ticket not in self._tickets:
            return web.Response(status=403)
        self._tickets.discard(ticket)  # an address counts once
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "hello", "num_connections": len(self._sockets) + 1})
        self._connected(socket, is_open=True)
        try:
            async for message in socket:
                if message.type == aiohttp.WSMsgType.TEXT:
                    waiting = self._acknowledged.get(json.loads(message.data).get("envelope_id", ""))
                    if waiting is not None and not waiting.done():
                        waiting.set_result(None)
        finally:
            self._connected(socket, is_open=False)
        return socket

    def _connected(self, socket: web.WebSocketResponse, *, is_open: bool) -> None:
        with self._changed:
            if is_open:
                self._sockets.append(socket)
            elif socket in self._sockets:
                self._sockets.remove(socket)
            self._changed.notify_all()

    async def _send_envelope(self, payload: JsonObject) -> bool:
        if not self._sockets:
            return False
        envelope = secrets.token_hex(8)
        told = {"type": "interactive", "envelope_id": envelope, "payload": payload, "accepts_response_payload": True}
        waiting = self._acknowledged[envelope] = asyncio.get_running_loop().create_future()
        await secrets.choice(self._sockets).send_json(told)
        try:
            await asyncio.wait_for(waiting, _SECONDS)
        except asyncio.TimeoutError:
            return False
        return True

    async def _post(self, body: str, headers: Mapping[str, str]) -> int:
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.interactions_url, data=body, headers=headers) as response,
        ):
            return response.status

    async def _send_everywhere(self, text: str) -> None:
        for socket in list(self._sockets):
            await socket.send_str(text)


def _refused(error: str) -> JsonObject:
    return {"ok": False, "error": error}


def _texts(part: Any) -> list[str]:
    """Every text object's text, in its order."""
    if isinstance(part, list):
        return [text for each in part for text in _texts(each)]
    if not isinstance(part, dict):
        return []
    if part.get("type") in {"plain_text", "mrkdwn"}:
        return [part["text"]]
    return [text for each in part.values() for text in _texts(each)]


def _is_valid(part: Any, within: str = "") -> bool:
    """Whether blocks keep to Slack's limits: lengths of texts and values, numbers of elements, no empty text."""
    if isinstance(part, list):
        return all(_is_valid(each, within) for each in part)
    if not isinstance(part, dict):
        return True
    kind = part.get("type", "")
    if kind in {"plain_text", "mrkdwn"}:
        return 0 < len(part["text"]) <= _LONGEST_TEXTS.get(within, 3_000)
    for key, value in part.items():
        if isinstance(value, str) and len(value) > _LONGEST.get(key, 40_000):
            return False
        if isinstance(value, list) and not 0 < len(value) <= _MOST.get(key, 100):
            return False
        if not _is_valid(value, kind or within):
            return False
    return True
