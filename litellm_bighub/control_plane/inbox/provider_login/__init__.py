"""Logging in at an identity provider that speaks OpenID Connect."""
