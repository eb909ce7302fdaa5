"""From the text of an answer to interests that rest on what was shown."""
