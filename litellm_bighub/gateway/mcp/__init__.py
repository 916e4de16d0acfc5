"""Calls of MCP tools through the gateway."""
