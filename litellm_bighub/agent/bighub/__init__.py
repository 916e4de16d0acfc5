"""A BIGHUB client that somebody handed in, of any generation: deciding, settling approvals, remembering."""
