"""Requests of the Responses API: what one brings back, and how the next one is made."""
