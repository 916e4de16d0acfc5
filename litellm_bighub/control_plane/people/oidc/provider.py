"""The identity provider, over HTTP: where its endpoints are, its keys, and a token for a code."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, cast
from urllib.parse import quote_plus, urlencode

import httpx

from litellm_bighub.control_plane.people.attempts import Attempts, AttemptSource
from litellm_bighub.control_plane.people.oidc.id_token import (
    Expected,
    IdToken,
    PublicKey,
    Rejected,
    check,
    names_unknown_key,
    public_keys,
)
from litellm_bighub.control_plane.people.oidc.login_attempt import LoginAttempt
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.errors import IdentityProviderUnavailable
from litellm_bighub.settings import OidcSettings

CALLBACK: Final = "/inbox/login/provider/callback"
_FRESH_SECONDS: Final = 3600.0
_OK: Final = 200
_TIMEOUT_SECONDS: Final = 10.0
_MOST_BYTES: Final = 1_000_000
_NEW_KEYS: Final = AttemptSource("new keys of the provider", 5)


@dataclass(frozen=True, slots=True)
class _Endpoints:
    authorization: str
    token: str
    posts_secret: bool
    keys: tuple[PublicKey, ...]
    fetched_at: float


class Provider:
    """An identity provider that people log in at. It is asked for its endpoints once there is somebody who logs in.

    Args:
        settings: how it is reached, and who gets in.
        public_url: where people reach this server.
        clock: POSIX seconds.
    """

    def __init__(
        self,
        settings: OidcSettings,
        public_url: str,
        *,
        clock: Callable[[], float],
    ) -> None:
        self.settings = settings
        self._callback = f"{public_url}{CALLBACK}"
        self._clock = clock
        self._endpoints: _Endpoints | None = None
        self._new_keys = Attempts(clock)

    async def login_address(self, attempt: LoginAttempt) -> str:
        """Where a browser is sent to log in.

        Raises:
            IdentityProviderUnavailable: the provider cannot be asked.
        """
        endpoints = await self._found()
        asked = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": self._callback,
            "scope": " ".join(self.settings.scopes),
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": attempt.challenge,
            "code_challenge_method": "S256",
        }
        return f"{endpoints.authorization}{'&' if '?' in endpoints.authorization else '?'}{urlencode(asked)}"

    async def id_token(self, code: str, attempt: LoginAttempt) -> IdToken | Rejected:
        """Who has logged in, for the code that their browser brought.

        Raises:
            IdentityProviderUnavailable: the provider cannot be asked.
        """
        endpoints = await self._found()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._callback,
            "code_verifier": attempt.verifier,
        }
        headers = {"Accept": "application/json"}
        client_id, secret = self.settings.client_id, self.settings.client_secret
        if secret is None or endpoints.posts_secret:
            form["client_id"] = client_id
            form |= {} if secret is None else {"client_secret": secret.get_secret_value()}
        else:  # RFC 6749, section 2.3.1: both are encoded as in a form first
            pair = f"{quote_plus(client_id)}:{quote_plus(secret.get_secret_value())}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        status, answer = await _ask("POST", endpoints.token, headers=headers, form=form)
        token = answer.get("id_token")
        if status != _OK or not isinstance(token, str):
            return Rejected("the provider gives no ID token for the code")
        if names_unknown_key(token, endpoints.keys) and self._new_keys.begin(_NEW_KEYS):
            endpoints = self._endpoints = await self._fetched()
        skew = self.settings.clock_skew_seconds
        expected = Expected(self.settings.issuer, client_id, attempt.nonce, skew)
        return check(token, endpoints.keys, expected, self._clock())

    async def _found(self) -> _Endpoints:
        known = self._endpoints
        if known is None or not 0 <= self._clock() - known.fetched_at < _FRESH_SECONDS:
            known = self._endpoints = await self._fetched()
        return known

    async def _fetched(self) -> _Endpoints:
        issuer = self.settings.issuer
        status, told = await _ask("GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if status != _OK or told.get("issuer") != issuer:
            raise IdentityProviderUnavailable("its discovery document is missing or names another issuer")
        status, key_set = await _ask("GET", self._address(told, "jwks_uri"))
        listed = key_set.get("keys")
        if status != _OK or not isinstance(listed, list):
            raise IdentityProviderUnavailable("it shows no keys")
        ways = told.get("token_endpoint_auth_methods_supported")
        return _Endpoints(
            self._address(told, "authorization_endpoint"),
            self._address(told, "token_endpoint"),
            isinstance(ways, list) and "client_secret_post" in ways and "client_secret_basic" not in ways,
            public_keys(listed),
            self._clock(),
        )

    def _address(self, told: JsonObject, name: str) -> str:
        address = told.get(name)
        schemes = ("https://",) if self.settings.issuer.startswith("https:") else ("https://", "http://")
        if not isinstance(address, str) or not address.startswith(schemes):
            raise IdentityProviderUnavailable(f"its discovery document has no {name} that can be used")
        return address


async def _ask(
    method: str, url: str, *, headers: dict[str, str] | None = None, form: dict[str, str] | None = None
) -> tuple[int, JsonObject]:
    """The status and JSON object of an answer; no redirect is followed, and no answer without a bound is read."""

    async def asked() -> tuple[int, bytes]:
        body = b""
        async with (
            httpx.AsyncClient(follow_redirects=False, timeout=_TIMEOUT_SECONDS) as client,
            client.stream(method, url, headers=headers, data=form) as response,
        ):
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > _MOST_BYTES:
                    raise IdentityProviderUnavailable("its answer is too long")
            return response.status_code, body

    try:
        status, body = await asyncio.wait_for(asked(), _TIMEOUT_SECONDS)
        answer = json.loads(body)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, asyncio.TimeoutError, ValueError, RecursionError) as error:
        raise IdentityProviderUnavailable(f"it cannot be reached or read: {type(error).__name__}") from error
    if not isinstance(answer, dict):
        raise IdentityProviderUnavailable("its answer is no JSON object")
    return status, cast("JsonObject", answer)
