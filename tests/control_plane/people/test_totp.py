"""Codes of authenticator apps: the RFC's values, drift, and that each is good once."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from hypothesis import given, strategies as st

from litellm_bighub.control_plane.people import totp

RFC = base64.b32encode(b"12345678901234567890").decode()
"""Of RFC 6238, appendix B, whose codes have eight digits: ours are the last six."""


@pytest.mark.parametrize(("now", "code"), [(59, "287082"), (1111111109, "081804"), (20000000000, "353130")])
def test_the_codes_are_those_of_the_rfc(now, code):
    assert totp.fitting_step(RFC, code, now, after=0) == now // 30


@pytest.mark.parametrize(("drift", "fits"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_a_clock_may_differ_by_one_step(drift, fits):
    assert (totp.fitting_step(RFC, code_at(1_000_000 + drift), 1_000_000, after=0) is not None) is fits


def test_a_step_is_used_up_with_all_before_it():
    used = totp.fitting_step(RFC, code_at(1_000_030), 1_000_000, after=0)
    assert totp.fitting_step(RFC, code_at(1_000_030), 1_000_000, after=used) is None
    assert totp.fitting_step(RFC, code_at(1_000_000), 1_000_000, after=used) is None
    assert totp.fitting_step(RFC, code_at(1_000_060), 1_000_060, after=used) == used + 1


def test_spaces_of_the_app_do_not_count():
    code = code_at(59)
    assert totp.fitting_step(RFC, f" {code[:3]} {code[3:]} ", 59, after=0) == 1


@given(typed=st.text(max_size=20))
def test_whatever_is_typed_is_no_code_or_the_code(typed):
    fits = totp.fitting_step(RFC, typed, 1_000_000, after=0) is not None
    near = {code_at(1_000_000 + drift) for drift in (-30, 0, 30)}
    assert fits is ("".join(typed.split()) in near)


def test_recovery_codes_differ_and_are_read_as_typed():
    codes = totp.new_recovery_codes()
    assert len(set(codes)) == 10
    digest = totp.recovery_digest("user_1", codes[0])
    assert totp.recovery_digest("user_1", f" {codes[0].upper().replace('-', ' ')}") == digest
    assert totp.recovery_digest("user_2", codes[0]) != digest


def code_at(time):
    return TOTP(base64.b32decode(RFC), 6, SHA1(), 30).generate(time).decode()
