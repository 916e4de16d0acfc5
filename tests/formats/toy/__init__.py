"""A wire format that no provider speaks, plugged in as CONTRIBUTING says."""
