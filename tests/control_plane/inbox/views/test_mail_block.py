"""HTML as it looks, without anything that acts or reaches the network."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings, strategies as st

from litellm_bighub.control_plane.inbox.views.mail_block import html_block, is_html, is_mail, mail_order, preview
from tests.control_plane.inbox.views import HOSTILE, UNSEEN

TAGS = st.sampled_from(
    ["<p onclick=x>", "</p>", "<a href='//evil'>", "</a>", "<img src=//evil>", "<link rel=dns-prefetch href=//evil>",
     "<script>", "</script>", "<style>", "</style>", "<svg onload=x>", "<iframe src=//evil>", "<base href=//evil>",
     "<meta http-equiv=refresh content='0;//evil'>", "<form action=//evil>", "<object data=//evil>",
     "<table background=//evil>",
     "<!--", "-->", "<![CDATA[", "]]>", "<p", "&lt;script&gt;", "&#x202e;", "words", "<textarea>",
     "<title>", "<plaintext>"]
)  # fmt: skip
PLAIN = {"p", "u", "b", "br", "div", "table", "tr", "td", "li", "ul", "h2", "strong", "span"}


class Seen(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes = set(), []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs


def body(text):
    return preview(text).partition("default-src 'none'\">")[2]


def test_words_and_their_shape_stay():
    assert body("<h2>Dear <b>you</b></h2><br>") == "<h2>Dear <b>you</b></h2><br>"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<a href='https://evil/x'>bank.com</a>", "<u>bank.com</u> [https://evil/x]"),
        ("<img src='https://evil/p.png' alt='logo'>", "[image: logo https://evil/p.png]"),
        ("<form action='/x'><input name=card>", "[form /x][input card]"),
        ("a<script>alert(1)</script>b<style>p{}</style>c", "abc"),
        ("<p style='display:none' onclick='x()'>hidden</p>", "<p>hidden</p>"),
        ("a\u202eb &lt;b&gt;", "a\\u202eb &lt;b&gt;"),
        ("</a></p>", "</p>"),
    ],
)
def test_what_could_act_is_words_or_gone(text, expected):
    assert body(text) == expected


@settings(max_examples=60)
@given(st.lists(TAGS | HOSTILE, max_size=10).map("".join))
def test_nothing_of_it_acts(text):
    seen = Seen(body(text))
    assert seen.attributes == []
    assert not seen.tags - PLAIN
    assert not UNSEEN & set(body(text))


def test_the_source_stays_beside_the_preview():
    block = html_block("<p>x</p>", 4)
    assert (block.source.left_out, body("<p>x")) == (4, "<p>x")


@pytest.mark.parametrize(
    ("text", "height"),
    [("<p>x</p>", 96), ("<h2>x</h2>" + "<p>" + "word " * 20 + "</p>" + "<li>x</li>" * 2, 208), ("<p>x</p>" * 99, 448)],
    ids=["short", "middle", "long"],
)
def test_the_frame_is_about_as_high_as_the_mail(text, height):
    assert html_block(text).height == height


@pytest.mark.parametrize(
    ("text", "expected"), [("<p>x</p>", True), ("a < b", False), ("<HTML>", True), ("plain", False)]
)
def test_html_is_recognised(text, expected):
    assert is_html(text) == expected


def test_a_mails_headers_come_first():
    mail = {"body": "x", "priority": 1, "Subject": "s", "to": "a"}
    assert is_mail(mail)
    assert mail_order(mail) == ["to", "Subject", "priority", "body"]
    assert not is_mail({"subject": "x", "body": "y"})
