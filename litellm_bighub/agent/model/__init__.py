"""The model behind an agent, and its answers in plain containers."""
