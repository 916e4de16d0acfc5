"""An identity provider on loopback: a real HTTP server that speaks OpenID Connect, and forges what it is told to.

Whoever is sent to it is logged in at once as the person of `claims`.

```python
with IdentityProvider({"sub": "1", "groups": ["ops"]}) as provider:
    settings = OidcSettings(issuer=provider.issuer, client_id=provider.client_id, ...)
    ...  # a browser logs in
    provider.forgery = "expired"  # and cannot any more
```
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from typing_extensions import override

from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.testing.threaded_server import ThreadedServer

Forgery: TypeAlias = Literal[
    "signature", "none", "HS256", "expired", "not yet valid", "audience", "issuer", "nonce", "authorized party"
]
"""What is wrong with a token: who signed it and how, its times, whom it is for, who issued it, its login."""
_SECONDS: Final = 3600


class IdentityProvider(ThreadedServer):
    """Discovery, keys, authorization and tokens at one address.

    Args:
        claims: who logs in: `sub`, and what else the token says.
        client_id: of the one client that it knows.
        client_secret: of that client.
        clock: POSIX seconds.
    """

    def __init__(
        self,
        claims: Mapping[str, Any],
        *,
        client_id: str = "bighub",
        client_secret: str = "a secret of the client",
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        self.claims = dict(claims)
        """Who logs in next."""
        self.forgery: Forgery | None = None
        """What is wrong with the next tokens."""
        self.is_down = False
        """Whether it answers nothing but 503."""
        self.asked: list[str] = []
        """Each path that was asked for, in the order of arrival."""
        self.client_id = client_id
        self.client_secret = client_secret
        self._clock = clock
        self._codes: dict[str, dict[str, str]] = {}
        self._key = _new_key()

    @property
    def issuer(self) -> str:
        """Its address, as its tokens name it."""
        return f"http://localhost:{self.port}"

    def rotate_key(self) -> None:
        """Sign with a new key from now on, and show the old one no longer."""
        self._key = _new_key()

    @override
    def _new_server(self) -> _Server:
        return _Server(self)

    def answer(self, path: str, asked: dict[str, str], authorization: str) -> tuple[int, JsonObject | str]:
        """The status of an answer, and its JSON or where it leads; called by the server's threads."""
        self.asked.append(path)
        if self.is_down:
            return 503, {"error": "temporarily_unavailable"}
        match path:
            case "/.well-known/openid-configuration":
                return 200, {
                    "issuer": self.issuer,
                    "authorization_endpoint": f"{self.issuer}/authorize",
                    "token_endpoint": f"{self.issuer}/token",
                    "jwks_uri": f"{self.issuer}/keys",
                    "response_types_supported": ["code"],
                    "token_endpoint_auth_methods_supported": ["client_secret_basic"],
                }
            case "/keys":
                return 200, {"keys": [self._key.as_dict(private=False)]}
            case "/authorize":
                return self._authorize(asked)
            case "/token":
                return self._token(asked, authorization)
            case _:
                return 404, {"error": "not_found"}

    def _authorize(self, asked: dict[str, str]) -> tuple[int, JsonObject | str]:
        is_right = asked.get("client_id") == self.client_id and asked.get("response_type") == "code"
        is_bound = asked.get("code_challenge_method") == "S256" and asked.get("code_challenge")
        if not is_right or not is_bound or "openid" not in asked.get("scope", "").split():
            return 400, {"error": "invalid_request"}
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        return 303, f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state'], 'iss': self.issuer})}"

    def _token(self, asked: dict[str, str], authorization: str) -> tuple[int, JsonObject]:
        pair = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        if (unquote_plus(pair[0]), unquote_plus(pair[2])) != (self.client_id, self.client_secret):
            return 401, {"error": "invalid_client"}
        begun = self._codes.pop(asked.get("code", ""), None)  # a code counts once
        digest = hashlib.sha256(asked.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            begun is None
            or begun["code_challenge"] != challenge
            or begun["redirect_uri"] != asked.get("redirect_uri")
            or asked.get("grant_type") != "authorization_code"
        ):
            return 400, {"error": "invalid_grant"}
        token = self._signed(begun["nonce"])
        return 200, {"access_token": secrets.token_urlsafe(16), "token_type": "Bearer", "id_token": token}

    def _signed(self, nonce: str) -> str:
        now, forgery = self._clock(), self.forgery
        claims = {
            "iss": "https://another.example" if forgery == "issuer" else self.issuer,
            "aud": "another" if forgery == "audience" else self.client_id,
            "iat": now,
            "exp": now + _SECONDS,
            "nonce": "another" if forgery == "nonce" else nonce,
            **self.claims,
        }
        if forgery == "authorized party":
            claims |= {"aud": [self.client_id, "another"], "azp": "another"}
        if forgery == "expired":
            claims |= {"iat": now - 2 * _SECONDS, "exp": now - _SECONDS}
        if forgery == "not yet valid":
            claims |= {"nbf": now + _SECONDS, "exp": now + 2 * _SECONDS}
        header = {"kid": self._key.kid}
        if forgery == "none":
            parts = ({**header, "alg": "none"}, claims)
            texts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
            return ".".join([*texts, ""])
        if forgery == "HS256":  # the public key, which everybody knows, as the secret
            secret = OctKey.import_key(base64.urlsafe_b64encode(self._key.as_bytes(private=False)).decode())
            return jwt.encode({**header, "alg": "HS256"}, claims, secret, algorithms=["HS256"])
        key = _new_key() if forgery == "signature" else self._key
        return jwt.encode({**header, "alg": "RS256"}, claims, key)


def _new_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256", "kid": secrets.token_hex(4)})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, provider: IdentityProvider) -> None:
        self.provider = provider
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Answer a GET."""
        self._serve(urlsplit(self.path).query)

    def do_POST(self) -> None:
        """Answer a POST."""
        self._serve(self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode())

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Stays silent: what arrived is in `asked`."""

    def _serve(self, form: str) -> None:
        if not isinstance(self.server, _Server):
            raise TypeError("this handler serves an IdentityProvider only")
        asked = {name: values[-1] for name, values in parse_qs(form).items()}
        status, answer = self.server.provider.answer(
            urlsplit(self.path).path, asked, self.headers.get("Authorization", "")
        )
        self.send_response(status)
        body = b""
        if isinstance(answer, str):
            self.send_header("Location", answer)
        else:
            body = json.dumps(answer).encode()
            self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
