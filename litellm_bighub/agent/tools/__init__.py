"""Tools: registration, schemas, arguments, running, results."""
