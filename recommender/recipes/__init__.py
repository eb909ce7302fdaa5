"""A training run as one checked configuration."""
