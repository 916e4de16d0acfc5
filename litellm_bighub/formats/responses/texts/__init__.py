"""Where the texts of the Responses API are, whole and streamed."""
