"""Messages of MCP, as client and server send them."""
