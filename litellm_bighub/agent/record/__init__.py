"""The record of a run: events for its caller, and their delivery to BIGHUB."""
