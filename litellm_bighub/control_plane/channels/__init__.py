"""Where approvals and events are told: webhooks, Slack."""
