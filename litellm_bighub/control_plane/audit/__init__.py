"""The audit: its export, its retention, and what came of calls."""
