"""The audit: export, retention, and reports of what came of calls."""
