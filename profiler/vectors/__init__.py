"""Texts as vectors, and histories as means of them."""
