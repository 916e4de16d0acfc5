"""Who asks, as authentication says; and ids of responses in the forms in which LiteLLM hands them out."""

from __future__ import annotations

import hashlib
import re

import pytest
from hypothesis import given, strategies as st
from litellm.proxy._types import UserAPIKeyAuth
from litellm.proxy.hooks.responses_id_security import ResponsesIDSecurity
from litellm.responses.utils import ResponsesAPIRequestUtils
from litellm.types.llms.base import BaseLiteLLMOpenAIResponseObject

from litellm_bighub.agent.settings import AgentSettings
from litellm_bighub.errors import AdapterConfigurationError, ConfigurationError
from litellm_bighub.gateway.conversation.identity import NOBODY, call_context, in_same_form, upstream_id
from litellm_bighub.gateway.hooks.translation.responses_handler import OpenAIResponsesHandler
from litellm_bighub.gateway.pipeline.request_scope import enter, request_scope
from litellm_bighub.gateway.setup.configuration import read_settings
from litellm_bighub.settings import GuardrailSettings

OWNERS = [UserAPIKeyAuth(user_id="u-1", team_id="t-1"), UserAPIKeyAuth(user_id="u-1"), UserAPIKeyAuth()]


def made(response_id: str) -> str:
    return ResponsesAPIRequestUtils._build_responses_api_response_id("openai", "deployment-1", response_id)


def encrypted(response_id: str, owner: UserAPIKeyAuth) -> str:
    holder = BaseLiteLLMOpenAIResponseObject.model_validate({"id": made(response_id)})
    return ResponsesIDSecurity()._encrypt_response_id(holder, owner).id


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("LITELLM_SALT_KEY", "sk-salt")


@pytest.mark.parametrize("owner", OWNERS, ids=["user and team", "user", "nobody"])
def test_an_encrypted_id_stays_its_owners(owner):
    following = in_same_form(encrypted("resp_1", owner), "resp_1", made("resp_2"))

    assert ResponsesIDSecurity()._is_encrypted_response_id(following)
    found, user, team = ResponsesIDSecurity()._decrypt_response_id(following)
    assert (found, user, team) == (made("resp_2"), owner.user_id or "", owner.team_id or "")
    assert upstream_id(following, encrypted=True) == "resp_2"


@pytest.mark.parametrize("given", [made("resp_1"), "resp_1"], ids=["LiteLLM's", "the upstream's"])
def test_an_id_that_is_not_encrypted_becomes_one_that_is_not(given):
    assert in_same_form(given, "resp_1", made("resp_2")) == made("resp_2")


WHO = UserAPIKeyAuth(
    key_alias="billing", user_id="u-77", team_id="t-1", team_alias="support", jwt_claims={"azp": "agent-7", "exp": 9}
)


@pytest.mark.parametrize(
    ("sources", "authenticated", "actor"),
    [
        (["key", "user"], WHO, "key:billing"),
        (["user", "key"], WHO, "user:u-77"),
        (["team"], WHO, "team:support"),
        (["team"], UserAPIKeyAuth(team_id="t-1"), "team:t-1"),
        (["claim:azp", "key"], WHO, "claim:azp=agent-7"),
        (["claim:none", "claim:exp", "user"], WHO, "user:u-77"),
        (["claim:azp", "team"], UserAPIKeyAuth(), "AI_AGENT"),
        (["claim:azp", "team"], None, "AI_AGENT"),
    ],
)
def test_the_operator_says_what_names_the_actor(sources, authenticated, actor):
    """What the request itself says of claims and teams counts for nothing."""
    claims = {"jwt_claims": {"azp": "another"}, "metadata": {"user_api_key_team_alias": "another"}, "user": "another"}
    context = call_context(authenticated, claims, None, actor="AI_AGENT", domain="custom", actor_from=sources)

    assert context.actor == actor


POSING = {
    "metadata": {"user_api_key_alias": "admin", "user_api_key_team_alias": "admin"},
    "key_alias": "admin",
    "team": "admin",
    "user": "eva",
}


@pytest.mark.parametrize("authenticated", [UserAPIKeyAuth(), UserAPIKeyAuth(end_user_id="eva"), None])
def test_a_request_names_its_end_user_and_nobody_else(authenticated):
    """The gateway reads the end user out of the request; in code that is done here."""
    context = call_context(authenticated, POSING, None, actor="AI_AGENT", domain="custom")
    assert (context.user, context.team, context.key_alias) == ("", "", "")
    assert context.end_user == ("" if authenticated == UserAPIKeyAuth() else "eva")


@pytest.mark.parametrize("source", ["alias", "claim:", "claim:a b", "claim:a=b", "claim:*", ""])
def test_what_names_no_actor_is_refused(source):
    with pytest.raises(ConfigurationError, match="actor_from"):
        read_settings(GuardrailSettings, "bighub", {"actor_from": [source]})


