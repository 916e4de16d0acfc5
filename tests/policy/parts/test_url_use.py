"""An address is what all programs take it for; where they differ it is known by all that it may mean, or not at all."""

from __future__ import annotations

import ipaddress
import warnings
from urllib.parse import urlsplit

import httpx
import pytest
import yarl
from hypothesis import example, given, strategies as st

from litellm_bighub.policy.parts.part import WHOLE_CALL
from litellm_bighub.policy.parts.url_use import MAX_LENGTH, UrlPattern, hosts_of, read_url


def fits(pattern, url, *, allows=True):
    part = read_url(url)
    return part is not None and UrlPattern(pattern).fits(part, allows=allows)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://docs.python.org/3/", "https://docs.python.org/3/"),
        ("HTTPS://DOCS.Python.ORG:443", "https://docs.python.org/"),
        ("https://docs.python.org./a?q=1#f", "https://docs.python.org/a"),
        ("https://a:8080/x/../y", "https://a:8080/y"),
        ("https://a:/x", "https://a/x"),
        ("https://user:pw@a/x", "https://a/x"),
        ("https://bücher.de/", "https://xn--bcher-kva.de/"),
        ("https://xn--bcher-kva.de/", "https://xn--bcher-kva.de/"),
        ("https://\uff47\uff4f\uff4f\uff47\uff4c\uff45.com/", "https://google.com/"),
        ("https://a。b/", "https://a.b/"),
        ("http://127.1/", "http://127.0.0.1/"),
        ("http://2130706433/", "http://127.0.0.1/"),
        ("http://0x7f.1/", "http://127.0.0.1/"),
        ("http://0x/", "http://0.0.0.0/"),
        ("http://①②⑦.0.0.1/", "http://127.0.0.1/"),
        ("http://[::1]:80/", "http://[::1]/"),
        ("http://[0:0::1]/", "http://[::1]/"),
        ("https://a/x/./y/", "https://a/x/y/"),
        ("https://a/x/..", "https://a/"),
    ],
)
def test_an_address_is_shown_in_one_spelling(url, shown):
    part = read_url(url)
    assert part is not None
    assert part.shown == shown


@pytest.mark.parametrize(
    "url",
    [
        *("", "a", "docs.python.org/3", "https:docs.python.org", "https:/docs.python.org", "https:///docs.python.org"),
        *("javascript:alert(1)", "file:///etc/passwd", "data:text/html,x", "gopher://a/", "//docs.python.org/"),
        *(" https://a/", "https://a/ ", "https://a\t.b/", "https://a/\nb", "https://a\\@b/", "https://a/b\\c"),
        *(
            "https://a@b@c/",
            "https://a%2eb/",
            "https://[::1",
            "https://[::1%eth0]/",
            "https://a:b/",
            "https://a:99999/",
        ),
        *("https://a..b/", "https://.a/", "https://-/", "https://a b/", "https://a\u00a0b/", "https://a\u200bb/"),
        *("http://256.1.1.1/", "http://1.2.3.4.5/", "http://0x1g.1/", "http://1.2.3.08/", "http://a.1/", "http://09/"),
        *(
            "https://[zz::1]/",
            "https://[1:2]/",
            "https://a,b/",
            "https://a<b/",
            "https://\ud800/",
            "https://a:\u0661/",
            "https://" + "a" * 300,
        ),
        "https://a/" + "x" * MAX_LENGTH,
        *("https://\u2100.com/", "https://xn--\u00fc.de/", "http://1.256.1/", "http://4294967296/"),
    ],
)
def test_what_programs_read_differently_is_not_understood(url):
    assert read_url(url) is None


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("0177.0.0.1", ("127.0.0.1", "177.0.0.1")),
        ("127.0.0.1", ("127.0.0.1",)),
        ("010.0.0.256", ()),
        ("08.0.0.1", ()),
        ("straße.de", ("xn--strae-oqa.de", "strasse.de")),
        ("[::ffff:127.0.0.1]", ("[::ffff:7f00:1]", "127.0.0.1")),
        ("[2002:7f00:1::]", ("[2002:7f00:1::]", "127.0.0.1")),
        ("a_b.c", ("a_b.c",)),
    ],
)
def test_all_hosts_that_a_text_may_mean(text, hosts):
    assert hosts_of(text) == hosts


