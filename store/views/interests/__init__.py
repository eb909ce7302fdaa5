"""Look-ups of interests: by words, by what proves them, by what they explain."""
