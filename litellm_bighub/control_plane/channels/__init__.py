"""How events reach people and programs: webhooks, Slack."""
