"""Who asks: taken from the gateway's authentication, never from a header or body that the caller writes."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Sequence
from functools import cache, partial

from litellm.proxy._types import UserAPIKeyAuth
from litellm.proxy.hooks.responses_id_security import ResponsesIDSecurity
from litellm.responses.utils import ResponsesAPIRequestUtils
from litellm.types.llms.base import BaseLiteLLMOpenAIResponseObject
from litellm.types.llms.openai import ResponsesAPIOptionalRequestParams

from litellm_bighub.domain.actor import CLAIM, KEY, TEAM, USER, without_mark
from litellm_bighub.domain.call import CallContext
from litellm_bighub.domain.call_background import BackgroundExtent
from litellm_bighub.domain.conversation.history import UNKNOWN_TOOL
from litellm_bighub.domain.payload import JsonMapping
from litellm_bighub.formats.payload import fields
from litellm_bighub.formats.requests.background import read_background
from litellm_bighub.gateway.pipeline.request_scope import request_scope
from litellm_bighub.policy.callers.caller_rules import written
from litellm_bighub.settings import ACTOR_SOURCES

logger = logging.getLogger(__name__)

IN_CODE = "litellm_bighub.aresponses"
"""The surface of calls that come through no route and name no other."""

NOBODY = frozenset({"", "default_user_id", "litellm-proxy-master-key"})
"""Names that LiteLLM gives to those whom it does not know."""

_DASHBOARD = "litellm-dashboard"
"""The team of the keys with which people look at LiteLLM's pages. It has no metadata, and nobody can give it any."""

_HASH = re.compile(r"[0-9a-f]{64}")
_KNOWS_CONVERSATIONS = "conversation" in ResponsesAPIOptionalRequestParams.__annotations__
_JWT = "hashed-jwt-"
"""How LiteLLM begins the hash of a JWT, of which each login makes another."""


def call_context(
    user_api_key_dict: UserAPIKeyAuth | None,
    request_data: JsonMapping,
    response: object,
    *,
    actor: str,
    domain: str,
    surface: str = IN_CODE,
    actor_from: Sequence[str] = ACTOR_SOURCES,
    heard: Sequence[object] = (),
    extent: BackgroundExtent = "last_turn",
) -> CallContext:
    """The context of a response's calls.

    Args:
        user_api_key_dict: LiteLLM's authentication, `None` for calls in code.
        request_data: the request; its ids and model are read, its claims about people are not.
        response: whose upstream id is recorded.
        actor: who acts if authentication names no one; an authenticated actor is marked as such.
        domain: the business domain.
        surface: where the call is made, if it comes through no route.
        actor_from: what names the actor, the first that authentication knows; see `ActorSource`.
        heard: the events of a streamed answer so far.
        extent: how much of the conversation approvers read.
    """
    alias = user = team = route = key = rules = ""
    end_user = _text(request_data.get("user"))
    response_id = _text(fields.get(response, "id"))
    if user_api_key_dict is not None:
        alias, user = user_api_key_dict.key_alias or "", user_api_key_dict.user_id or ""
        team = user_api_key_dict.team_alias or user_api_key_dict.team_id or ""
        route = user_api_key_dict.request_route or ""
        key = hashed_key(user_api_key_dict)
        end_user = user_api_key_dict.end_user_id or ""
        if user_api_key_dict.team_metadata is None and user_api_key_dict.team_id not in {None, "", _DASHBOARD}:
            _warn_of_missing_metadata()
        rules = written({"key": user_api_key_dict.metadata, "team": user_api_key_dict.team_metadata})
    names = {"key": KEY + alias, "user": USER + user, "team": TEAM + team}
    named = (names[source] if source in names else _claimed(user_api_key_dict, source) for source in actor_from)
    name = next((name for name in named if without_mark(name) not in NOBODY), actor)
    scope = request_scope()
    turn, outputs = scope.turn, scope.outputs
    return CallContext(
        actor=name,
        domain=domain,
        trace_id=_text(request_data.get("litellm_trace_id")) or _text(request_data.get("litellm_call_id")),
        surface=route or surface,
        model=_text(request_data.get("model")) or _text(fields.get(response, "model")),
        response_id=upstream_id(response_id, encrypted=user_api_key_dict is not None),
        user=user,
        team=team,
        conversation=conversation_id(request_data, response),
        key=key,
        turn=turn[1] if turn is not None and turn[0] is request_data else "",
        key_alias=alias,
        outputs=UNKNOWN_TOOL if outputs is None else outputs,
        history=scope.history,
        end_user=end_user,
        caller_rules=rules,
        background=partial(
            read_background,
            request=request_data,
            answer=response,
            heard=heard,
            extent=extent,
            names=scope.calls,
        ),
        of_answer=response is not None or bool(heard),
    )