@pytest.mark.parametrize(
    ("pattern", "url", "allowed", "blocked"),
    [
        ("https://docs.python.org", "https://docs.python.org/3/x", True, True),
        ("https://docs.python.org/**", "https://docs.python.org", True, True),
        ("https://docs.python.org/3/**", "https://docs.python.org/3/x/y", True, True),
        ("https://docs.python.org/3/**", "https://docs.python.org/2/x", False, False),
        ("https://docs.python.org/3/**", "https://docs.python.org/3/../2/x", False, False),
        ("https://docs.python.org/3/**", "https://docs.python.org/3/%2e%2e/2", False, True),
        ("https://docs.python.org/3/**", "https://docs.python.org/3/%252e%252e/2", False, True),
        ("https://docs.python.org/3/*", "https://docs.python.org/3/a%2fb", False, True),
        ("https://docs.python.org/3/*", "https://docs.python.org/3/%25252525", True, True),
        ("https://docs.python.org/a**z", "https://docs.python.org/a/b/z", True, True),
        ("https://docs.python.org", "http://docs.python.org/", False, False),
        ("https://docs.python.org", "https://docs.python.org:8443/", False, False),
        ("https://docs.python.org:*", "https://docs.python.org:8443/", True, True),
        ("https://docs.python.org:8443", "https://docs.python.org:8443/", True, True),
        ("*://docs.python.org", "http://docs.python.org:81/", True, True),
        ("https://docs.python.org", "https://docs.python.org@evil.com/", False, False),
        ("https://evil.com", "https://docs.python.org@evil.com/", False, True),
        ("https://docs.python.org", "https://docs.python.org.evil.com/", False, False),
        ("https://*.python.org", "https://docs.python.org/", True, True),
        ("https://*.python.org", "https://evilpython.org/", False, False),
        ("http://127.0.0.1", "http://0177.1/", False, True),
        ("http://[::1]", "http://[0::1]/", True, True),
        ("https://BÜCHER.de", "https://xn--bcher-kva.de/", True, True),
        ("https://strasse.de", "https://straße.de/", False, True),
    ],
)
def test_allowing_needs_all_and_blocking_one(pattern, url, allowed, blocked):
    assert (fits(pattern, url), fits(pattern, url, allows=False)) == (allowed, blocked)


@pytest.mark.parametrize(
    "pattern",
    [
        "docs.python.org",
        "gopher://a",
        "https://",
        "https://a?b",
        "https://a/x#y",
        "https://a b",
        "https://straße.de",
        "",
    ],
)
def test_what_is_no_pattern_is_refused(pattern):
    with pytest.raises(ValueError, match=r"pattern|clear host"):
        UrlPattern(pattern)


def test_other_parts_do_not_fit():
    assert not UrlPattern("https://a").fits(WHOLE_CALL, allows=False)


def host_by(reader, url):
    """The host that a client would connect to; `None` if it refuses the address."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            match reader:
                case "urllib":
                    return urlsplit(url).hostname
                case "httpx":
                    return httpx.URL(url).raw_host.decode()
                case _:
                    return yarl.URL(url).raw_host
        except (ValueError, UnicodeError, httpx.InvalidURL):
            return None


_PIECES = [
    "https://",
    "HTTP://",
    "http:",
    "/",
    "//",
    "\\",
    "@",
    ":",
    ":80",
    "?",
    "#",
    "docs.python.org",
    "evil.com",
    "%2e",
]
_PIECES += [
    "127.0.0.1",
    "0x7f.1",
    "[::1]",
    ".",
    "..",
    "ü",
    "ß",
    "。",
    " ",
    "\t",
    "\uff41",
    "-",
    "a",
    "1",
    ";",
    "[",
    "]",
    "\u200b",
]
PIECES = st.sampled_from(_PIECES)


@given(
    st.lists(PIECES, max_size=7).map("".join) | st.tuples(PIECES, PIECES, PIECES).map(lambda p: "https://" + "".join(p))
)
@example("https://evil.com\\@docs.python.org/")
@example("https://docs.python.org#@evil.com")
def test_no_client_connects_elsewhere(url):
    part = read_url(url)
    if part is None:
        return
    for reader in ("urllib", "httpx", "yarl"):
        host = host_by(reader, url)
        if host:
            inner = host.strip("[]")
            try:
                seen = (f"[{ipaddress.IPv6Address(inner).compressed}]",)
            except ValueError:
                seen = hosts_of(host)
            assert set(seen) & set(part.hosts), (reader, host, part.hosts)
            assert part.port == {"http": 80, "https": 443}[part.scheme] or f":{part.port}" in url


@given(
    st.sampled_from(["docs.python.org", "127.0.0.1", "bücher.de"]),
    st.sampled_from(
        [
            str.upper,
            str.lower,
            lambda host: host + ".",
            lambda host: "".join(chr(ord(c) + 0xFEE0) if c.isascii() and c.isalnum() else c for c in host),
        ]
    ),
    st.sampled_from(["", ":443", ":", ":0443"]),
)
def test_spellings_of_a_host_decide_alike(host, spelled, port):
    assert fits(f"https://{host}/**", f"https://{spelled(host)}{port}/x")
