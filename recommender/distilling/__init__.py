"""Distilling a language model's rankings: which cases it sees, and training a model on them."""
