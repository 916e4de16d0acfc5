"""The real LiteLLM proxy as a process."""
