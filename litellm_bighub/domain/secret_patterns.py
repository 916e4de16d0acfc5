"""What secrets look like in a text.

Every expression runs in time proportional to the text: a scan that fails has read only what is bounded, or a run of
characters into which no other scan begins.
"""

from __future__ import annotations

import re

REDACTED = "[redacted]"
REDACTED_CARD = "[redacted:card]"

_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)", re.DOTALL
)
_KEY = re.compile(
    r"""
    (?<![A-Za-z0-9])(?:
        sk-[A-Za-z0-9_-]{16,}                       # OpenAI, Anthropic, LiteLLM
      | (?:bhk|bh_live|bh_test)_[A-Za-z0-9_-]{6,}   # BIGHUB
      | (?:AKIA|ASIA)[A-Z0-9]{16}                   # AWS
      | gh[pousr]_[A-Za-z0-9]{20,}                  # GitHub
      | github_pat_[A-Za-z0-9_]{20,}
      | glpat-[A-Za-z0-9_-]{16,}                    # GitLab
      | xox[abeprs]-[A-Za-z0-9-]{10,}               # Slack
      | [sr]k_(?:live|test)_[A-Za-z0-9]{10,}        # Stripe
      | AIza[A-Za-z0-9_-]{30,}                      # Google
    )
    | (?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]+)?  # JWT
    """,
    re.VERBOSE,
)
_AFTER_SCHEME = re.compile(r"(\b(?:bearer|basic) {1,4})[A-Za-z0-9._~+/=-]{16,}", re.IGNORECASE)
_IN_URL = re.compile(r"(?<=://)[^\s/@:]*:[^\s/@]+(?=@)")
_ASSIGNED = re.compile(
    r"""
    ((?<![a-z0-9])(?:password|passwd|passphrase|pwd|secret|token|(?:api|access|secret|private)[_-]?key)
     ["'\\]{0,4}(?:[ ]{0,4}[:=][ ]{0,4}|(?<=--password)[ ]|(?<=--token)[ ])["'\\]{0,4})
    [^\s"'\\&;,]{3,}
    """,
    re.VERBOSE | re.IGNORECASE,
)
_CARD = re.compile(
    r"(?<!\d)(?:[3-6]\d{12,18}|2[2-7]\d{14}|[2-6]\d{3}(?:[ -]\d{4}){3}(?:[ -]\d{3})?|3\d{3}[ -]\d{6}[ -]\d{4,5})(?!\d)"
)


def redact_secrets(text: str) -> str:
    """The text with `[redacted]` in place of keys, tokens and passwords, `[redacted:card]` of card numbers."""
    text = _PRIVATE_KEY.sub(REDACTED, text)
    text = _KEY.sub(REDACTED, text)
    text = _AFTER_SCHEME.sub(rf"\1{REDACTED}", text)
    text = _IN_URL.sub(REDACTED, text)
    text = _ASSIGNED.sub(rf"\1{REDACTED}", text)
    return _redact_cards(text)


def _redact_cards(text: str) -> str:
    """Scans on from the next digit where a run fails the check, as a card may begin inside it."""
    parts: list[str] = []
    done = at = 0
    while (found := _CARD.search(text, at)) is not None:
        if _passes_luhn(found.group()):
            parts += (text[done : found.start()], REDACTED_CARD)
            done = at = found.end()
        else:
            at = found.start() + 1
    return "".join((*parts, text[done:])) if parts else text


def _passes_luhn(number: str) -> bool:
    digits = [int(character) for character in reversed(number) if character.isdecimal()]
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
