"""What may run: the policy file, its rules, and the pure function that judges a call by them."""
