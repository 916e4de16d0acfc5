"""Governed calls in code: LiteLLM's functions and routers."""
