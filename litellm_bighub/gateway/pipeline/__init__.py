"""Request, answer and stream of a governed call, from the request to what the client receives."""
