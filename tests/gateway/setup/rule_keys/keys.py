"""Authentication of a proxy without a database: keys and teams whose metadata stand in `keys.json`, as they are now."""

from __future__ import annotations

import json
import os
from pathlib import Path

from fastapi import HTTPException
from litellm.proxy._types import UserAPIKeyAuth


async def authenticate(request, api_key: str) -> UserAPIKeyAuth:
    if api_key == os.environ["LITELLM_MASTER_KEY"]:
        return UserAPIKeyAuth(api_key=api_key)
    keys = json.loads(Path(__file__).with_name("keys.json").read_text())
    if api_key not in keys:
        raise HTTPException(401, "unknown key")
    return UserAPIKeyAuth(api_key=api_key, key_alias=api_key.removeprefix("sk-"), **keys[api_key])
