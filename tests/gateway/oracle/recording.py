"""A guardrail that keeps everything it is given and changes nothing; runs in the proxy's process."""

from __future__ import annotations

import json
import os
from pathlib import Path

from litellm.integrations.custom_guardrail import CustomGuardrail

GIVEN = Path(os.environ["GIVEN"])


class Recording(CustomGuardrail):
    async def apply_guardrail(self, inputs, request_data, input_type, logging_obj=None):
        given = {kind: inputs.get(kind) for kind in ("texts", "images", "files")}
        given["side"] = input_type
        with GIVEN.open("a") as file:  # noqa: ASYNC230 - of a few bytes, in a test
            file.write(json.dumps(given) + "\n")
        return inputs
