"""A model provider that says what a script tells it to."""
