"""What every format knows of requests: their tools, and what they bring back."""
