"""People who log in: users with their groups and roles, and what a role may do."""
