"""What every format knows of answers: their fields, their calls, their errors."""
