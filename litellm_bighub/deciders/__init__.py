"""Deciders answer "may this call be run?": the protocol, its implementations and the wrappers around them."""
