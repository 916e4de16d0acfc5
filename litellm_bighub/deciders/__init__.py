"""Who answers "may this call be run?": the `Decider` protocol, its implementations and the wrappers around them."""