SECRETS = ["sk-1234", "Bearer sk-1234", "my-own-key", "litellm_proxy_master_key", "ü\ud800", "a.b.c", "h" * 64]
NAMES = st.text(max_size=12) | st.sampled_from([*sorted(NOBODY), "u-77", "key:u-77", "user:u-77"])


def asked(authenticated, **request):
    return call_context(authenticated, request, None, actor="AI_AGENT", domain="custom")


@pytest.mark.parametrize("secret", SECRETS)
def test_a_key_is_told_apart_by_a_hash_and_never_by_itself(secret):
    """Whatever an authentication calls a key; LiteLLM hashes those that begin with `sk-`."""
    keys = [asked(UserAPIKeyAuth(api_key=each)).key for each in (secret, secret, f"{secret}x")]
    assert keys[0] == keys[1] != keys[2]
    assert all(re.fullmatch(r"[0-9a-f]{64}", key) for key in keys)


def test_litellms_own_hash_is_kept():
    """So that records can be joined with its own."""
    assert asked(UserAPIKeyAuth(api_key="sk-1234")).key == hashlib.sha256(b"sk-1234").hexdigest()


def test_without_a_key_there_is_none():
    assert asked(None).key == asked(UserAPIKeyAuth(user_id="u")).key == ""


@pytest.mark.parametrize(("user", "is_one"), [("u", True), (None, False)])
def test_all_tokens_of_a_user_are_one_caller(user, is_one):
    """A JWT is another after each login; without a user nothing else tells its callers apart."""
    tokens = [f"hashed-jwt-{digit * 64}" for digit in "ab"]
    keys = [asked(UserAPIKeyAuth(token=token, user_id=user)).key for token in tokens]
    assert (keys[0] == keys[1]) == is_one
    assert (keys == ["", ""]) == is_one


@given(alias=NAMES, user=NAMES)
def test_no_name_that_people_choose_is_anothers(alias, user):
    key, own = asked(UserAPIKeyAuth(key_alias=alias)).actor, asked(UserAPIKeyAuth(user_id=user)).actor
    assert key == ("AI_AGENT" if alias in NOBODY else f"key:{alias}")
    assert own == ("AI_AGENT" if user in NOBODY else f"user:{user}")
    assert key != own or key == "AI_AGENT"


@given(alias=NAMES.filter(lambda name: name not in NOBODY), user=NAMES)
def test_a_key_is_named_before_its_user_and_both_are_told(alias, user):
    context = asked(
        UserAPIKeyAuth(api_key="sk-1", key_alias=alias, user_id=user), user="root", metadata={"user": "root"}
    )
    assert (context.actor, context.user) == (f"key:{alias}", user)


@pytest.mark.format("responses")
@pytest.mark.parametrize("name", ["key:", "key:billing-x", "user:u-77"])
def test_no_operators_name_looks_like_a_keys_or_a_users(name, monkeypatch):
    """Neither in a config, nor in the environment, nor in code."""
    with pytest.raises(ConfigurationError, match=r"^texts\.actor: .*key: or user:"):
        read_settings(GuardrailSettings, "texts", {"actor": name})
    with pytest.raises(ConfigurationError, match=r"^actor: must not begin"):
        OpenAIResponsesHandler(actor=name)
    monkeypatch.setenv("LITELLM_BIGHUB_ACTOR", name)
    with pytest.raises(ConfigurationError, match=r"actor: .*key: or user:"):
        read_settings(GuardrailSettings, "texts", {})
    with pytest.raises(AdapterConfigurationError, match="actor"):
        AgentSettings(actor=name)


def test_only_the_request_itself_goes_on_from_its_turn():
    """Two streams in one task may be read in turns."""
    request = {"input": "go"}
    before = request_scope()
    enter(before._replace(turn=(request, "digest")))
    contexts = [call_context(None, each, None, actor="a", domain="d") for each in (request, dict(request))]
    enter(before)
    assert [context.turn for context in contexts] == ["digest", ""]
    assert call_context(None, request, None, actor="a", domain="d").turn == ""


@pytest.mark.parametrize(
    ("response", "heard", "of_answer"),
    [
        pytest.param(None, (), False, id="a request"),
        pytest.param({"id": "resp_1"}, (), True, id="a whole answer"),
        pytest.param(None, ({"choices": []},), True, id="a stream whose events hold no response"),
    ],
)
def test_only_a_call_of_an_answer_belongs_into_the_ledger(response, heard, of_answer):
    """What a request lists is decided on, too, and has no result of its own."""
    assert call_context(None, {}, response, actor="a", domain="d", heard=heard).of_answer is of_answer
