"""What LiteLLM calls: the translation handler and the guardrails."""
