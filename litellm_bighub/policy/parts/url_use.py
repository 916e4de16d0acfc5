"""Addresses that a call would fetch: scheme, host, port and path, as far as all programs read them alike.

Programs that read URLs differ, and an allowed host must be the one that is asked. So an address that some of them read
in another way is either not understood, or known by all hosts and paths that it may mean: a rule that allows must fit
them all, one that blocks or asks fits as soon as one is meant.
"""

from __future__ import annotations

import ipaddress
import posixpath
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Final
from urllib.parse import unquote

import idna

from litellm_bighub.policy.parts.linear_pattern import Fits, literal, whole
from litellm_bighub.policy.parts.part import Part

MAX_LENGTH: Final = 8192
_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443, "ftp": 21}
_URL: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#\\]+)([^?#]*)(?:\?[^#]*)?(?:#.*)?")
_AUTHORITY: Final = re.compile(r"(?:([^@]*)@)?(\[[0-9A-Fa-f:.]+\]|[^@:\[\]]+)(?::([0-9]{0,5}))?", re.ASCII)
_NAME: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?")
_NUMBER: Final = re.compile(r"0[xX][0-9a-fA-F]*|[0-9]+", re.ASCII)
_IGNORED: Final = re.compile("[\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]")


@dataclass(frozen=True, slots=True)
class UrlUse:
    """One address.

    Attributes:
        hosts: all that it may mean: lower case, names in Punycode, IP addresses in their usual form.
        paths: all that it may mean, without dot segments.
        sure: whether nothing else is in it, as a name and password before the host.
    """

    scheme: str
    hosts: tuple[str, ...]
    port: int
    paths: tuple[str, ...]
    sure: bool = True
    kind: str = "url"
    restricts_only: bool = False

    @property
    def shown(self) -> str:
        """The address without query, name and password."""
        port = "" if _PORTS[self.scheme] == self.port else f":{self.port}"
        return f"{self.scheme}://{self.hosts[0]}{port}{self.paths[0]}"


def read_url(text: str) -> UrlUse | None:
    """The address; `None` if it is none that all programs understand alike."""
    if len(text) > MAX_LENGTH or any(character <= " " or character in "\\\x7f" for character in text):
        return None
    match = _URL.fullmatch(text)
    if match is None or match[1].lower() not in _PORTS:
        return None
    authority = _AUTHORITY.fullmatch(match[2])
    if authority is None or any(character.isspace() for character in text):
        return None
    scheme, port = match[1].lower(), authority[3]
    hosts = hosts_of(authority[2])
    number = int(port) if port else _PORTS[scheme]
    if not hosts or number > 65535:
        return None
    return UrlUse(scheme, hosts, number, _paths(match[3]), sure=authority[1] is None)


def hosts_of(text: str) -> tuple[str, ...]:
    """All hosts that a text may mean; none if it is no host."""
    if text.startswith("["):
        return _ipv6(text[1:-1])
    if "%" in text or _IGNORED.search(text):
        return ()
    names = [text.lower()] if text.isascii() else _in_ascii(text)
    found: dict[str, None] = {}
    for name in names:
        plain = name.removesuffix(".")
        if len(plain) > 253 or not _NAME.fullmatch(plain) or ".." in plain:
            return ()
        if _NUMBER.fullmatch(plain.rpartition(".")[2]):
            addresses = _ipv4(plain)
            if not addresses:
                return ()
            found |= dict.fromkeys(addresses)
        else:
            found[plain] = None
    return tuple(found)


def _in_ascii(text: str) -> list[str]:
    """A name in Punycode, by the newer and by the older rules."""
    try:
        mapped = idna.uts46_remap(text, std3_rules=False, transitional=False)
        newer = mapped if mapped.isascii() else idna.encode(mapped, std3_rules=True).decode()
        older = text.encode("idna").decode().lower()
    except (UnicodeError, ValueError):
        return [""]
    return list(dict.fromkeys((newer.lower(), older)))


def _ipv4(text: str) -> list[str]:
    """An IPv4 address in any of its spellings; a part that begins with 0 is read in two ways."""
    octal = _ipv4_with(text, 8)
    if octal is None:
        return []
    decimal = _ipv4_with(text, 10)
    return [octal] if decimal in {None, octal} else [octal, str(decimal)]


