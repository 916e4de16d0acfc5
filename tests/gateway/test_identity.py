"""Ids of responses in the forms in which LiteLLM hands them out."""

from __future__ import annotations

import pytest
from litellm.proxy._types import UserAPIKeyAuth
from litellm.proxy.hooks.responses_id_security import ResponsesIDSecurity
from litellm.responses.utils import ResponsesAPIRequestUtils
from litellm.types.llms.base import BaseLiteLLMOpenAIResponseObject

from litellm_bighub.gateway.identity import in_form_of, upstream_id

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
    following = in_form_of(encrypted("resp_1", owner), "resp_1", made("resp_2"))

    assert ResponsesIDSecurity()._is_encrypted_response_id(following)
    found, user, team = ResponsesIDSecurity()._decrypt_response_id(following)
    assert (found, user, team) == (made("resp_2"), owner.user_id or "", owner.team_id or "")
    assert upstream_id(following, encrypted=True) == "resp_2"


@pytest.mark.parametrize("given", [made("resp_1"), "resp_1"], ids=["LiteLLM's", "the upstream's"])
def test_an_id_that_is_not_encrypted_becomes_one_that_is_not(given):
    assert in_form_of(given, "resp_1", made("resp_2")) == made("resp_2")
