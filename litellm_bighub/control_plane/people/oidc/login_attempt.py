"""A login that is under way at the provider. Only the browser that began it holds what its end needs."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass
from urllib.parse import quote, unquote


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """A login that is under way.

    Attributes:
        state: comes back with the browser.
        nonce: comes back in the ID token.
        verifier: proves that who hands in the code has asked for it (RFC 7636).
        page: the page of the inbox to go to.
    """

    state: str
    nonce: str
    verifier: str
    page: str

    @classmethod
    def new(cls, page: str) -> LoginAttempt:
        """One that begins."""
        return cls(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48), page)

    @classmethod
    def read(cls, cookie: str) -> LoginAttempt | None:
        """The one that a browser's cookie holds."""
        parts = cookie.split("|")
        if len(parts) != 4 or min(map(len, parts[:3])) < 43:
            return None
        state, nonce, verifier, page = parts
        return cls(state, nonce, verifier, unquote(page))

    @property
    def cookie(self) -> str:
        """What the browser keeps."""
        return "|".join((self.state, self.nonce, self.verifier, quote(self.page, safe="")))

    @property
    def challenge(self) -> str:
        """The verifier's digest, which the provider is told first."""
        digest = hashlib.sha256(self.verifier.encode("ascii", "replace")).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
