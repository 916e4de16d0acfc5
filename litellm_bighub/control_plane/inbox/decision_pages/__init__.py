"""Recorded decisions: searched, read one by one, and handed out."""
