"""Builds guardrails from a config, and describes the proxy process."""
