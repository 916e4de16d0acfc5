"""Rules that keys and teams bring along."""
