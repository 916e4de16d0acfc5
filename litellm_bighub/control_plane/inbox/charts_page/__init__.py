"""Charts of decisions."""
