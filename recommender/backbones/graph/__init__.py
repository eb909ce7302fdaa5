"""Backbones that pass vectors along the graph of users and items."""
