"""Every route of LiteLLM's proxy and what becomes of tool calls on it."""
