"""Codes of authenticator apps (TOTP, RFC 6238), and recovery codes for who has lost the app."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

ISSUER: Final = "litellm-bighub"
_STEP_SECONDS: Final = 30
_DIGITS: Final = 6
_DRIFT: Final = 1
"""By how many steps a clock may differ, to both sides."""
_RECOVERY_CODES: Final = 10
_RECOVERY_BYTES: Final = 10


def new_secret() -> str:
    """A secret in base32, as apps take it when it is typed."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def fitting_step(secret: str, code: str, now: float, *, after: int) -> int | None:
    """The step whose code this is; `None` if there is none that may still be used.

    Args:
        secret: in base32.
        code: as typed; spaces between its digits do not count.
        now: POSIX seconds.
        after: the last step whose code was used. It and earlier ones are used up.
    """
    typed = "".join(code.split()).encode("utf-8", "replace")
    current = int(now // _STEP_SECONDS)
    found: int | None = None
    for step in range(current - _DRIFT, current + _DRIFT + 1):
        fits = hmac.compare_digest(_totp(secret).generate(step * _STEP_SECONDS), typed)
        if fits and step > after and found is None:
            found = step
    return found


def setup_address(secret: str, name: str) -> str:
    """What the QR code says to an app."""
    return _totp(secret).get_provisioning_uri(name, ISSUER)


def new_recovery_codes() -> list[str]:
    """Codes that are good once each, in place of the app's."""
    return [_spaced(secrets.token_bytes(_RECOVERY_BYTES)) for _ in range(_RECOVERY_CODES)]


def recovery_digest(user_id: str, code: str) -> str:
    """What is stored of a recovery code. It is random and long, so that a quick hash keeps it."""
    plain = "".join(letter for letter in code.lower() if letter.isalnum())
    return hashlib.sha256(f"{user_id}\n{plain}".encode("utf-8", "replace")).hexdigest()


def _spaced(random: bytes) -> str:
    text = base64.b32encode(random).decode().lower()
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))


def _totp(secret: str) -> TOTP:
    return TOTP(base64.b32decode(secret), _DIGITS, SHA1(), _STEP_SECONDS)  # noqa: S303 - what all apps know; HMAC needs no more
