"""The command `litellm-bighub`, one module for each command.

They import what is slow to import when they run, so that `--help` is quick.
"""
