"""Synthetic users: cliques of like users, chosen to cover the crowd."""
