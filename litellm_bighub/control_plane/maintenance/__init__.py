"""What a process does besides answering: expiries, retention, deliveries."""
