"""Authentication of a proxy without a database: keys whose metadata, and whose team's, opt out of guardrails."""

from __future__ import annotations

import os

from fastapi import HTTPException
from litellm.proxy._types import UserAPIKeyAuth

OPTED_OUT = {"opted_out_global_guardrails": ["bighub", "texts"]}
DISABLED = {"disable_global_guardrails": True}
KEYS = {
    "sk-opted-out": {"metadata": OPTED_OUT},
    "sk-disabled": {"metadata": DISABLED},
    "sk-of-team-opted-out": {"team_id": "t-2", "team_alias": "blue", "team_metadata": OPTED_OUT},
    "sk-of-team-disabled": {"team_id": "t-2", "team_alias": "blue", "team_metadata": DISABLED},
    "sk-of-red": {"team_id": "t-1", "team_alias": "red", "metadata": OPTED_OUT, "user_id": "u-7"},
    "sk-of-red-and-in": {"team_id": "t-1", "team_alias": "red", "metadata": {}},
}


async def authenticate(request, api_key: str) -> UserAPIKeyAuth:
    if api_key == os.environ["LITELLM_MASTER_KEY"]:
        return UserAPIKeyAuth(api_key=api_key)
    if api_key not in KEYS:
        raise HTTPException(401, "unknown key")
    return UserAPIKeyAuth(api_key=api_key, **KEYS[api_key])
