"""Histories and stored interests as arrays."""
