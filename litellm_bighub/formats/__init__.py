"""What payloads look like: one folder a wire format, each with the same three parts.

`texts` says where texts are, `calls` where tool calls are and how one is withheld, `gate` is the stream's state
machine.
"""
