"""The command `litellm-bighub`."""
