"""Streams of the Responses API: the gate that holds calls, and the stream that joins two answers."""
