"""A BIGHUB client of any generation: as the decider, approval backend and memory of an agent."""
