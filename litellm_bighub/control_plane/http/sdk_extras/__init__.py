"""What BIGHUB's SDK can call beside decisions and approvals. It is served because the SDK has it."""
