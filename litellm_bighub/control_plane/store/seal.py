"""Seals texts that must be read again but not by whoever reads the database: AES-256-GCM, with keys of the environment.

A sealed text names the key that sealed it, so that keys can be changed: the first seals, all open. It opens only in the
place that it was sealed for, as in `("approval", "apr_1", "iban")`: moved to another row, it stays shut.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from litellm_bighub.errors import ConfigurationError
from litellm_bighub.settings import SealingSettings

VARIABLE: Final = "LITELLM_BIGHUB_SEALING_KEYS"
HOW_TO_MAKE: Final = "make one with `openssl rand -base64 32`"
_FORM: Final = "v1"
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12


class Sealing:
    """Seals and opens.

    Args:
        keys: of 32 bytes each, the sealing one first.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._ciphers = {_name(key): AESGCM(key) for key in keys}
        self._first = _name(keys[0])

    @classmethod
    def from_environment(cls) -> Sealing | None:
        """As the environment has it; `None` if it names no key.

        Raises:
            ConfigurationError: one of the keys cannot be used.
        """
        given = SealingSettings().sealing_keys
        text = "" if given is None else given.get_secret_value()
        return cls([_key(number, key) for number, key in enumerate(text.split(","), 1)]) if text.strip() else None

    def seal(self, text: str, *place: str) -> str:
        """The text, sealed with the first key.

        Args:
            text: whose length can be read off.
            place: where it is to be opened.
        """
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self._first].encrypt(nonce, text.encode("utf-8", "surrogatepass"), _bound(place))
        return f"{_FORM}.{self._first}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, *place: str) -> str | None:
        """The text; `None` if none of the keys has sealed it, it is altered, or it was sealed for another place."""
        form, _, rest = sealed.partition(".")
        name, _, content = rest.partition(".")
        cipher = self._ciphers.get(name)
        if form != _FORM or cipher is None:
            return None
        try:
            read = base64.b64decode(content.encode(), altchars=b"-_", validate=True)
            opened = cipher.decrypt(read[:_NONCE_BYTES], read[_NONCE_BYTES:], _bound(place))
        except (InvalidTag, ValueError):
            return None
        return opened.decode("utf-8", "surrogatepass")


def _key(number: int, text: str) -> bytes:
    try:
        key = base64.b64decode(text.strip().encode(), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        key = b""
    if len(key) != _KEY_BYTES:
        raise ConfigurationError(VARIABLE, f"key {number} is not 32 bytes in base64; {HOW_TO_MAKE}")
    return key


def _name(key: bytes) -> str:
    """Tells keys apart, and nothing of them."""
    return hashlib.sha256(b"litellm-bighub sealing key\0" + key).hexdigest()[:8]


def _bound(place: Sequence[str]) -> bytes:
    return json.dumps([_FORM, *place]).encode()
