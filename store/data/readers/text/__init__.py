"""From a path to lines of text that can be trusted: compression, encoding, separators."""
