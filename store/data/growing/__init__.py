"""Data sets that grow: what is in a store already, and what a file adds to it."""
