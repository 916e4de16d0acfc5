"""Behaviours around a decider: each a small class over the same protocol."""
