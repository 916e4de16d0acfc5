"""Mails: headers before texts, and HTML as it looks, without whatever could act or reach the network."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Final, Literal

from litellm_bighub.control_plane.inbox.views.text_block import TextBlock, text_block
from litellm_bighub.control_plane.inbox.views.text_runs import text_runs
from litellm_bighub.domain.call import JSON

RECIPIENTS: Final = ("to", "recipient", "recipients", "cc", "bcc")
_HEADERS: Final = ("from", "sender", "reply_to", *RECIPIENTS, "subject")
_BODIES: Final = ("body", "text", "html", "html_body", "content", "message")
_TAGS: Final = frozenset(
    {"p", "br", "div", "span", "b", "strong", "i", "em", "u", "s", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li"}
    | {
        "table",
        "thead",
        "tbody",
        "tfoot",
        "tr",
        "td",
        "th",
        "blockquote",
        "pre",
        "code",
        "hr",
        "small",
        "sub",
        "sup",
        "a",
    }
)
_EMPTY: Final = frozenset({"br", "hr"})
_UNREAD: Final = frozenset({"script", "style", "title", "noscript", "template", "iframe", "object", "svg", "math"})
_BLANKS: Final = re.compile(r"[ \t\n\xa0]+")
_TAG: Final = re.compile(r"</?(?:p|div|h\d|ul|ol|li|tr|blockquote|pre|br|hr)>")
_BREAKS: Final = re.compile(r"<(?:p|h\d|ul|ol|li|tr|blockquote|pre|hr)>")
_LINE: Final = 48
_LOWEST, _HIGHEST = 96, 448
_HEAD: Final = (
    '<!doctype html><meta charset="utf-8"><meta name="color-scheme" content="light dark">'
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'">'
)


@dataclass(frozen=True, slots=True)
class MailBlock:
    """An HTML text.

    Attributes:
        preview: a page for a sandboxed frame.
        height: of the frame, in pixels: about what the page takes on a phone, within bounds.
        source: as it was written.
    """

    preview: str
    source: TextBlock
    height: int
    kind: Literal["html"] = "html"


def is_mail(arguments: Mapping[str, JSON]) -> bool:
    """Whether arguments look like those of a mail."""
    names = {name.lower() for name in arguments}
    return bool(names & set(RECIPIENTS)) and ("subject" in names or bool(names & set(_BODIES)))


def mail_order(arguments: Mapping[str, JSON]) -> list[str]:
    """The names of a mail's arguments: headers first, bodies last."""

    def place(name: str) -> int:
        known = name.lower()
        if known in _HEADERS:
            return _HEADERS.index(known)
        return len(_HEADERS) + (known in _BODIES)

    return sorted(arguments, key=place)


def is_html(text: str) -> bool:
    """Whether a text is HTML."""
    start = text[:2000].lower()
    return "<" in start and any(f"<{tag}" in start for tag in ("html", "body", "p>", "p ", "div", "br", "table", "a "))


def html_block(text: str, longest: int | None = None) -> MailBlock:
    """An HTML text as it looks and as it was written."""
    page = preview(text if longest is None else text[:longest])
    return MailBlock(page, text_block(text, longest), _height(page))


def preview(text: str) -> str:
    """The page of an HTML text: its words and their shape. Where a link leads is written behind it."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return _HEAD + "".join(reader.out)


def _height(page: str) -> int:
    pieces = _TAG.split(page.removeprefix(_HEAD))
    lines = sum(-(-len(piece) // _LINE) for piece in pieces)
    return min(max(_LOWEST, 20 * lines + 22 * len(_BREAKS.findall(page))), _HIGHEST)


class _Reader(HTMLParser):
    """Keeps words and plain tags; no attribute of the text's survives."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self._unread: list[str] = []
        self._links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Write the tag, if it is a plain one."""
        told = dict(attrs)
        if tag in _UNREAD:
            self._unread.append(tag)
        elif tag == "img":
            self._text(f"[image: {told.get('alt') or ''} {told.get('src') or ''}]")
        elif tag in {"form", "input", "button", "select", "textarea"}:
            self._text(f"[{tag} {told.get('action') or told.get('name') or ''}]")
        elif tag in _TAGS and not self._unread:
            if tag == "a":
                self._links.append(told.get("href") or "")
                tag = "u"
            self.out.append(f"<{tag}>")

    def handle_endtag(self, tag: str) -> None:
        """Write the end of a plain tag, and behind a link where it leads."""
        if self._unread:
            if tag == self._unread[-1]:
                self._unread.pop()
        elif tag == "a" and self._links:
            self.out.append("</u>")
            self._text(f" [{self._links.pop()}]")
        elif tag in _TAGS - _EMPTY - {"a"}:
            self.out.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        """Write words."""
        self._text(data)

    def _text(self, text: str) -> None:
        if not self._unread:
            runs = text_runs(_BLANKS.sub(" ", text))
            self.out.append(html.escape("".join(run.text for run in runs)))
