"""Passwords are compared slowly, and as slowly where there is none."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher, extract_parameters

from litellm_bighub.control_plane.people.passwords import DECOY, Passwords, hashed

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("correct horse battery")


@pytest.mark.parametrize(
    ("typed", "stored", "fits"),
    [
        pytest.param("correct horse battery", QUICK, True, id="right"),
        pytest.param("correct horse batterY", QUICK, False, id="wrong"),
        pytest.param("correct horse battery", None, False, id="no user"),
        pytest.param("", "", False, id="a user without a password"),
        pytest.param("x", "no hash", False, id="unreadable"),
        pytest.param("half a pair \ud83d", QUICK, False, id="no text"),
    ],
)
async def test_a_password_fits_its_own_hash_alone(typed, stored, fits):
    assert await Passwords().fits(typed, stored) is fits


def test_an_unknown_user_costs_what_a_known_one_does():
    assert extract_parameters(DECOY) == extract_parameters(hashed("correct horse battery"))
    assert extract_parameters(DECOY).memory_cost == 65536
