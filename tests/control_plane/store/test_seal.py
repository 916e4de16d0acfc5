"""Sealed texts: they open with any of the keys, and only where they were sealed for."""

from __future__ import annotations

import base64
import os

import pytest
from hypothesis import given, strategies as st

from litellm_bighub.control_plane.store.seal import VARIABLE, Sealing
from litellm_bighub.errors import ConfigurationError

OLD, NEW = os.urandom(32), os.urandom(32)
PLACE = ("approval", "apr_1", "iban")


@given(text=st.text(st.characters()), place=st.lists(st.text(), max_size=3))
def test_a_sealed_text_opens_in_its_place(text: str, place: list[str]) -> None:
    """Whatever the text and the place are, half surrogate pairs included."""
    sealing = Sealing([NEW])
    assert sealing.open(sealing.seal(text, *place), *place) == text


def test_a_sealed_text_does_not_hold_what_it_seals() -> None:
    """Nor does the same text look the same twice."""
    sealing = Sealing([NEW])
    first, second = sealing.seal("DE89370400440532013000", *PLACE), sealing.seal("DE89370400440532013000", *PLACE)
    assert first != second
    assert b"DE89" not in base64.urlsafe_b64decode(first.rpartition(".")[2])


@pytest.mark.parametrize(
    "place",
    [
        ("approval", "apr_2", "iban"),
        ("approval", "apr_1", "card"),
        ("approval", "apr_1"),
        ("approval", "apr_1iban", ""),
    ],
    ids=["another approval", "another path", "a shorter place", "the same letters"],
)
def test_a_sealed_text_stays_shut_elsewhere(place: tuple[str, ...]) -> None:
    """A row that was moved to another approval shows nothing."""
    sealing = Sealing([NEW])
    assert sealing.open(sealing.seal("secret", *PLACE), *place) is None


def test_the_first_key_seals_and_all_open() -> None:
    """A new key goes before the old one, and the old one goes when nothing of it waits."""
    before = Sealing([OLD]).seal("secret", *PLACE)
    both = Sealing([NEW, OLD])
    assert both.open(before, *PLACE) == "secret"
    assert Sealing([NEW]).open(both.seal("secret", *PLACE), *PLACE) == "secret"
    assert Sealing([NEW]).open(before, *PLACE) is None


@given(sealed=st.text())
def test_what_was_never_sealed_stays_shut(sealed: str) -> None:
    """Whatever stands in the row, opening it does not fail."""
    sealing = Sealing([NEW])
    genuine = sealing.seal("secret", *PLACE)
    assert sealing.open(sealed, *PLACE) is None
    assert sealing.open(genuine[:12] + sealed, *PLACE) is None


def test_an_altered_text_stays_shut() -> None:
    """Any letter of it counts."""
    sealing = Sealing([NEW])
    genuine = sealing.seal("secret 1", *PLACE)  # 36 bytes with nonce and tag, so that base64 has no bits to spare
    assert not genuine.endswith("=")
    for at in range(len(genuine)):
        altered = genuine[:at] + ("A" if genuine[at] != "A" else "B") + genuine[at + 1 :]
        assert sealing.open(altered, *PLACE) is None


def test_the_environment_names_the_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several are told apart by commas."""
    monkeypatch.setenv(VARIABLE, f"{base64.b64encode(NEW).decode()}, {base64.b64encode(OLD).decode()}")
    sealing = Sealing.from_environment()
    assert sealing is not None
    assert sealing.open(Sealing([OLD]).seal("secret", *PLACE), *PLACE) == "secret"
    assert Sealing([NEW]).open(sealing.seal("secret", *PLACE), *PLACE) == "secret"


@pytest.mark.parametrize("text", [None, "", " "])
def test_an_environment_without_keys_seals_nothing(monkeypatch: pytest.MonkeyPatch, text: str | None) -> None:
    """An empty variable is none."""
    monkeypatch.delenv(VARIABLE, raising=False)
    if text is not None:
        monkeypatch.setenv(VARIABLE, text)
    assert Sealing.from_environment() is None


@pytest.mark.parametrize(
    "bad",
    ["password", base64.b64encode(b"x" * 31).decode(), base64.b64encode(b"x" * 33).decode(), "", "schlüssel", "%" * 44],
    ids=["a word", "too short", "too long", "nothing", "not ASCII", "no base64"],
)
def test_an_unusable_key_stops_the_start(monkeypatch: pytest.MonkeyPatch, bad: str) -> None:
    """One line says which, and nothing of the key."""
    monkeypatch.setenv(VARIABLE, f"{base64.b64encode(NEW).decode()},{bad}")
    with pytest.raises(ConfigurationError) as error:
        Sealing.from_environment()
    assert str(error.value) == (f"{VARIABLE}: key 2 is not 32 bytes in base64; make one with `openssl rand -base64 32`")
