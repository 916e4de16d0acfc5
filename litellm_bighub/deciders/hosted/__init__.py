"""The hosted BIGHUB behind the `Decider` protocol."""
