"""Addresses of mail that a call would send to.

A header of mail can be written in ways that programs read differently. What is not a plain address, or a name and an
address in angle brackets, is not understood; the addresses in it count for rules that block or ask.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from litellm_bighub.policy.parts.linear_pattern import Fits, literal, whole
from litellm_bighub.policy.parts.part import Part, Unknown
from litellm_bighub.policy.parts.url_use import hosts_of

MAX_LENGTH: Final = 20_000
_PLAIN: Final = re.compile(r"([A-Za-z0-9!#$&'*+/=?^_`{|}~.-]{1,64})@([^\s@<>()\[\],;:\"\\]{1,253})", re.ASCII)
_NAMED: Final = re.compile(r"[\w .'&/-]*<([^<>\s]+)>|\"[\w .,'&/()-]*\" ?<([^<>\s]+)>")
_IN_QUOTES: Final = re.compile(r"\"[^\"\\]*\"")
_LOOKS_LIKE_ONE: Final = re.compile(r"[^\s@<>()\[\],;:\"\\]+@[^\s@<>()\[\],;:\"\\]+")


@dataclass(frozen=True, slots=True)
class Recipient:
    """One address.

    Attributes:
        domains: all that its domain may mean, in Punycode.
        restricts_only: for what only looks like an address in a text that is not understood.
    """

    local: str
    domains: tuple[str, ...]
    restricts_only: bool = False
    kind: str = "recipient"

    @property
    def shown(self) -> str:
        """The address."""
        return f"{self.local}@{self.domains[0]}"


def read_recipients(text: str) -> list[Part]:
    """The addresses of a text; never none."""
    if len(text) > MAX_LENGTH:
        return [Unknown("its recipients are too long")]
    found: list[Part] = []
    for one in _split(text):
        named = _NAMED.fullmatch(one)
        address = _address(one if named is None else named[1] or named[2])
        if address is None:
            return [*_guesses(text), Unknown("its recipients are not understood")]
        found.append(address)
    return found


def _split(text: str) -> list[str]:
    """The addresses between commas and semicolons outside of quotes."""
    quoted = _IN_QUOTES.sub(lambda match: match[0].replace(",", "\0").replace(";", "\1"), text)
    return [one.strip(" ").replace("\0", ",").replace("\1", ";") for one in re.split("[,;]", quoted)]


def _address(text: str) -> Recipient | None:
    match = _PLAIN.fullmatch(text)
    if match is None or match[1].startswith(".") or match[1].endswith(".") or ".." in match[1]:
        return None
    domains = hosts_of(match[2])
    if not domains or "." not in domains[0] or any(domain.replace(".", "").isdigit() for domain in domains):
        return None
    return Recipient(match[1], domains)


def _guesses(text: str) -> Iterator[Recipient]:
    for match in _LOOKS_LIKE_ONE.finditer(text):
        local, _, domain = match[0].rpartition("@")
        yield Recipient(local, hosts_of(domain) or (domain.lower(),), restricts_only=True)


@dataclass(frozen=True)  # without slots: the expressions are kept
class RecipientPattern:
    """A pattern of addresses: `*@example.com`, `ops-*@*.example.com`."""

    text: str

    def __post_init__(self) -> None:
        """Refuse what is no pattern.

        Raises:
            ValueError: it is not one.
        """
        _ = self._parts

    @cached_property
    def _parts(self) -> tuple[Fits, Fits, Fits]:
        local, at, domain = self.text.partition("@")
        if not at or not local or not domain or re.search(r"[\s@<>,;\"\\]", local + domain):
            raise ValueError("a pattern of recipients is *@example.com or name@example.com")
        names: tuple[str, ...] = (domain.lower(),)
        if "*" not in domain:
            names = hosts_of(domain)
            if len(names) != 1:
                raise ValueError(f"`{domain}` is no clear domain")
        return whole(_expression(local)), whole("(?i)" + _expression(local)), whole(_expression(names[0]))

    def fits(self, part: Part, *, allows: bool) -> bool:
        """Whether the address is one of these; where a rule restrains, without what stands behind a `+`, too."""
        if not isinstance(part, Recipient):
            return False
        exact, loose, domain = self._parts
        if allows:
            return not part.restricts_only and bool(exact(part.local)) and all(map(domain, part.domains))
        return any(map(domain, part.domains)) and bool(loose(part.local) or loose(part.local.partition("+")[0]))


def _expression(pattern: str) -> str:
    return "".join("(?s:.*)" if part == "*" else literal(part) for part in re.split(r"(\*)", pattern) if part)