@cache
def _warn_of_missing_metadata() -> None:
    """Say once in a process that rules of teams may not hold.

    LiteLLM's keys bring the metadata of their team along. An authentication that names a team and brings none may mean
    one that has rules, or one that LiteLLM does not know: custom authentication without a database has only such teams.
    """
    logger.warning(
        "authentication names a team without its metadata (`team_metadata`): rules of keys hold for such callers, rules"
        " of their teams do not (docs/caller-rules.md)"
    )


def _claimed(authenticated: UserAPIKeyAuth | None, source: str) -> str:
    """The claim that a source names, out of the token that LiteLLM has verified; empty if it has no such text."""
    name = source.removeprefix(CLAIM)
    value = _text(((authenticated and authenticated.jwt_claims) or {}).get(name))
    return f"{CLAIM}{name}={value}" if value else ""


def hashed_key(authenticated: UserAPIKeyAuth) -> str:
    """What identifies a key, whatever it is called; empty without one.

    LiteLLM's own hash where it has made one, so that records can be joined. It makes none of a custom
    authentication's keys: what is no hash is hashed here, and no secret leaves. A user's JWTs are one caller.
    """
    held = authenticated.token or authenticated.api_key or ""
    if held.startswith(_JWT) and authenticated.user_id:
        return ""
    hashed = held.removeprefix(_JWT)
    if not hashed or _HASH.fullmatch(hashed):
        return hashed
    return hashlib.sha256(held.encode(errors="backslashreplace")).hexdigest()


def conversation_id(request_data: JsonMapping, response: object = None) -> str:
    """The id of the provider's conversation, which a request names as a string or object.

    LiteLLM drops a parameter that it does not know: then it reaches the provider only as part of `extra_body`.
    """
    for holder in (response, request_data if _KNOWS_CONVERSATIONS else None, request_data.get("extra_body")):
        if holder is None:
            continue
        conversation = fields.get(holder, "conversation")
        if found := _text(conversation) or _text(fields.get(conversation, "id")):
            return found
    return ""


def previous_response_id(request_data: JsonMapping, *, encrypted: bool) -> str:
    """The upstream's id of the response that a request goes on from, whichever form it came in.

    Args:
        request_data: the request.
        encrypted: whether it came through the proxy, which hands ids out encrypted.
    """
    given = _text(request_data.get("previous_response_id"))
    return upstream_id(given, encrypted=encrypted)


def upstream_id(response_id: str, *, encrypted: bool) -> str:
    """The id that the upstream gave the response, out of the one that LiteLLM made of it.

    Args:
        response_id: as LiteLLM has it, with the proxy's encryption or without: a stream's events have it behind them
            when they reach a guardrail, and a whole answer before it.
        encrypted: whether it may be encrypted.
    """
    if not response_id:
        return ""
    made_of = _made_of(response_id)
    if made_of != response_id or not encrypted:
        return made_of
    decrypted, _, _ = ResponsesIDSecurity()._decrypt_response_id(response_id)  # noqa: SLF001 - the only reader
    return _made_of(decrypted)


def in_same_form(given: str, meant: str, response_id: str) -> str:
    """The id of another response in the form in which a caller gave one, and so for nobody but whom that was for.

    Args:
        given: the caller's, with the proxy's encryption or without.
        meant: the upstream's id that it stands for.
        response_id: the other one, as LiteLLM has it, without encryption.
    """
    if _made_of(given) == meant:
        return response_id
    security = ResponsesIDSecurity()
    _, user, team = security._decrypt_response_id(given)  # noqa: SLF001 - the only reader
    holder = BaseLiteLLMOpenAIResponseObject.model_validate({"id": response_id})
    owner = UserAPIKeyAuth(user_id=user, team_id=team)
    return _text(fields.get(security._encrypt_response_id(holder, owner), "id"))  # noqa: SLF001 - the only writer


def _made_of(response_id: str) -> str:
    """The id that LiteLLM wrote the model's name around; the id itself if it did not."""
    decoded = ResponsesAPIRequestUtils._decode_responses_api_response_id(response_id)  # noqa: SLF001 - the only reader
    return _text(decoded.get("response_id")) or response_id


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
