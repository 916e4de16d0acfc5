"""Conversations as they are known again, and what is known of what happened in them."""
