"""Calls as people read them: pure functions from redacted arguments to what a template prints."""
