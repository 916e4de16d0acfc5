"""Governs a request, its whole answer and its stream, for the proxy and for code."""
