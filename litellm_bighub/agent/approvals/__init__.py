"""Calls of an agent that wait for a person."""
