"""Running text guardrails over texts: both contracts, in parallel, all or nothing."""