def _ipv4_with(text: str, base_of_zero: int) -> str | None:
    parts = text.split(".")
    if len(parts) > 4:
        return None
    numbers: list[int] = []
    for part in parts:
        if not _NUMBER.fullmatch(part):
            return None
        try:
            if part[:2].lower() == "0x":
                numbers.append(int(part[2:] or "0", 16))
            else:
                numbers.append(int(part, base_of_zero if part.startswith("0") else 10))
        except ValueError:
            return None
    *leading, last = numbers
    if any(number > 255 for number in leading) or last >= 256 ** (5 - len(numbers)):
        return None
    value = last + sum(number << (8 * (3 - at)) for at, number in enumerate(leading))
    return str(ipaddress.IPv4Address(value))


def _ipv6(text: str) -> tuple[str, ...]:
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        return ()
    inner = address.ipv4_mapped or address.sixtofour
    return (f"[{address.compressed}]", *((str(inner),) if inner else ()))


def _paths(text: str) -> tuple[str, ...]:
    """The path as it is written, and with everything decoded that a server may decode."""
    found: dict[str, None] = {_normal(text): None}
    for _ in range(3):
        decoded = unquote(text)
        if decoded == text:
            break
        text = decoded
        found[_normal(text)] = None
    return tuple(found)


def _normal(path: str) -> str:
    path = path.replace("\\", "/")
    normal = posixpath.normpath("/" + path.lstrip("/"))
    return normal + "/" if normal != "/" and path.endswith(("/", "/.", "/..")) else normal


_PATTERN: Final = re.compile(r"(\*|[a-z]+)://([^/:\[\]]+|\[[0-9a-f:.]+\])(?::(\*|[0-9]{1,5}))?(/.*)?")


@dataclass(frozen=True)  # without slots: the expressions are kept
class UrlPattern:
    """A pattern of addresses: `https://docs.python.org/**`. Without a path it is for the whole host.

    `*` in a host is any characters, in a path those of one segment; `**` is any path. `*` as scheme or port is any.
    """

    text: str

    def __post_init__(self) -> None:
        """Refuse what is no pattern.

        Raises:
            ValueError: it is not one.
        """
        _ = self._parts

    @cached_property
    def _parts(self) -> tuple[str, Fits, int | None, Fits]:
        match = _PATTERN.fullmatch(self.text)
        if match is None or not (match[1] == "*" or match[1] in _PORTS):
            raise ValueError("a pattern of addresses is https://host, https://*.host:8080 or https://host/path/**")
        scheme, host, port, path = match.groups()
        if "?" in self.text or "#" in self.text:
            raise ValueError("a pattern of addresses has no query and no fragment")
        if host.isascii() and "*" in host:
            name = host.lower()
        else:
            hosts = hosts_of(host)
            if len(hosts) != 1 and not host.startswith("["):
                raise ValueError(f"`{host}` is no clear host")
            name = hosts[0] if hosts else host
        number = None if port == "*" or (port is None and scheme == "*") else int(port or _PORTS.get(scheme, 0))
        return (
            scheme,
            whole("".join("(?s:.*)" if part == "*" else literal(part) for part in re.split(r"(\*)", name) if part)),
            number,
            whole("(?s:.*)" if path is None else _path_expression(path)),
        )

    def fits(self, part: Part, *, allows: bool) -> bool:
        """Whether the address is one of these."""
        if not isinstance(part, UrlUse):
            return False
        scheme, host, port, path = self._parts
        if scheme not in {"*", part.scheme} or port not in {None, part.port}:
            return False
        hosts, paths = map(host, part.hosts), map(path, part.paths)
        if allows:
            return part.sure and all(hosts) and all(paths)
        return any(hosts) and any(paths)


def _path_expression(path: str) -> str:
    found = ""
    for piece in re.split(r"(/\*\*$|\*\*|\*)", path):
        found += {"/**": "(?:/(?s:.*))?", "**": "(?s:.*)", "*": "[^/]*"}.get(piece, literal(piece))
    return found
