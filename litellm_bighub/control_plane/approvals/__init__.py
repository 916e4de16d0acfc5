"""A person's answer to a call that waits."""
