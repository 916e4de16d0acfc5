"""What a run tells its caller, the model and BIGHUB."""
