"""Sections of the run card: one module for each, and the registry that names them."""
