"""Backbones that read the texts of items: alone, or beside what was learned."""
