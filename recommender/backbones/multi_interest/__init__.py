"""Backbones that give a user several vectors."""
