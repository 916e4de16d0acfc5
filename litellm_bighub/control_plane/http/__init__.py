"""BIGHUB's own HTTP contract, spoken by the control plane."""
