"""Keeps secrets out of everything that is logged, sent or shown.

Two rules: what stands under a telling key (`password`, `apiKey`, `card`) goes as a whole, and what looks like a secret
goes wherever it stands. Redaction hides more than it must rather than less, never changes what it is given, and takes
time in proportion to the text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from litellm_bighub.domain.call import JSON, Arguments
from litellm_bighub.domain.secret_patterns import REDACTED, REDACTED_CARD, redact_secrets
from litellm_bighub.errors import ConfigurationError

Redact: TypeAlias = Callable[[Arguments], dict[str, JSON]]
"""Makes a redacted copy of arguments, as `Redactor.redact` does."""
MAX_DEPTH = 100
_KEYS_REMEMBERED = 1000
_SHORT = 64

KEY_NAMES = (
    *("password", "passwords", "passwd", "passphrase", "passcode", "pwd", "pin", "otp"),
    *("secret", "secrets", "credential", "credentials", "authorization", "authentication", "bearer", "cookie", "jwt"),
    *("token", "access_tokens", "refresh_tokens", "auth_tokens", "api_tokens"),
    *("api_key", "api_keys", "apikey", "access_key", "private_key", "signing_key", "encryption_key", "ssh_key"),
    *("card", "card_number", "cardnumber", "pan", "cvv", "cvv2", "cvc", "ssn", "iban", "social_security"),
)
"""Names that tell of a secret; each is looked for among the words of a key, so `token` is not in `tokens_used`."""

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*|[a-z0-9]+")


class Redactor:
    """Redacts arguments and free texts.

    Args:
        patterns: regular expressions of more secrets. They are the operator's: their running time is too.
        key_names: names of keys whose values are secret, in any spelling of their words (`api_key`:
            `apiKey`, `API-KEY`).

    Raises:
        ConfigurationError: a pattern is no regular expression, or fits the empty text.
    """

    def __init__(self, patterns: Sequence[str] = (), key_names: Sequence[str] = KEY_NAMES) -> None:
        self._patterns = [_compile(f"redact[{index}]", pattern) for index, pattern in enumerate(patterns)]
        self._names = [f" {' '.join(_words(name))} " for name in key_names]
        self._read_key = lru_cache(maxsize=_KEYS_REMEMBERED)(self._key)

    def redact(self, arguments: Arguments) -> dict[str, JSON]:
        """A redacted copy, in plain dicts and lists."""
        return self._mapping(arguments, 0)

    def text(self, text: str) -> str:
        """The text without what looks like a secret."""
        if not text:
            return text
        redacted = redact_secrets(text)
        for pattern in self._patterns:
            redacted = pattern.sub(REDACTED, redacted)
        return redacted

    def _mapping(self, mapping: Mapping[str, JSON], depth: int) -> dict[str, JSON]:
        redacted: dict[str, JSON] = {}
        for key, value in mapping.items():
            text = str(key)
            shown, tells = (self._read_key if len(text) <= _SHORT else self._key)(text)
            redacted[_unused(shown, redacted)] = _hidden(value) if tells else self._value(value, depth + 1)
        return redacted

    def _key(self, key: str) -> tuple[str, bool]:
        """The key as it may be seen, and whether it tells of a secret. Calls of one tool have the same keys."""
        return self.text(key), self._tells(key)

    def _value(self, value: JSON, depth: int) -> JSON:
        if value is None or isinstance(value, bool | float):
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, int):
            return self._integer(value)
        if depth > MAX_DEPTH:
            return REDACTED
        if isinstance(value, Mapping):
            return self._mapping(value, depth)
        return [self._value(item, depth + 1) for item in value]

    def _integer(self, value: int) -> JSON:
        """A card number is a secret without quotes too."""
        redacted = self.text(str(value))
        return value if redacted == str(value) else redacted

    def _tells(self, key: str) -> bool:
        words = f" {' '.join(_words(key))} "
        return any(name in words for name in self._names)


ArgumentPath: TypeAlias = tuple[str | int, ...]
"""Where a value stands: names as they may be shown, and positions in lists."""


@dataclass(frozen=True, slots=True)
class HiddenValue:
    """A value that redaction hides as a whole or in part."""

    path: ArgumentPath
    original: JSON
    shown: JSON


def place_of(path: ArgumentPath) -> str:
    """A path as it is written, as in `payees[0].iban`. No two paths are written alike."""
    parts = [f"[{step}]" if isinstance(step, int) else f".{_quoted(step)}" for step in path]
    return "".join(parts).removeprefix(".")


def hidden_values(arguments: Arguments, redacted: Arguments) -> Iterator[HiddenValue]:
    """What was hidden in the redacted copy of arguments, in no order."""
    pairs: list[HiddenValue] = [HiddenValue((), arguments, redacted)]
    while pairs:
        pair = pairs.pop()
        original, shown, path = pair.original, pair.shown, pair.path
        if isinstance(original, Mapping) and isinstance(shown, Mapping) and len(original) == len(shown):
            both = zip(original.values(), shown.items(), strict=True)  # a redacted key keeps its place
            pairs.extend(HiddenValue((*path, name), value, seen) for value, (name, seen) in both)
        elif isinstance(original, list) and isinstance(shown, list) and len(original) == len(shown):
            both_lists = enumerate(zip(original, shown, strict=True))
            pairs.extend(HiddenValue((*path, at), value, seen) for at, (value, seen) in both_lists)
        elif original != shown:
            yield pair


def hidden_texts(arguments: Arguments, redacted: Arguments) -> Iterator[str]:
    """The texts and numbers that stand in arguments and were hidden as a whole in their redacted copy."""
    for hidden in hidden_values(arguments, redacted):
        if not _is_partly_shown(hidden.original, hidden.shown):
            yield from _scalars(hidden.original)


def holds_mask(value: JSON) -> bool:
    """Whether what stands for a secret is somewhere in a value, also among its keys."""
    values = [value]
    while values:
        value = values.pop()
        if isinstance(value, Mapping):
            values.extend([*value, *value.values()])
        elif isinstance(value, list):
            values.extend(value)
        elif isinstance(value, str) and (REDACTED in value or REDACTED_CARD in value):
            return True
    return False


def _quoted(name: str) -> str:
    return name if _PLAIN_NAME.fullmatch(name) else json.dumps(name)


def _is_partly_shown(original: JSON, shown: JSON) -> bool:
    """Whether a text lost only what looks like a secret, which it loses wherever it is written."""
    return isinstance(original, str) and isinstance(shown, str) and shown != REDACTED


def _scalars(value: JSON) -> Iterator[str]:
    values = [value]
    while values:
        value = values.pop()
        if isinstance(value, Mapping):
            values.extend(value.values())
        elif isinstance(value, list):
            values.extend(value)
        elif value is not None and not isinstance(value, bool):
            yield str(value)


def _words(key: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(key)]


def _hidden(value: JSON) -> JSON:
    """What stands for a secret. Null and a flag stay, as neither is a secret."""
    return value if value is None or isinstance(value, bool) else REDACTED


def _unused(name: str, taken: Mapping[str, JSON]) -> str:
    """Keeps two redacted keys apart, so that none of their values is lost."""
    free, number = name, 2
    while free in taken:
        free, number = f"{name} {number}", number + 1
    return free


def _compile(key: str, pattern: str) -> re.Pattern[str]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ConfigurationError(key, f"is no regular expression: {error}") from error
    if compiled.search("") is not None:
        raise ConfigurationError(key, "fits the empty text, and so would redact everything")
    return compiled
