"""Top-k lists and their explanations."""
