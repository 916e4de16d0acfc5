"""What lasts: approvals, counters, rules, switches, memory and the audit, in SQLite or PostgreSQL."""
