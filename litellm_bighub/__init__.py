"""Makes a LiteLLM gateway safe for agents: sees every text, decides on every tool call."""
