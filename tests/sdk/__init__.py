"""Other people's clients, unchanged, against a real server."""
