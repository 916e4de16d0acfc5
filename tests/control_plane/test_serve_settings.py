"""The settings of `serve`: options above the environment above the file, and nothing unknown."""

from __future__ import annotations

import pytest

from litellm_bighub.control_plane.serve_settings import read_serve_settings
from litellm_bighub.errors import ConfigurationError
from litellm_bighub.settings import ServeSettings

SLACK = "public_url: https://b.org\nslack: {channel: C024BE91L"
OIDC = "public_url: https://b.org\noidc: {issuer: https://id.org, client_id: b, roles: {all: [viewer]}"

SMTP = "public_url: https://b.org\nsmtp: {host: mail.b.org, sender: b@b.org"


@pytest.fixture
def read(tmp_path):
    def read_(text=None, path=None):
        if text is not None:
            (tmp_path / "bighub_serve.yaml").write_text(text)
        return read_serve_settings(path, tmp_path)

    return read_


def test_without_a_file_the_defaults_hold(read):
    assert read() == ServeSettings()


def test_the_environment_counts_above_the_file(read, monkeypatch):
    monkeypatch.setenv("LITELLM_BIGHUB_SERVE_PORT", "9000")
    monkeypatch.setenv("LITELLM_BIGHUB_SERVE_TRUST_PROXY", '["10.0.0.1"]')
    monkeypatch.setenv("PUBLIC", "https://bighub.example.com")
    found = read("port: 8000\nhost: 0.0.0.0\npublic_url: os.environ/PUBLIC\n")
    assert (found.port, found.host, found.trust_proxy) == (9000, "0.0.0.0", ["10.0.0.1"])
    assert found.public_url == "https://bighub.example.com"


def test_the_password_of_mail_comes_from_the_environment(read, monkeypatch):
    monkeypatch.setenv("LITELLM_BIGHUB_SERVE_SMTP__PASSWORD", "of the environment")
    found = read(f"{SMTP}, username: bighub, groups: {{finance: f@b.org}}}}").smtp
    assert found.password.get_secret_value() == "of the environment"
    assert "of the environment" not in repr(found)
    assert (found.port, found.security, found.groups) == (587, "starttls", {"finance": "f@b.org"})


@pytest.mark.parametrize(
    ("text", "key", "problem"),
    [
        ("prot: 1", "bighub_serve.yaml.prot", "did you mean port?"),
        ("port: many", "serve.port", "valid integer"),
        ("public_url: 'https://x/inbox'", "serve.public_url", "pattern"),
        (f"{OIDC}, client_secret: x}}", "bighub_serve.yaml.oidc.client_secret", "environment alone"),
        (f"{OIDC}, isuer: x}}", "serve.oidc.isuer", "not permitted"),
        (f"{OIDC}, scopes: [email]}}", "serve.oidc", "openid"),
        (OIDC.replace("https", "http") + "}", "serve.oidc.issuer", "pattern"),
        (OIDC.replace("viewer", "king") + "}", "serve.oidc.roles.all.0", "viewer"),
        (OIDC.partition("\n")[2] + "}", "serve", "needs public_url"),
        (f"{SMTP}, password: x}}", "bighub_serve.yaml.smtp.password", "environment alone"),
        (f"{SMTP}, username: x}}", "serve.smtp", "username needs a password"),
        (f"{SMTP}, security: none}}", "serve.smtp", "on this machine alone"),
        (f"{SMTP}, groups: {{finance: 'x@b.org, y@b.org'}}}}", "serve.smtp.groups.finance", "pattern"),
        (SMTP.replace("b@b.org", "'B <b@b.org>'") + "}", "serve.smtp.sender", "pattern"),
        (SMTP.partition("\n")[2] + "}", "serve", "needs public_url"),
        (
            f"{SLACK}, bot_token: x}}",
            "bighub_serve.yaml.slack.bot_token",
            "environment alone: LITELLM_BIGHUB_SERVE_SLACK__",
        ),
        (f"{SLACK}, app_token: x}}", "bighub_serve.yaml.slack.app_token", "environment alone"),
        (f"{SLACK}, signing_secret: x}}", "bighub_serve.yaml.slack.signing_secret", "environment alone"),
        (f"{SLACK}}}", "serve.slack.bot_token", "required"),
        (f"{SLACK.replace('C024BE91L', 'general')}}}", "serve.slack.channel", "pattern"),
        ("- port", "", "is no mapping"),
        ("a: [", "", "cannot be read"),
        ("public_url: os.environ/NOWHERE_SET", "bighub_serve.yaml.public_url", "which is not set"),
    ],
)
def test_what_cannot_be_used_stops_the_start(text, key, problem, read):
    with pytest.raises(ConfigurationError) as refused:
        read(text)
    assert refused.value.key.endswith(key)
    assert problem in refused.value.problem


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("LITELLM_BIGHUB_SERVE_PROT", "1"),
        ("LITELLM_BIGHUB_SERVE_OIDC__ISUER", "x"),
        ("LITELLM_BIGHUB_SERVE_SLACK__TOKEN", "x"),
        ("LITELLM_BIGHUB_SERVE_TRUST_PROXY", "10.0.0.1"),
    ],
    ids=["unknown", "unknown of oidc", "unknown of slack", "no JSON"],
)
def test_a_variable_that_cannot_be_used_stops_the_start(variable, value, read, monkeypatch):
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError):
        read()


def test_a_file_that_is_named_must_be_there(read, tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read(path=tmp_path / "nowhere.yaml")


def test_the_provider_of_logins_is_read_from_file_and_environment(read, monkeypatch):
    monkeypatch.setenv("LITELLM_BIGHUB_SERVE_OIDC__CLIENT_SECRET", "hidden")
    monkeypatch.setenv("LITELLM_BIGHUB_SERVE_OIDC__CLIENT_ID", "other")
    found = read(OIDC + "}")
    assert (found.oidc.issuer, found.oidc.client_id) == ("https://id.org", "other")
    assert found.oidc.client_secret.get_secret_value() == "hidden"
    assert "hidden" not in repr(found)


@pytest.mark.parametrize(
    ("secrets", "problem"),
    [
        ({"APP_TOKEN": "xapp"}, ""),
        ({"SIGNING_SECRET": "s"}, ""),
        ({"APP_TOKEN": "xapp", "SIGNING_SECRET": "s"}, "and not both"),
        ({}, "needs app_token"),
    ],
    ids=["socket mode", "signed requests", "both", "neither"],
)
def test_answers_in_slack_arrive_in_one_way(read, monkeypatch, secrets, problem):
    for name, value in {"BOT_TOKEN": "xoxb-hidden", **secrets}.items():
        monkeypatch.setenv(f"LITELLM_BIGHUB_SERVE_SLACK__{name}", value)
    if not problem:
        found = read(f"{SLACK}}}").slack
        assert (found.bot_token.get_secret_value(), "hidden" in repr(found)) == ("xoxb-hidden", False)
        return
    with pytest.raises(ConfigurationError, match=problem):
        read(f"{SLACK}}}")


def test_messages_in_slack_need_a_way_to_the_inbox(read, monkeypatch):
    for name in ("BOT_TOKEN", "APP_TOKEN"):
        monkeypatch.setenv(f"LITELLM_BIGHUB_SERVE_SLACK__{name}", "x")
    with pytest.raises(ConfigurationError, match="slack needs public_url"):
        read("slack: {channel: C024BE91L}")
