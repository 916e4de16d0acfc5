"""Where the texts of chat completions are, whole and streamed."""
