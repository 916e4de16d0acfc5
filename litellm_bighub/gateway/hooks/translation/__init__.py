"""The translation handler, by which LiteLLM's guardrails see every text and call of every format."""
