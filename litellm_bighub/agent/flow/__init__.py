"""The agent's loop: a generator of effects, and what a run knows."""
