"""The extractor that needs no language model."""
