"""Where the texts of Messages are, whole and streamed."""
