"""Frozen values that every room speaks of: tool call, decision, event."""
