"""The policy in force, and what it says of a call."""
