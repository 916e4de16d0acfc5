"""One decision: the question, the policy that judges it, and the record of it."""
