"""Every version of the policy is kept from its first use on."""

from __future__ import annotations

from litellm_bighub.control_plane.store.tables import policies


def test_a_version_is_remembered_from_its_first_use(connection):
    assert policies.remember(connection, "v1", "one", 1.0)
    assert not policies.remember(connection, "v1", "one again", 2.0)

    assert policies.get(connection, "v1") == (1.0, "one")
    assert policies.get(connection, "v2") is None


def test_versions_are_listed_the_newest_first(connection):
    for at, version in enumerate(("v1", "v2", "v3")):
        policies.remember(connection, version, f"body of {version}", at)

    assert policies.listed(connection, 2) == [("v3", 2.0, "body of v3"), ("v2", 1.0, "body of v2")]


def test_the_version_before_is_the_last_that_was_first_used_earlier(connection):
    for at, version in enumerate(("v1", "v2", "v3")):
        policies.remember(connection, version, f"body of {version}", at)

    assert policies.before(connection, 2.0) == "body of v2"
    assert policies.before(connection, 0.0) is None
