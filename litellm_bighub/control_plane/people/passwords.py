"""Passwords: argon2id, in a thread, few at a time. An unknown user costs a guesser as much time as a known one."""

from __future__ import annotations

import asyncio
import secrets
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST: Final = 12
LONGEST: Final = 500
"""Characters."""
DECOY: Final = "$argon2id$v=19$m=65536,t=3,p=4$ahl5KjeGoVqMPtn3jv096w$ZjUK3dsRYFzqs5qoCmrF5TQkAqK6cWzOzra7w6grl+s"
"""The hash of a random text that nobody has kept: what is compared with where there is no such user."""
_HASHER: Final = PasswordHasher()
_AT_ONCE: Final = 2
"""Each takes 64 MB while it is computed."""


class Passwords:
    """Compares passwords with their hashes, a few at a time."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(_AT_ONCE)

    async def fits(self, password: str, stored: str | None) -> bool:
        """Whether this is the password. Without a stored one it is not, and that takes as long.

        Args:
            password: as typed.
            stored: the hash; `None` for a user that does not exist.
        """
        async with self._turn:
            fits = await asyncio.to_thread(_fits, stored or DECOY, password)
        return fits and bool(stored)

    async def hash(self, password: str) -> str:
        """What is stored of a password."""
        async with self._turn:
            return await asyncio.to_thread(hashed, password)


def hashed(password: str) -> str:
    """What is stored of a password."""
    return _HASHER.hash(password.encode("utf-8", "replace"))


def random_password() -> str:
    """A password for somebody who has none yet."""
    return secrets.token_urlsafe(18)


def _fits(stored: str, password: str) -> bool:
    try:
        return _HASHER.verify(stored, password.encode("utf-8", "replace"))
    except (VerificationError, InvalidHashError):
        return False
