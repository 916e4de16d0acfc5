"""What LiteLLM's loggers get of governed requests: what the provider and the caller got, and no more."""
