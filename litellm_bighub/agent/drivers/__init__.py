"""Carrying out the effects of a run, sync and async."""
