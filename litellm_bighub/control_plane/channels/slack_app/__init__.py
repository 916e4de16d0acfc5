"""Slack as a channel that people answer in: the app's messages, what is pressed in them, and how that arrives."""
