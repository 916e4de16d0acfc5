"""From a config to working guardrails, and what a process of the proxy knows of itself."""
