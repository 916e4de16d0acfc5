"""The embedded BIGHUB: policy, approvals, memory and audit."""
