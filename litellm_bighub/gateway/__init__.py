"""The only room that imports LiteLLM: handler, guardrail, governed calls, registration."""
