"""What a request brings back from earlier answers, and who sends it."""
