"""Payloads of any format: reading and changing fields, and finding texts in them."""
