"""Waiting for a person's answer to an approval."""
