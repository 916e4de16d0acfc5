"""What helps people to write a policy: its schema, rules that are never reached, and what the record suggests."""
